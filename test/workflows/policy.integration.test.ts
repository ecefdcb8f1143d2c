import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { OperationView } from '../../domain/apply.js';
import type { RolloutSpec } from '../../domain/spec.js';
import type { ApplyStatus } from '../../domain/status.js';
import type { apply } from '../../workflows/apply.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES, type ControlMessage, statusQuery } from '../../workflows/messages.js';
import { lineOf, refusalOf, send, startNextRun, untilStatus } from '../support/controls.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';

const stage = await openStage({ timings: { cancelSettlesMs: 400, missingAgainMs: 100, verifyAgainMs: 100 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;
const FAILS = { end: 'failed', message: 'duplicate key value' } as const;
const START = { control: 'start', release: false, skip: [] } as const;

function applyCalls(scene: Scene, deployment: string): number {
  return scene.engine(deployment).ledger.calls({ rpc: 'Apply' }).length;
}

async function untilWatched(scene: Scene, deployment: string): Promise<void> {
  await scene.engine(deployment).ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
}

describe('failures under each policy', () => {
  const cases: readonly {
    readonly policy: Partial<RolloutSpec>;
    readonly fail: readonly string[];
    readonly expected: string;
    readonly because: string;
  }[] = [
    {
      policy: { onFailure: 'halt' },
      fail: ['a'],
      expected: 'a=failed b=stopped c=stopped d=stopped',
      because: 'halt starts nothing after the first failure',
    },
    {
      policy: { onFailure: 'halt', failureTolerance: 1 },
      fail: ['a', 'c'],
      expected: 'a=failed b=completed c=failed d=stopped',
      because: 'a tolerance of one forgives one failure, not two',
    },
    {
      policy: { onFailure: 'halt', failureTolerance: '50%' },
      fail: ['a', 'b'],
      expected: 'a=failed b=failed c=completed d=completed',
      because: 'half of four may fail; the verdict is failed all the same',
    },
    {
      policy: { onFailure: 'continue' },
      fail: ['a', 'c'],
      expected: 'a=failed b=completed c=failed d=completed',
      because: 'continue starts everything',
    },
    {
      policy: { onFailure: 'pause', failureTolerance: 2 },
      fail: ['a', 'b'],
      expected: 'a=failed b=failed c=completed d=completed',
      because: 'pause does not pause within the tolerance',
    },
  ];
  it.each(cases.map((one) => [one.because, one] as const))('%s', async (_because, { policy, fail, expected }) => {
    const scene = await stage.scene(['a', 'b', 'c', 'd'], { oneEngine: true });
    const engine = scene.engine('a');
    for (const name of fail) engine.script(name, { ...FAILS, message: `${name} is broken` });
    const result = await resultOf(await scene.start(await scene.input({ rollout: policy })));
    expect(summary(result)).toBe(expected);
    expect(result.state).toBe('failed');
    expect(result.message).toContain(`${fail[0]}: ${fail[0]} is broken`);
    for (const operation of result.operations.filter(({ state }) => state === 'stopped')) {
      expect(operation).toMatchObject({ started: false, reason: 'policy', completedAt: null });
      expect(engine.ledger.calls({ rpc: 'Apply', target: operation.deployment })).toEqual([]);
    }
    expect(engine.ledger.concurrencyMax().overall).toBe(1);
  });

  it('halt lets what is in flight finish', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', { ...HOLDS, ...FAILS });
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { maxConcurrency: 2 } }));
    await untilWatched(scene, 'b');
    await untilWatched(scene, 'a');
    scene.engine('a').failApply('a', 'no');
    const status = await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'c').state === 'stopped');
    expect(status.state).toBe('running_degraded');
    scene.engine('b').completeApply('b');
    expect(summary(await resultOf(handle))).toBe('a=failed b=completed c=stopped');
    expect(scene.engine('b').ledger.calls({ rpc: ['Stop', 'Cancel'] })).toEqual([]);
  });

  it.each([
    { maxConcurrency: 2, most: 2 },
    { maxConcurrency: '50%', most: 3 },
    { maxConcurrency: '1%', most: 1 },
  ] as const)('the width $maxConcurrency of six is used and never exceeded', async ({ maxConcurrency, most }) => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const scene = await stage.scene(names, { oneEngine: true });
    for (const name of names) scene.engine('a').script(name, { steps: [{ state: 'STATE_RUNNING', polls: 2 }] });
    const result = await resultOf(await scene.start(await scene.input({ rollout: { maxConcurrency } })));
    expect(result.state).toBe('completed');
    expect(scene.engine('a').ledger.concurrencyMax().overall).toBe(most);
  });
});

describe('a paused rollout', () => {
  it.each(['signal', 'update'] as const)('waits for release, names it, and goes on with it (%s)', async (how) => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', FAILS);
    scene.engine('b').script('b', FAILS);
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause' } }));
    const paused = await untilPaused(scene, handle);
    expect(paused.waitingFor).toMatchObject({
      for: 'release',
      commands: expect.arrayContaining([`release ${handle.workflowId}`, `stop ${handle.workflowId}`]),
    });
    expect(applyCalls(scene, 'b')).toBe(0);
    if (how === 'signal') await handle.signal(CONTROL_SIGNALS.release, { by: 'alice' });
    else expect(await send(handle, CONTROL_UPDATES.release, { by: 'alice' })).toMatchObject({ answer: 'accepted' });
    // The release is for the rest of the apply: the second failure does not pause it again.
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=failed c=completed');
    expect(result).toMatchObject({ released: true, controls: [{ name: 'release', by: 'alice' }] });
  });

  it('is opened by a retry that takes the only setback back', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', FAILS);
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause' } }));
    await untilPaused(scene, handle);
    scene.engine('a').script('a', {});
    expect(await send(handle, CONTROL_UPDATES.retry)).toMatchObject({ answer: 'accepted' });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed');
    expect(result.state).toBe('completed');
    expect(operationOf(result, 'a').attempt).toBe(1);
    expect([...scene.engine('a').ledger.executionsPerKey().values()]).toEqual([1, 1]);
  });

  it('keeps a retry waiting for release while another setback keeps it closed', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', { ...HOLDS, ...FAILS });
    scene.engine('b').script('b', { ...HOLDS, ...FAILS });
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause', maxConcurrency: 2 } }));
    await untilWatched(scene, 'a');
    await untilWatched(scene, 'b');
    scene.engine('a').failApply('a', 'no');
    scene.engine('b').failApply('b', 'no');
    await untilPaused(scene, handle, 2);
    scene.engine('a').script('a', {});
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['a'] });
    const held = await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'a').state === 'pending');
    expect(held.state).toBe('paused');
    expect(applyCalls(scene, 'a')).toBe(1);
    await send(handle, CONTROL_UPDATES.release);
    expect(summary(await resultOf(handle))).toBe('a=completed b=failed c=completed');
  });

  it('goes on when the failed deployment is skipped: it stays failed and is no setback any more', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', FAILS);
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause' } }));
    await untilPaused(scene, handle);
    await send(handle, CONTROL_UPDATES.skip, { deployments: ['a'], reason: 'to be rebuilt', by: 'bob' });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=completed');
    expect(operationOf(result, 'a')).toMatchObject({ skipped: true });
    expect(result).toMatchObject({
      state: 'failed',
      controls: [{ name: 'skip', by: 'bob', deployments: ['a'], reason: 'to be rebuilt' }],
    });
  });
});

describe('retry in a running apply', () => {
  it('under continue takes the setback back, and the apply completes', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', FAILS);
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'continue' } }));
    await untilWatched(scene, 'b');
    scene.engine('a').script('a', {});
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['a'] });
    // The width is one and b has it.
    expect(applyCalls(scene, 'a')).toBe(1);
    scene.engine('b').completeApply('b');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed');
    expect(result.state).toBe('completed');
    const keys = scene
      .engine('a')
      .ledger.calls({ rpc: 'Apply' })
      .map((call) => call.idempotencyKey);
    expect(keys.map((key) => key.split('/').at(-1))).toEqual(['0', '1']);
  });

  it('under halt is refused while other setbacks keep the policy closed, and accepted for all of them', async () => {
    const scene = await stage.scene(['a', 'b', 'c', 'd']);
    for (const name of ['a', 'b']) scene.engine(name).script(name, FAILS);
    scene.engine('c').script('c', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'halt', maxConcurrency: 3 } }));
    await untilWatched(scene, 'c');
    await untilView(
      handle,
      ({ operations }) => operations.filter((operation) => operation.outcome !== null).length === 3,
    );
    const reason = await refusalOf(handle, CONTROL_UPDATES.retry, { deployments: ['a'] });
    expect(reason).toContain(
      'b is failed would keep the policy closed (1 setback, failureTolerance 0, onFailure halt)',
    );
    expect(applyCalls(scene, 'a')).toBe(1);
    for (const name of ['a', 'b']) scene.engine(name).script(name, {});
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['a', 'b'] });
    await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'completed');
    scene.engine('c').completeApply('c');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed c=completed d=stopped');
    expect(result.state).toBe('stopped');
  });
});

describe('skip', () => {
  it('of a pending deployment leaves it out: no call to its engine, and the apply completes', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', HOLDS);
    const handle = await scene.start(await scene.input());
    await untilWatched(scene, 'a');
    await send(handle, CONTROL_UPDATES.skip, { deployments: ['b'], reason: 'decommissioned' });
    await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'stopped');
    scene.engine('a').completeApply('a');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=stopped c=completed');
    expect(result.state).toBe('completed');
    expect(operationOf(result, 'b')).toMatchObject({ reason: 'skip', skipped: true, started: false });
    expect(applyCalls(scene, 'b')).toBe(0);
  });

  it('--unconfirmed gives an operation up whose engine does not answer; a later retry asks the old one first', async () => {
    const scene = await stage.scene(['a', 'b', 'c'], { patience: { connectTimeoutMs: 300 } });
    scene.engine('a').script('a', HOLDS);
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input());
    await untilWatched(scene, 'a');
    const { remoteApplyId } = scene.engine('a').applyOn('a');
    await scene.engine('a').pause();
    await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'a').unreachableSince !== null);
    await send(handle, CONTROL_UPDATES.skip, { deployments: ['a'], reason: 'lost', unconfirmed: true, by: 'bob' });
    // No setback: under halt the rollout goes on.
    await untilWatched(scene, 'b');
    const view = await untilView(handle, ({ operations }) => operations[0]?.outcome !== null);
    expect(view.operations[0]?.outcome).toMatchObject({ state: 'failed', confirmed: false, skipped: true });
    await scene.engine('a').resume();
    scene.engine('a').completeApply('a');
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['a'] });
    scene.engine('b').completeApply('b');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed c=completed');
    expect(operationOf(result, 'a')).toMatchObject({ remoteApplyId, attempt: 0, skipped: false });
    expect(applyCalls(scene, 'a')).toBe(1);
  });

  it('--unconfirmed and then a retry makes a new attempt once the old one is known to have ended', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'never_lands' });
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input());
    await untilWatched(scene, 'a');
    await send(handle, CONTROL_UPDATES.skip, { deployments: ['a'], reason: 'stuck', unconfirmed: true });
    await untilWatched(scene, 'b');
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['a'] });
    scene.engine('b').completeApply('b');
    const looks = scene.engine('a').ledger.calls({ rpc: 'Progress' }).length;
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress', nth: looks + 3 });
    expect(applyCalls(scene, 'a')).toBe(1);
    scene.engine('a').script('a', {});
    scene.engine('a').failApply('a', 'it gave up');
    const result = await resultOf(handle);
    expect(operationOf(result, 'a')).toMatchObject({ state: 'completed', attempt: 1 });
    expect(applyCalls(scene, 'a')).toBe(2);
  });
});

describe('a control that is refused', () => {
  const cases: readonly {
    readonly what: string;
    readonly update: Parameters<typeof refusalOf>[1];
    readonly message: ControlMessage;
    readonly says: string;
  }[] = [
    {
      what: 'release while the policy is open',
      update: CONTROL_UPDATES.release,
      message: {},
      says: 'nothing to release',
    },
    {
      what: 'retry with nothing failed',
      update: CONTROL_UPDATES.retry,
      message: {},
      says: 'no failed deployment to retry',
    },
    {
      what: 'retry of a running deployment',
      update: CONTROL_UPDATES.retry,
      message: { deployments: ['a'] },
      says: 'can be attempted anew',
    },
    {
      what: 'skip of a running deployment',
      update: CONTROL_UPDATES.skip,
      message: { deployments: ['a'], reason: 'x' },
      says: '--unconfirmed',
    },
    { what: 'skip without a reason', update: CONTROL_UPDATES.skip, message: { deployments: ['b'] }, says: '--reason' },
    { what: 'skip without a deployment', update: CONTROL_UPDATES.skip, message: { reason: 'x' }, says: '--deployment' },
    {
      what: 'an unknown deployment',
      update: CONTROL_UPDATES.skip,
      message: { deployments: ['nowhere'], reason: 'x' },
      says: 'does not have; it has a, b',
    },
    {
      what: 'another environment',
      update: CONTROL_UPDATES.stop,
      message: { environment: 'production' },
      says: 'names environment production, and apply',
    },
    {
      what: 'stop of one deployment',
      update: CONTROL_UPDATES.stop,
      message: { deployments: ['a'] },
      says: 'whole apply',
    },
    { what: 'start of a running apply', update: CONTROL_UPDATES.start, message: {}, says: 'is running' },
  ];
  it.each(cases.map((one) => [one.what, one] as const))('(%s) says why and leaves no event', async (_what, one) => {
    const { update, message, says } = one;
    const { handle, scene } = await refusing();
    const reason = await refusalOf(handle, update, message);
    expect(reason).toContain(says);
    expect(reason).toContain(handle.workflowId);
    expect(await handle.query(statusQuery)).toMatchObject({ controls: [], stop: false });
    expect(scene.engine('a').ledger.calls({ rpc: ['Stop', 'Cancel'] })).toEqual([]);
  });

  it('by signal for another environment changes nothing', async () => {
    const { handle, scene } = await refusing();
    await handle.signal(CONTROL_SIGNALS.stop, { environment: 'production' });
    const view = await untilView(handle, () => true);
    expect(view).toMatchObject({ stop: false, controls: [] });
    scene.engine('a').completeApply('a');
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed');
  });
});

describe('an engine that parks although nobody asked', () => {
  it('is permitted at once under a rolling cutover', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { parks: 'always' });
    const result = await resultOf(await scene.start(await scene.input()));
    expect(summary(result)).toBe('a=completed b=completed');
    const { ledger } = scene.engine('a');
    expect(ledger.effects().map((effect) => effect.effect)).toEqual(['executed', 'parked', 'cut_over', 'completed']);
    expect(ledger.calls({ rpc: 'Cutover' }).length).toBe(1);
  });

  it('and refuses the cutover waits for a person, shows the engine’s words, and is ended by a stop', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', { parks: 'always', cutover: 'refused' });
    const handle = await scene.start(await scene.input());
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'cutover');
    expect(status.state).toBe('waiting_for_cutover');
    expect(lineOf(status, 'a')).toMatchObject({
      state: 'waiting_for_cutover',
      message: expect.stringContaining('another session holds the table'),
    });
    expect(scene.engine('a').ledger.calls({ rpc: 'Cutover' }).length).toBe(1);
    await handle.signal(CONTROL_SIGNALS.stop);
    expect(summary(await resultOf(handle))).toBe('a=stopped');
    expect(scene.engine('a').ledger.effects({ effect: 'cut_over' })).toEqual([]);
  });

  it('is not permitted while the policy is closed: it waits for a person', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', FAILS);
    scene.engine('b').script('b', { ...HOLDS, parks: 'always' });
    const handle = await scene.start(await scene.input({ rollout: { maxConcurrency: 2 } }));
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'failed');
    await untilWatched(scene, 'b');
    scene.engine('b').proceed('b');
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'cutover');
    expect(lineOf(status, 'b').state).toBe('waiting_for_cutover');
    expect(scene.engine('b').ledger.calls({ rpc: 'Cutover' })).toEqual([]);
    await handle.signal(CONTROL_SIGNALS.stop);
    expect(summary(await resultOf(handle))).toBe('a=failed b=stopped');
  });
});

describe('a closed apply', () => {
  it('is started again: remote ids kept, asked before Start, resumed ones first, completed ones untouched', async () => {
    const scene = await stage.scene(['a', 'b', 'c', 'd'], { oneEngine: true });
    const engine = scene.engine('a');
    engine.script('b', HOLDS);
    engine.script('c', HOLDS);
    const { input, result } = await stopped(scene, ['b', 'c'], { maxConcurrency: 2 });
    expect(summary(result)).toBe('a=completed b=stopped c=stopped d=stopped');
    const before = engine.ledger.entries.length;
    engine.completeApply('c');
    const again = await startNextRun(scene.client, { input, result }, START);
    await engine.ledger.waitForCall({ rpc: 'Start', target: 'b' });
    engine.completeApply('b');
    const resumed = await resultOf(again);
    expect(summary(resumed)).toBe('a=completed b=completed c=completed d=completed');
    expect(JSON.stringify(operationOf(resumed, 'a'))).toBe(JSON.stringify(operationOf(result, 'a')));
    for (const name of ['b', 'c']) {
      expect(operationOf(resumed, name).remoteApplyId).toBe(operationOf(result, name).remoteApplyId);
      expect(operationOf(resumed, name).startedAt).toBe(operationOf(result, name).startedAt);
    }
    const calls = engine.ledger.calls().filter((call) => call.sequence >= before);
    const first = (name: string, rpc: string) => calls.find((call) => call.target === name && call.rpc === rpc);
    expect(calls.filter((call) => call.target === 'b')[0]?.rpc).toBe('Progress');
    // c had been ended meanwhile, so it is read and verified and never started.
    expect(first('c', 'Start')).toBeUndefined();
    expect(first('a', 'Progress')).toBeUndefined();
    expect(first('d', 'Apply')?.sequence).toBeGreaterThan(first('c', 'Progress')?.sequence ?? Number.NaN);
    expect([...engine.ledger.executionsPerKey().values()]).toEqual([1, 1, 1, 1]);
    expect(resumed.controls.map((control) => control.name)).toEqual(['stop', 'start']);
  });

  it('is retried: what was stopped with a remote apply goes on first, then the new attempt', async () => {
    const scene = await stage.scene(['a', 'b', 'c'], { oneEngine: true });
    const engine = scene.engine('a');
    engine.script('a', FAILS);
    engine.script('b', HOLDS);
    const { input, result } = await stopped(scene, ['b'], { onFailure: 'continue' });
    expect(summary(result)).toBe('a=failed b=stopped c=stopped');
    engine.script('a', {});
    const before = engine.ledger.entries.length;
    const again = await startNextRun(
      scene.client,
      { input, result },
      { control: 'retry', deployments: [], release: false, skip: [] },
    );
    await engine.ledger.waitForCall({ rpc: 'Start', target: 'b' });
    engine.completeApply('b');
    const retried = await resultOf(again);
    expect(summary(retried)).toBe('a=completed b=completed c=completed');
    expect(operationOf(retried, 'a').attempt).toBe(1);
    const forward = engine.ledger
      .calls({ rpc: ['Apply', 'Start'] })
      .filter((call) => call.sequence >= before)
      .map((call) => `${call.rpc} ${call.target}`);
    expect(forward).toEqual(['Start b', 'Apply a', 'Apply c']);
  });

  it('is started without a skipped deployment, which stays ended', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', HOLDS);
    const { input, result } = await stopped(scene, ['a'], {});
    const again = await startNextRun(scene.client, { input, result }, { ...START, skip: ['a'] });
    const ended = await resultOf(again);
    expect(summary(ended)).toBe('a=stopped b=completed');
    expect(operationOf(ended, 'a')).toMatchObject({ reason: 'skip', skipped: true });
    expect(scene.engine('a').ledger.calls({ rpc: 'Start' })).toEqual([]);
  });

  it('is cancelled: what was stopped is ended on its engine, what never started without a call', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('b').script('b', HOLDS);
    const { input, result } = await stopped(scene, ['b'], {});
    const { remoteApplyId } = operationOf(result, 'b');
    const cancelled = await resultOf(
      await startNextRun(scene.client, { input, result }, { control: 'cancel', deployments: [] }),
    );
    expect(summary(cancelled)).toBe('a=completed b=cancelled c=cancelled');
    expect(cancelled.state).toBe('cancelled');
    expect(JSON.stringify(operationOf(cancelled, 'a'))).toBe(JSON.stringify(operationOf(result, 'a')));
    expect(operationOf(cancelled, 'b')).toMatchObject({ confirmed: true, remoteApplyId, reason: 'operator' });
    expect(
      scene
        .engine('b')
        .ledger.calls({ rpc: 'Cancel' })
        .map((call) => call.remoteApplyId),
    ).toEqual([remoteApplyId]);
    expect(scene.engine('b').ledger.effects({ effect: 'cancelled' }).length).toBe(1);
    expect(scene.engine('c').ledger.calls({ rpc: ['Cancel', 'Apply'] })).toEqual([]);
    expect(cancelled.controls.map((control) => control.name)).toEqual(['stop', 'cancel']);
  });

  it('is cancelled unconfirmed on an engine that accepts it and leaves the remote apply stopped', async () => {
    const scene = await stage.scene(['a'], { dialect: 'limited' });
    scene.engine('a').script('a', HOLDS);
    const { input, result } = await stopped(scene, ['a'], {});
    const cancelled = await resultOf(
      await startNextRun(scene.client, { input, result }, { control: 'cancel', deployments: [] }),
    );
    expect(operationOf(cancelled, 'a')).toMatchObject({
      state: 'cancelled',
      confirmed: false,
      message: expect.stringContaining('left the remote apply stopped'),
    });
    expect(scene.engine('a').ledger.calls({ rpc: 'Cancel', target: 'a' }).length).toBeGreaterThan(0);
    expect(scene.engine('a').ledger.effects({ effect: 'cancelled' })).toEqual([]);
  });

  it('keeps a release over stop and start', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    for (const name of ['a', 'c']) scene.engine(name).script(name, FAILS);
    scene.engine('b').script('b', HOLDS);
    const input = await scene.input({ rollout: { onFailure: 'pause' } });
    const handle = await scene.start(input);
    await untilPaused(scene, handle);
    await send(handle, CONTROL_UPDATES.release);
    await untilWatched(scene, 'b');
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    const again = await startNextRun(scene.client, { input, result }, START);
    await scene.engine('b').ledger.waitForCall({ rpc: 'Start' });
    scene.engine('b').completeApply('b');
    const resumed = await resultOf(again);
    expect(summary(resumed)).toBe('a=failed b=completed c=failed');
    expect(resumed.released).toBe(true);
  });
});

describe('cancel of a running apply', () => {
  it('ends everything for good: on the engine what runs, without a call what never started', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', HOLDS);
    const handle = await scene.start(await scene.input());
    await untilWatched(scene, 'a');
    expect(await send(handle, CONTROL_UPDATES.cancel, { by: 'alice' })).toMatchObject({
      answer: 'accepted',
      deployments: { a: 'stopping', b: 'not_started' },
    });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=cancelled b=cancelled');
    expect(result).toMatchObject({ state: 'cancelled', completedAt: expect.any(String) });
    expect(scene.engine('a').ledger.effects({ effect: 'cancelled' }).length).toBe(1);
  });

  it('outranks a stop that is still on its way', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'never_lands' });
    const handle = await scene.start(await scene.input());
    await untilWatched(scene, 'a');
    await handle.signal(CONTROL_SIGNALS.stop);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Stop', outcome: 'accepted' });
    await send(handle, CONTROL_UPDATES.cancel);
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=cancelled');
    expect(result.state).toBe('cancelled');
  });
});

/** An apply with its first operation on the engine. */
async function refusing() {
  const scene = await stage.scene(['a', 'b']);
  scene.engine('a').script('a', HOLDS);
  const handle = await scene.start(await scene.input());
  await untilWatched(scene, 'a');
  return { scene, handle };
}

/** Runs an apply until these deployments are watched, and stops it. */
async function stopped(scene: Scene, watched: readonly string[], rollout: Partial<RolloutSpec>) {
  const input = await scene.input({ rollout });
  const handle = await scene.start(input);
  for (const name of watched)
    await scene.engine(name).ledger.waitForCall({ rpc: 'Progress', target: name, outcome: 'answered' });
  await handle.signal(CONTROL_SIGNALS.stop);
  return { input, result: await resultOf(handle) };
}

/** Paused, and the apply itself knows it: the status joins what it has not heard of yet. */
async function untilPaused(scene: Scene, handle: WorkflowHandle<typeof apply>, setbacks = 1): Promise<ApplyStatus> {
  await untilView(handle, ({ operations }) => operations.filter(hasFailed).length === setbacks);
  return untilStatus(scene.client, handle.workflowId, (now) => now.state === 'paused');
}

function hasFailed({ outcome }: OperationView): boolean {
  return outcome?.state === 'failed';
}
