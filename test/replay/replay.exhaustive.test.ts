import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { installQuietRuntime } from '../support/quiet-runtime.js';
import { testWorkflowBundle } from '../support/workflow-bundle.js';
import { type RecordedHistory, readHistories, refusePaths } from './histories.js';
import { SCENARIOS } from './scenarios.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

installQuietRuntime();
const histories = await readHistories();

/** Replays histories against a bundle; gives those that it cannot have produced, and why. */
async function replay(code: string, chosen: readonly RecordedHistory[]): Promise<ReadonlyMap<string, string>> {
  const replayed = Worker.runReplayHistories({ workflowBundle: { code } }, chosen);
  const names = chosen.map(({ scenario, name }) => `${scenario}/${name}`);
  const failures = new Map<string, string>();
  let count = 0;
  for await (const { error } of replayed) {
    if (error !== undefined) failures.set(names[count] ?? '', error.message);
    count += 1;
  }
  expect(count).toBe(chosen.length);
  return failures;
}

/** Many histories, and a bundler; on a machine that has other things to do as well. */
const TIMEOUT_MS = 60_000;

describe('the recorded histories', { timeout: TIMEOUT_MS }, () => {
  it('are those of every scenario, with the apply and its operations', () => {
    expect([...new Set(histories.map(({ scenario }) => scenario))].toSorted()).toEqual(
      SCENARIOS.map(({ name }) => name).toSorted(),
    );
    expect(new Set(histories.map(({ workflowType }) => workflowType))).toEqual(new Set(['apply', 'operation']));
  });

  it('hold no absolute path', () => {
    for (const { scenario, name, history } of histories) refusePaths(`${scenario}/${name}`, JSON.stringify(history));
  });

  it('are replayed by the workflows as they are now (else: npm run record, or patched once they are released)', async () => {
    const failures = await replay(await testWorkflowBundle(), histories);
    expect(Object.fromEntries(failures)).toEqual({});
  });

  it('catch workflows that were changed: another step before a dispatch, another size of a batch', async () => {
    const code = await bundleChanged([
      {
        file: 'workflows/reach-remote.ts',
        from: '  const answer = await send(memory);',
        to: '  await condition(() => false, 1);\n  const answer = await send(memory);',
      },
      { file: 'workflows/reservation.ts', from: 'const STARTS_PER_TASK = 100;', to: 'const STARTS_PER_TASK = 50;' },
    ]);
    const failures = await replay(code, histories);
    const dispatched = histories.filter(({ history }) => history.events.some(isDispatch));
    expect(dispatched.length).toBeGreaterThan(0);
    for (const { scenario, name } of dispatched) expect([...failures.keys()]).toContain(`${scenario}/${name}`);
    expect(failures.get('reserved-in-batches/apply-1')).toContain('TMPRL1100');
    expect([...failures.values()].every((message) => message.includes('TMPRL1100'))).toBe(true);
    // Not everything fails: the change is what is caught.
    expect([...failures.keys()]).not.toContain('completed-one/apply-1');
  });
});

describe('a history with an absolute path in it', () => {
  it.each([
    ['in an event', '{"cause":"at run (/home/ann/skein/dist/worker.js:3:7)"}'],
    ['in a payload', `{"data":"${Buffer.from('"/srv/build/apply.ts"').toString('base64')}"}`],
    ['of Windows', '{"cause":"C:\\\\Users\\\\ann\\\\apply.ts"}'],
    ['as a URL', '{"cause":"file:///x/y.js"}'],
  ])('is refused (%s)', (_where, text) => {
    expect(() => refusePaths('story/apply-1', text)).toThrow('history story/apply-1 holds absolute paths');
  });

  it('is told from one with ids, keys and times, which is kept', () => {
    const ids = '{"id":"test/orders/eu/orders_eu","key":"skein/orders-7f3a/0123/eu/0","at":"2026-11-22T07:00:00Z"}';
    expect(() => refusePaths('story/apply-1', ids)).not.toThrow();
  });
});

function isDispatch(event: RecordedHistory['history']['events'][number]): boolean {
  return event.activityTaskScheduledEventAttributes?.activityType.name === 'dispatch';
}

/** A bundle of a copy of the workflows with some text exchanged; each must be there, or the change changes nothing. */
async function bundleChanged(
  changes: readonly { readonly file: string; readonly from: string; readonly to: string }[],
): Promise<string> {
  // Below the repository, so that the copy finds the packages.
  const folder = join(ROOT, '.skein', `changed-workflows-${process.pid}`);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(folder, { recursive: true });
  for (const name of ['workflows', 'domain', 'activities'])
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  for (const { file, from, to } of changes) {
    const text = await readFile(join(folder, file), 'utf8');
    expect(text).toContain(from);
    await writeFile(join(folder, file), text.replace(from, to));
  }
  const workflowsPath = join(folder, 'workflows', 'index.ts');
  return (await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') })).code;
}
