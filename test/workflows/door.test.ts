import { describe, expect, it } from 'vitest';
import type { ApplyView } from '../../domain/apply.js';
import { CONTROL_UPDATES, SIGNALLED } from '../../workflows/messages.js';
import { applyInput, initial, outcome, spec } from '../client/builders.js';
import { type RawPayload, type Run, openActivations, payload } from '../support/activation.js';
import { JUNK, UNDECODABLE } from '../support/junk.js';

/** A table is many activations, and the machine may have ten other things to do. */
const LIMIT = { timeout: 60_000 };

const activations = await openActivations();

const idOf = (name: string) => `production/orders/${name}/orders_${name}`;

/** Everything that can come with a message: nothing, junk alone and behind something else, and what cannot be decoded. */
const CASES: readonly (readonly [string, readonly RawPayload[]])[] = [
  ['nothing', []],
  ...Object.entries(JUNK).map(([name, value]) => [name, [payload(value)]] as const),
  ...Object.entries(UNDECODABLE).map(([name, raw]) => [name, [raw]] as const),
  ...Object.entries(UNDECODABLE).map(([name, raw]) => [`an empty object, and ${name}`, [payload({}), raw]] as const),
];

/** Two deployments, the first of them admitted, under a policy that is open: nothing is parked, gated or paused. */
async function begunApply(): Promise<Run> {
  const run = await activations.run('apply', 'apply-1', applyInput({ spec: spec({}, ['eu', 'us']) }));
  await run.activate();
  await run.activate(run.childStarted(idOf('eu')), run.childStarted(idOf('us')));
  return run;
}

async function viewOf(run: Run): Promise<ApplyView> {
  const [answer] = (await run.activate(run.query('status'))).answers;
  return answer as ApplyView;
}

/** A plain stop reaches every child, and the run ends once they have. */
async function expectStopWorks(run: Run): Promise<void> {
  const { signalled } = await run.activate(run.signal('stop'));
  expect(signalled).toEqual([`stop to ${idOf('eu')}`, `stop to ${idOf('us')}`]);
  await expectEnd(run);
}

async function expectEnd(run: Run): Promise<void> {
  const end = await run.activate(
    ...['eu', 'us'].map((name) => run.childCompleted(idOf(name), outcome(name, 'stopped', { reason: 'operator' }))),
  );
  expect(end.result).toMatchObject({ operations: [{ state: 'stopped' }, { state: 'stopped' }] });
}

/** The message itself is decoded and is not an object that narrows the control: as good as a bare one. */
const BARE = CASES.filter(([name]) => !(name in UNDECODABLE));
const ONE_OF_EACH_KIND = CASES.filter(([name]) =>
  ['nothing', 'null', 'a number', 'a list in each field', 'half of an object'].includes(name),
);
const UNREADABLE_CASES = CASES.filter(([name]) => name in UNDECODABLE);

describe('whatever a stranger signals to an apply', LIMIT, () => {
  const harmless = ['report', 'giveUp', 'retry', 'frobnicate', 'constructor', '__temporal_x'];
  const refusedNow = SIGNALLED.filter((name) => name !== 'stop' && name !== 'cancel');
  it.each([...harmless, ...refusedNow])('%s: no junk changes anything, and a stop still stops', async (name) => {
    const run = await begunApply();
    const before = await viewOf(run);
    for (const [what, input] of CASES) {
      const { commands } = await run.activate(run.rawSignal(name, input));
      expect(commands, what).toEqual([]);
    }
    expect(await viewOf(run)).toEqual(before);
    await expectStopWorks(run);
  });

  it.each(CASES)('a stop with %s is a stop', async (_what, input) => {
    const run = await begunApply();
    const { signalled } = await run.activate(run.rawSignal('stop', input));
    expect(signalled).toEqual([`stop to ${idOf('eu')}`, `stop to ${idOf('us')}`]);
    expect((await viewOf(run)).controls).toMatchObject([{ name: 'stop', deployments: [] }]);
    await expectEnd(run);
  });
});

describe('a report of an operation that has not begun', () => {
  const report = { deployment: 'us', attempt: 0, state: 'running', remoteApplyId: 'x', refused: null };

  it('does not take the place of its admission: it goes when its turn comes', async () => {
    const run = await begunApply();
    expect((await run.activate(run.signal('report', report))).commands).toEqual([]);
    const { signalled } = await run.activate(run.childCompleted(idOf('eu'), outcome('eu', 'completed')));
    expect(signalled).toEqual([`admit to ${idOf('us')}`]);
  });

  it('before there is a workflow of it does not keep its workflow from being started', async () => {
    const run = await activations.run('apply', 'apply-1', applyInput({ spec: spec({}, ['eu', 'us']) }));
    expect((await run.activate(run.signal('report', report))).started).toEqual([idOf('eu'), idOf('us')]);
  });
});

describe('a cancel, which is final, by signal', () => {
  it.each(BARE)('with %s is for the whole apply', async (_what, input) => {
    const run = await begunApply();
    const { signalled } = await run.activate(run.rawSignal('cancel', input));
    expect(signalled).toEqual([`cancel to ${idOf('eu')}`, `cancel to ${idOf('us')}`]);
  });

  const narrowed: readonly (readonly [string, unknown])[] = [
    ['deployments that are a number', { deployments: 5 }],
    ['deployments that are an object', { deployments: { eu: true } }],
    ['a list that holds no names', { deployments: [{ name: 'eu' }] }],
    ['a list with a hole', { deployments: ['eu', null] }],
    ['more names than an apply can have', { deployments: Array.from({ length: 5_000 }, (_, index) => `d${index}`) }],
    ['a name that never ends', { deployments: ['eu'.repeat(100_000)] }],
    ['an environment that is a number', { environment: 7 }],
    ['an environment that is a list', { environment: ['production'] }],
  ];
  it.each([...narrowed.map(([name, message]) => [name, [payload(message)]] as const), ...UNREADABLE_CASES])(
    'with %s is not read as one of the whole apply, and a stop still stops',
    async (_what, input) => {
      const run = await begunApply();
      const before = await viewOf(run);
      expect((await run.activate(run.rawSignal('cancel', input))).signalled).toEqual([]);
      expect(await viewOf(run)).toEqual(before);
      await expectStopWorks(run);
    },
  );

  it.each(narrowed.slice(0, 4))('a stop with %s is a stop all the same', async (_what, message) => {
    const run = await begunApply();
    const { signalled } = await run.activate(run.signal('stop', message));
    expect(signalled).toEqual([`stop to ${idOf('eu')}`, `stop to ${idOf('us')}`]);
  });
});

describe('whatever a stranger sends to an apply as an update', LIMIT, () => {
  const names = Object.keys(CONTROL_UPDATES).filter((name) => name !== 'stop' && name !== 'cancel');
  const unknown = ['report', 'frobnicate', 'constructor'];
  it.each([...names, ...unknown])('%s: all junk is refused with a reason, and a stop still stops', async (name) => {
    const run = await begunApply();
    const before = await viewOf(run);
    for (const [what, input] of CASES) {
      const { updates, signalled } = await run.activate(run.update(name, input));
      expect(updates, what).toEqual([expect.stringMatching(/^rejected: ./)]);
      expect(updates.join().length, what).toBeLessThan(1_000);
      expect(signalled, what).toEqual([]);
    }
    expect(await viewOf(run)).toEqual(before);
    await expectStopWorks(run);
  });

  describe.each(['stop', 'cancel'])('%s, with', (name) => {
    it.each(ONE_OF_EACH_KIND)('%s, is carried out or refused, and a stop still stops', async (_what, input) => {
      const run = await begunApply();
      const { updates, signalled } = await run.activate(run.update(name, input));
      const isAccepted = updates[0] === 'accepted';
      expect(updates).toEqual(isAccepted ? ['accepted', 'completed'] : [expect.stringMatching(/^rejected: ./)]);
      expect(signalled).toEqual(isAccepted ? [`${name} to ${idOf('eu')}`, `${name} to ${idOf('us')}`] : []);
      if (!isAccepted) await expectStopWorks(run);
    });
  });

  it('which names thousands of deployments, is refused in a message that can be read', async () => {
    const run = await begunApply();
    const deployments = Array.from({ length: 5_000 }, (_, index) => `d${index}`.repeat(50));
    const { updates } = await run.activate(run.update('cancel', [payload({ deployments })]));
    expect(updates).toEqual([expect.stringContaining('rejected: cancel names deployment')]);
    expect(updates.join().length).toBeLessThan(2_000);
  });
});

describe('a query, with whatever a stranger sends along', LIMIT, () => {
  it('is answered, by the apply and by the operation', async () => {
    const run = await begunApply();
    const own = await activations.run('operation', idOf('eu'), operationInput());
    await own.activate();
    for (const [what, input] of CASES) {
      expect((await run.activate(run.query('status', input))).answers, what).toMatchObject([{ apply: 'apply-1' }]);
      expect((await own.activate(own.query('status', input))).answers, what).toMatchObject([{ deployment: 'eu' }]);
      for (const name of ['frobnicate', '__stack_trace', '__temporal_workflow_metadata'])
        expect((await run.activate(run.query(name, input))).answers, `${name}, ${what}`).toHaveLength(1);
    }
    await expectStopWorks(run);
  });
});

function operationInput() {
  const { spec: given, caller } = applyInput({ spec: spec({}, ['eu']) });
  return {
    ...given,
    applyId: 'apply-1',
    applyRunId: 'run',
    deployment: 'eu',
    target: 'orders_eu',
    queue: 'skein',
    planId: 'plan-eu',
    planDigest: 'abcdef0123456789',
    allowUnsafe: false,
    deferCutover: false,
    caller,
    initial: initial('eu'),
    admitted: false,
    halt: null,
  };
}

/** An operation that its engine has accepted: live, and watched. */
async function liveOperation(): Promise<Run> {
  const run = await activations.run('operation', idOf('eu'), operationInput());
  await run.activate();
  await run.activate(run.signal('admit'));
  const answer = { kind: 'accepted', remoteApplyId: 'apply-x', remoteOperationId: null };
  expect((await run.activate(run.activityCompleted('dispatch', answer))).scheduled).toEqual(['watch']);
  return run;
}

/** What it asks of its engine, and its end once the engine has confirmed. */
async function expectHalt(run: Run, halt: { readonly scheduled: readonly string[]; readonly by: 'stop' | 'cancel' }) {
  expect(halt.scheduled).toEqual(['control']);
  const state = halt.by === 'cancel' ? 'cancelled' : 'stopped';
  const confirmed = { state, message: '', confirmed: true, progress: null };
  const { scheduled } = await run.activate(run.activityCompleted('control', confirmed));
  expect(scheduled).toEqual([]);
}

describe('whatever a stranger signals to a live operation', LIMIT, () => {
  const harmless = ['giveUp', 'report', 'permit', 'admit', 'revert', 'skip-revert', 'release', 'frobnicate'];
  it.each(harmless)('%s: no junk ends or moves it, and a stop still stops', async (name) => {
    const run = await liveOperation();
    for (const [what, input] of CASES) {
      const { commands } = await run.activate(run.rawSignal(name, input));
      expect(commands, what).toEqual([]);
    }
    const { answers } = await run.activate(run.query('status'));
    expect(answers).toMatchObject([{ stage: 'admitted', outcome: null }]);
    await expectHalt(run, { ...(await run.activate(run.signal('stop'))), by: 'stop' });
  });

  describe.each(['stop', 'cancel'] as const)('%s, with', (by) => {
    it.each([
      ...CASES,
      ...['engine', 'nothing_to_do', 'constructor', '', 7, null, { a: 1 }].map(
        (reason) => [`the reason ${JSON.stringify(reason)}`, [payload({ reason })]] as const,
      ),
    ])('%s, is an operator who halts it', async (_what, input) => {
      const waiting = await activations.run('operation', idOf('eu'), operationInput());
      const { result } = await waiting.activate(waiting.rawSignal(by, input));
      expect(result).toMatchObject({ state: by === 'cancel' ? 'cancelled' : 'stopped', reason: 'operator' });
    });

    it.each(ONE_OF_EACH_KIND)('%s, reaches its engine', async (_what, input) => {
      const run = await liveOperation();
      await expectHalt(run, { ...(await run.activate(run.rawSignal(by, input))), by });
    });
  });

  it.each(['operator', 'skip', 'policy', 'deadline'])('a stop for the reason "%s" says so', async (reason) => {
    const run = await activations.run('operation', idOf('eu'), operationInput());
    expect((await run.activate(run.signal('stop', { reason }))).result).toMatchObject({ state: 'stopped', reason });
  });

  it('a person who gives it up ends it, and what was said is cut to a length and free of half characters', async () => {
    const run = await liveOperation();
    const given = { by: 'bob\ud800', reason: `lost ${'x'.repeat(300_000)}` };
    const { failure } = await run.activate(run.signal('giveUp', given));
    const message = String((failure?.detail as Partial<Record<string, unknown>> | undefined)?.['message']);
    expect(message).toContain('given up by bob\ufffd: lost xxx');
    expect(message.length).toBeLessThan(3_000);
  });
});
