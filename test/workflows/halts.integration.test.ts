import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { apply } from '../../workflows/apply.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES, statusQuery } from '../../workflows/messages.js';
import { refusalOf, send, startNextRun, untilStatus } from '../support/controls.js';
import { cutovers, untilParked } from '../support/parked.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';
import { wave } from '../support/waves.js';

const stage = await openStage({ timings: { parkedMsMax: 100, cancelSettlesMs: 400, sendAgainMs: 200 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;
const FAILS = { end: 'failed', message: 'duplicate key value' } as const;
const START = { control: 'start', release: false, skip: [] } as const;

describe('inFlight: stop', () => {
  it('stops on its engine what runs when a failure closes the policy, and `start --release` goes on with it', async () => {
    const { scene, handle, input } = await stoppedByPolicy();
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=stopped c=stopped');
    const { remoteApplyId } = operationOf(result, 'b');
    expect(operationOf(result, 'b')).toMatchObject({ reason: 'policy', started: true, confirmed: true });
    expect(operationOf(result, 'c')).toMatchObject({ reason: 'policy', started: false });
    expect(stops(scene, 'b')).toEqual(['Stop']);
    expect(result.controls).toEqual([]);

    const again = await startNextRun(scene.client, { input, result }, { ...START, release: true });
    await scene.engine('b').ledger.waitForCall({ rpc: 'Start', outcome: 'accepted' });
    scene.engine('b').completeApply('b');
    const resumed = await resultOf(again);
    expect(summary(resumed)).toBe('a=failed b=completed c=completed');
    expect(operationOf(resumed, 'b').remoteApplyId).toBe(remoteApplyId);
    expect(scene.engine('b').ledger.calls({ rpc: 'Apply' }).length).toBe(1);
  });

  it('leaves what is parked to a person, and what completed first completed', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', HOLDS);
    scene.engine('c').script('c', { ...HOLDS, stop: 'on_release' });
    const rollout = { inFlight: 'stop', cutover: 'ordered', maxConcurrency: 3 } as const;
    const handle = await scene.start(await scene.input({ rollout }));
    await untilParked(handle, ['b']);
    await untilWatched(scene, 'c');
    scene.engine('a').failApply('a', 'no');
    await scene.engine('c').ledger.waitForCall({ rpc: 'Stop', outcome: 'accepted' });
    scene.engine('c').completeApply('c');
    await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'cutover');
    expect(stops(scene, 'b')).toEqual([]);
    await handle.signal('cutover');
    expect(summary(await resultOf(handle))).toBe('a=failed b=completed c=completed');
  });
});

describe('cancel of named deployments', () => {
  it('ends what waits without a call, what runs and what is parked on its engine, and the rollout goes on', async () => {
    const scene = await stage.scene(['a', 'b', 'c', 'd']);
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual' } }));
    await untilParked(handle, ['a']);
    await untilWatched(scene, 'b');
    expect(await send(handle, CONTROL_UPDATES.cancel, { deployments: ['c'], by: 'alice' })).toMatchObject({
      answer: 'accepted',
      deployments: { a: 'unchanged', b: 'unchanged', c: 'not_started', d: 'unchanged' },
    });
    await untilEnded(handle, 'c');
    expect(await send(handle, CONTROL_UPDATES.cancel, { deployments: ['a', 'b'] })).toMatchObject({
      deployments: { a: 'parked', b: 'stopping', c: 'ended', d: 'unchanged' },
    });
    await untilParked(handle, ['d']);
    await handle.signal('cutover');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=cancelled b=cancelled c=cancelled d=completed');
    expect(result.state).toBe('cancelled');
    expect([stops(scene, 'a'), stops(scene, 'b'), stops(scene, 'c')]).toEqual([['Cancel'], ['Cancel'], []]);
    for (const name of ['a', 'b'])
      expect(operationOf(result, name)).toMatchObject({ reason: 'operator', confirmed: true, started: true });
    expect(operationOf(result, 'c')).toMatchObject({ reason: 'operator', started: false });
    expect(scene.engine('c').ledger.calls({ rpc: 'Apply' })).toEqual([]);
    expect(result.controls).toMatchObject([
      { name: 'cancel', by: 'alice', deployments: ['c'], at: expect.any(String), settledAt: expect.any(String) },
      { name: 'cancel', by: null, deployments: ['a', 'b'], settledAt: expect.any(String) },
      { name: 'cutover', deployments: ['d'], settledAt: expect.any(String) },
    ]);
  });

  it('reaches on its engine what was stopped earlier in the same apply', async () => {
    const { scene, handle } = await stoppedByPolicy(['a', 'b', 'c', 'd'], 'c');
    await untilEnded(handle, 'b');
    await untilEnded(handle, 'd');
    const { remoteApplyId } = scene.engine('b').applyOn('b');
    await send(handle, CONTROL_UPDATES.cancel, { deployments: ['b', 'd'] });
    for (const name of ['b', 'd'])
      await untilView(handle, ({ operations }) =>
        operations.some((one) => one.deployment === name && one.outcome?.state === 'cancelled'),
      );
    await untilView(handle, ({ controls }) => controls[0]?.settledAt !== null);
    scene.engine('c').landStop('c');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=cancelled c=stopped d=cancelled');
    expect(operationOf(result, 'b')).toMatchObject({ remoteApplyId, confirmed: true, reason: 'operator' });
    expect(stops(scene, 'b')).toEqual(['Stop', 'Cancel']);
    expect(stops(scene, 'd')).toEqual([]);
  });

  it('of a closed apply begins a run that ends only these', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    for (const name of ['a', 'b']) scene.engine(name).script(name, HOLDS);
    const input = await scene.input({ rollout: { maxConcurrency: 2 } });
    const handle = await scene.start(input);
    for (const name of ['a', 'b']) await untilWatched(scene, name);
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    const again = await startNextRun(scene.client, { input, result }, { control: 'cancel', deployments: ['a', 'c'] });
    const cancelled = await resultOf(again);
    expect(summary(cancelled)).toBe('a=cancelled b=stopped c=cancelled');
    expect(cancelled.state).toBe('stopped');
    expect([stops(scene, 'a'), stops(scene, 'b'), stops(scene, 'c')]).toEqual([['Stop', 'Cancel'], ['Stop'], []]);
    expect(JSON.stringify(operationOf(cancelled, 'b'))).toBe(JSON.stringify(operationOf(result, 'b')));
    expect(cancelled.controls.at(-1)).toMatchObject({ name: 'cancel', by: 'tester', deployments: ['a', 'c'] });
  });

  it('that its engine accepts and answers by staying stopped ends cancelled, unconfirmed', async () => {
    const scene = await stage.scene(['a', 'b', 'c'], { dialects: { b: 'limited' } });
    for (const name of ['a', 'b']) scene.engine(name).script(name, HOLDS);
    scene.engine('c').script('c', { ...HOLDS, stop: 'on_release' });
    const handle = await scene.start(await scene.input({ rollout: { inFlight: 'stop', maxConcurrency: 3 } }));
    for (const name of ['a', 'b', 'c']) await untilWatched(scene, name);
    scene.engine('a').failApply('a', 'no');
    await untilEnded(handle, 'b');
    await send(handle, CONTROL_UPDATES.cancel, { deployments: ['b'] });
    await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'cancelled');
    scene.engine('c').landStop('c');
    const result = await resultOf(handle);
    expect(operationOf(result, 'b')).toMatchObject({
      state: 'cancelled',
      confirmed: false,
      message: expect.stringContaining('left the remote apply stopped'),
    });
  });

  it.each(['Stop', 'Cancel'] as const)('or a stop that comes too late leaves it completed (%s)', async (rpc) => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'never_lands', cancel: 'never_lands' });
    const handle = await scene.start(await scene.input());
    await untilWatched(scene, 'a');
    await handle.signal(rpc === 'Stop' ? 'stop' : 'cancel');
    await scene.engine('a').ledger.waitForCall({ rpc, outcome: 'accepted' });
    scene.engine('a').completeApply('a');
    const result = await resultOf(handle);
    expect(operationOf(result, 'a')).toMatchObject({ state: 'completed', reason: null, confirmed: true });
    expect(operationOf(result, 'b').state).toBe(rpc === 'Stop' ? 'stopped' : 'cancelled');
  });
});

describe('cancel of a whole running apply', () => {
  it('also ends for good what the policy had stopped', async () => {
    const { scene, handle } = await stoppedByPolicy(['a', 'b', 'c', 'd'], 'c');
    await untilEnded(handle, 'b');
    await handle.signal('cancel');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=cancelled c=cancelled d=cancelled');
    expect(result.state).toBe('failed');
    expect(stops(scene, 'b')).toEqual(['Stop', 'Cancel']);
    expect(stops(scene, 'c').at(-1)).toBe('Cancel');
    expect(stops(scene, 'd')).toEqual([]);
    expect(result.controls).toMatchObject([{ name: 'cancel', by: null, deployments: [] }]);
  });

  it('ends what is parked, without a cutover', async () => {
    const scene = await stage.scene(['a', 'b']);
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual' } }));
    await untilParked(handle, ['a', 'b']);
    await handle.signal('cancel');
    const result = await resultOf(handle);
    expect([summary(result), result.state]).toEqual(['a=cancelled b=cancelled', 'cancelled']);
    expect(cutovers(scene, ['a', 'b'])).toEqual([]);
  });
});

describe('what is refused', () => {
  it('leaves no event, no call and nothing on record, in an apply with waves, gates and parked copies', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('b').script('b', HOLDS);
    const waves = [wave('canary', ['a', 'b']), wave('rest', ['c'], { gate: 'manual' })];
    const handle = await scene.start(await scene.input({ rollout: { waves, cutover: 'ordered', maxConcurrency: 2 } }));
    await untilEnded(handle, 'a');
    await untilWatched(scene, 'b');
    const before = new Map(['a', 'b', 'c'].map((name) => [name, changing(scene, name)]));
    const refused = [
      [CONTROL_UPDATES.approve, {}, 'no gate is waited for'],
      [CONTROL_UPDATES.approve, { wave: 'nowhere' }, 'there is no wave nowhere'],
      [CONTROL_UPDATES.reject, { wave: 'canary' }, 'has no gate'],
      [CONTROL_UPDATES.cutover, {}, 'no deployment is parked'],
      [CONTROL_UPDATES.cutover, { deployments: ['b'] }, 'only a parked deployment'],
      [CONTROL_UPDATES.cancel, { deployments: ['a'] }, 'only what has not ended for good'],
      [CONTROL_UPDATES.revert, { all: true }, 'only a deployment in its revert window'],
      [CONTROL_UPDATES['skip-revert'], { deployments: ['b'] }, 'only a deployment in its revert window'],
      [CONTROL_UPDATES.release, {}, 'nothing to release'],
      [CONTROL_UPDATES.retry, {}, 'no failed deployment'],
      [CONTROL_UPDATES.start, {}, 'is running'],
    ] as const;
    for (const [update, message, says] of refused) expect(await refusalOf(handle, update, message)).toContain(says);
    expect(await handle.query(statusQuery)).toMatchObject({ controls: [], stop: false, cancel: false });
    for (const [name, calls] of before) expect(changing(scene, name)).toEqual(calls);
  });
});

/** Halted by a failure of the first while the second runs; `slow` is one more whose stop is not confirmed yet. */
async function stoppedByPolicy(names: readonly string[] = ['a', 'b', 'c'], slow: string | null = null) {
  const scene = await stage.scene(names);
  scene.engine('a').script('a', { ...HOLDS, ...FAILS });
  scene.engine('b').script('b', HOLDS);
  if (slow !== null) scene.engine(slow).script(slow, { ...HOLDS, stop: 'on_release' });
  const running = slow === null ? ['a', 'b'] : ['a', 'b', slow];
  const input = await scene.input({ rollout: { inFlight: 'stop', maxConcurrency: running.length } });
  const handle = await scene.start(input);
  for (const name of running) await untilWatched(scene, name);
  scene.engine('a').failApply('a', 'no');
  return { scene, handle, input };
}

async function untilEnded(handle: WorkflowHandle<typeof apply>, deployment: string): Promise<void> {
  await untilView(handle, ({ operations }) =>
    operations.some((one) => one.deployment === deployment && one.outcome !== null),
  );
}

async function untilWatched(scene: Scene, deployment: string): Promise<void> {
  await scene.engine(deployment).ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
}

/** The stops and cancels that the engine of a deployment accepted, without repeats. */
function stops(scene: Scene, deployment: string): readonly string[] {
  const calls = scene.engine(deployment).ledger.calls({ rpc: ['Stop', 'Cancel'] });
  return [...new Set(calls.map(({ rpc }) => rpc))];
}

/** Every call that changes something. */
function changing(scene: Scene, deployment: string): readonly string[] {
  const rpc = ['Apply', 'Start', 'Cutover', 'Stop', 'Cancel', 'Revert', 'SkipRevert'] as const;
  return scene
    .engine(deployment)
    .ledger.calls({ rpc })
    .map((call) => call.rpc);
}
