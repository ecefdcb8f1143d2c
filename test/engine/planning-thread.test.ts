import { afterEach, describe, expect, it } from 'vitest';
import { PlanningThread, type PlanningThreadOptions } from '../../engine/postgres/planning/planning-thread.js';
import { until } from '../support/until.js';

/** A thread that does what the name of the target says, in place of planning. */
const ENTRY = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    const forgotten = new Set();
    setInterval(() => parentPort.postMessage({ kind: 'alive' }), 20).unref();
    const answer = (id, problem) =>
      parentPort.postMessage({ kind: 'answer', id, answer: { kind: 'problems', problems: [problem] } });
    parentPort.on('message', ({ kind, id, target }) => {
      if (kind === 'forget') return void forgotten.add(id);
      if (target.name === 'dies') setTimeout(() => process.exit(1), 50);
      else if (target.name === 'throws') setTimeout(() => { throw new Error('a mistake in the planner'); }, 50);
      else if (target.name === 'spins') setTimeout(() => { for (;;); }, 50);
      else if (target.name === 'eats') setTimeout(() => { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); }, 50);
      else if (target.name === 'fails') parentPort.postMessage({ kind: 'failure', id, failure: { kind: 'call', code: 9, message: 'no' } });
      else if (target.name === 'which') answer(id, [...forgotten].join());
      else if (target.name === 'slow') setTimeout(() => answer(id, 'at last'), 400);
      else if (target.name === 'long') setTimeout(() => answer(id, 'in the end'), 1800);
      else if (target.name !== 'waits') answer(id, target.name);
    });
  `)}`,
);

const threads: PlanningThread[] = [];

function open(options: PlanningThreadOptions = {}): PlanningThread {
  const thread = new PlanningThread({ entry: ENTRY, ...options });
  threads.push(thread);
  return thread;
}

afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
});

const INPUT = { schemaFiles: {}, ignoreTables: [] };

/** The answer of a plan, or what it failed with, in a word. */
async function ask(thread: PlanningThread, name: string, signal?: AbortSignal): Promise<string> {
  const target = { name, dsn: 'postgres://nowhere', scratch: { name, dsn: 'postgres://nowhere' } };
  try {
    const answer = await thread.plan(target, INPUT, signal);
    return answer.kind === 'problems' ? answer.problems.join() : answer.kind;
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${String(error.code)}: ${error.message}` : String(error);
  }
}

const INTERNAL = 13;

/** Threads take their time to start on a machine that has other things to do. */
const LIMIT = { timeout: 60_000 };

describe('a planning thread', LIMIT, () => {
  it('answers, and hands a refusal on as it is', async () => {
    const thread = open();
    expect(await ask(thread, 'a')).toBe('a');
    expect(await ask(thread, 'fails')).toBe('9: no');
  });

  it.each([
    ['dies', /ended by itself/, {}],
    ['throws', /a mistake in the planner/, {}],
    ['eats', /memory/, { heapMebibytesMax: 32 }],
    ['spins', /held it for more than 1000 ms/, { holdMaxMs: 1_000 }],
  ])('that %s fails that one plan as INTERNAL with the reason, and is replaced', async (name, reason, options) => {
    const thread = open(options);
    const failed = await ask(thread, name);
    expect(failed).toMatch(reason);
    expect(failed).toContain(`${INTERNAL}: target ${name}: the thread that planned for it ended`);
    expect(await ask(thread, 'next')).toBe('next');
  });

  it('that dies takes no other plan with it, under way or waiting', async () => {
    const thread = open();
    const others = ['slow', 'slow', 'slow'].map((other) => ask(thread, other));
    const guilty = ask(thread, 'dies');
    const later = ask(thread, 'later');
    expect(await Promise.all(others)).toEqual(['at last', 'at last', 'at last']);
    expect(await guilty).toContain(`${INTERNAL}: target dies`);
    expect(await later).toBe('later');
  });

  it('that waits for a database is not held: it says that it lives', async () => {
    const thread = open({ holdMaxMs: 900 });
    expect(await ask(thread, 'long')).toBe('in the end');
  });

  it('drops a plan that nobody waits for, and goes on with the others', async () => {
    const thread = open();
    const gone = new AbortController();
    const dropped = ask(thread, 'waits', gone.signal);
    expect(await ask(thread, 'a')).toBe('a');
    gone.abort();
    expect(await dropped).toContain('no longer waits');
    expect(await until(async () => (await ask(thread, 'which')) || null)).toBe('1');
    const before = new AbortController();
    before.abort();
    expect(await ask(thread, 'a', before.signal)).toContain('no longer waits');
  });

  it('that is closed answers what it was asked, and takes nothing more', async () => {
    const thread = open();
    const asked = ask(thread, 'waits');
    await thread.close();
    expect(await asked).toContain('14: the engine is stopping');
    expect(await ask(thread, 'a')).toContain('14: the engine is stopping');
    await thread.close();
  });

  it('whose file is missing says so', async () => {
    const thread = open({ entry: new URL('./no-such-file.js', import.meta.url) });
    expect(await ask(thread, 'a')).toMatch(/^13: .*no-such-file/);
  });
});
