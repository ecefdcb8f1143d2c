import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { RolloutSpec } from '../../domain/spec.js';
import type { apply } from '../../workflows/apply.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES } from '../../workflows/messages.js';
import { lineOf, refusalOf, send, startNextRun, untilStatus } from '../support/controls.js';
import { cutovers, untilParked } from '../support/parked.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';

const stage = await openStage({ timings: { parkedMsMax: 100, sendAgainMs: 200 } });

const NAMES = ['a', 'b', 'c'] as const;
const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;

/** How one of three ends while the others are parked. */
const ENDS = {
  failed: (scene: Scene, _: WorkflowHandle<typeof apply>, name: string) => {
    scene.engine(name).failApply(name, 'disk full');
    return Promise.resolve();
  },
  cancelled: async (_: Scene, handle: WorkflowHandle<typeof apply>, name: string) => {
    await send(handle, CONTROL_UPDATES.cancel, { deployments: [name] });
  },
  'given up': async (_: Scene, handle: WorkflowHandle<typeof apply>, name: string) => {
    await send(handle, CONTROL_UPDATES.skip, { deployments: [name], unconfirmed: true, reason: 'lost' });
  },
} as const;

const PLACES = [
  ['before', 'a'],
  ['between', 'b'],
  ['after', 'c'],
] as const;

describe.each(['ordered', 'barrier'] as const)('under %s', (cutover) => {
  // Under `ordered` nothing before the last one is left parked.
  const holding = PLACES.filter(([, name]) => cutover === 'barrier' || name !== 'c');

  describe.each(['cancelled', 'given up'] as const)('one that is %s has passed', (end) => {
    it.each(PLACES)('%s the parked ones: %s', async (_, name) => {
      const { scene, handle } = await twoParkedAndOne(name, { cutover });
      await ENDS[end](scene, handle, name);
      const result = await resultOf(handle);
      expectOthersInOrder(scene, name);
      expect(operationOf(result, name).state).toBe(end === 'cancelled' ? 'cancelled' : 'failed');
      for (const other of NAMES) if (other !== name) expect(operationOf(result, other).state).toBe('completed');
    });
  });

  it('one that is skipped while it waits has passed', async () => {
    const scene = await stage.scene(NAMES, { oneEngine: true });
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { cutover } }));
    await scene.engine('b').ledger.waitForCall({ rpc: 'Progress', target: 'b', outcome: 'answered' });
    await send(handle, CONTROL_UPDATES.skip, { deployments: ['c'], reason: 'to be rebuilt' });
    scene.engine('b').proceed('b');
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed c=stopped');
    expectOthersInOrder(scene, 'c');
  });

  it.each(PLACES)('one that failed %s the parked ones has passed under continue: %s', async (_, name) => {
    const { scene, handle } = await twoParkedAndOne(name, { cutover, onFailure: 'continue' });
    await ENDS.failed(scene, handle, name);
    const result = await resultOf(handle);
    expect(result.operations.filter(({ state }) => state === 'completed').length).toBe(2);
    expectOthersInOrder(scene, name);
  });

  it.each(holding)('a failure %s the parked ones holds them under pause until the release: %s', async (_, name) => {
    const { scene, handle } = await twoParkedAndOne(name, { cutover, onFailure: 'pause' });
    const sent = cutovers(scene, NAMES).length;
    await ENDS.failed(scene, handle, name);
    const paused = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'release');
    expect(paused.state).toBe('paused');
    expect(cutovers(scene, NAMES).length).toBe(sent);
    await handle.signal('release');
    expect((await resultOf(handle)).operations.filter(({ state }) => state === 'completed').length).toBe(2);
    expectOthersInOrder(scene, name);
  });

  it.each(holding)('a failure %s the parked ones leaves them to a person under halt: %s', async (_, name) => {
    const { scene, handle } = await twoParkedAndOne(name, { cutover });
    await ENDS.failed(scene, handle, name);
    const halted = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'cutover');
    expect(halted.state).toBe('running_degraded');
    const parked = NAMES.filter((other) => lineOf(halted, other).state === 'waiting_for_cutover');
    const [first, ...rest] = parked.toReversed();
    // The order of the person counts while the policy is closed.
    await send(handle, CONTROL_UPDATES.cutover, { deployments: [first ?? ''] });
    await untilView(handle, ({ operations }) =>
      operations.some((one) => one.deployment === first && one.outcome?.state === 'completed'),
    );
    expect(cutovers(scene, rest)).toEqual([]);
    if (rest.length > 0) await handle.signal('cutover');
    const result = await resultOf(handle);
    for (const other of parked) expect(operationOf(result, other).state).toBe('completed');
    expect(result.state).toBe('failed');
  });
});

describe('a halted rollout with several parked', () => {
  it('cuts them all over one by one when a person asks for all', async () => {
    const scene = await stage.scene(NAMES, { oneEngine: true });
    const engine = scene.engine('a');
    engine.script('a', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'ordered', maxConcurrency: 3 } }));
    await untilParked(handle, ['b', 'c']);
    engine.failApply('a', 'disk full');
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'failed');
    await handle.signal('cutover');
    expect(summary(await resultOf(handle))).toBe('a=failed b=completed c=completed');
    const [first, second] = engine.ledger.calls({ rpc: 'Cutover' });
    expect([first?.target, second?.target]).toEqual(['b', 'c']);
    const [end] = engine.ledger.effects({ effect: 'completed', target: 'b' });
    expect(end?.sequence).toBeLessThan(second?.sequence ?? Number.NaN);
  });

  it('ends them by a stop, and goes on with them in order after a start', async () => {
    const { scene, handle, input } = await twoParkedAndOne('a', { cutover: 'ordered' });
    await ENDS.failed(scene, handle, 'a');
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'failed');
    await handle.signal('stop');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=stopped c=stopped');
    const again = await startNextRun(scene.client, { input, result }, { control: 'start', release: true, skip: [] });
    const resumed = await resultOf(again);
    expect(summary(resumed)).toBe('a=failed b=completed c=completed');
    for (const name of ['b', 'c']) {
      expect(operationOf(resumed, name).remoteApplyId).toBe(operationOf(result, name).remoteApplyId);
      expect(cutovers(scene, [name]).length).toBe(1);
    }
    expectOthersInOrder(scene, 'a');
  });
});

describe('a stop', () => {
  it('while parked wins over a cutover that comes later, which is never sent', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', { stop: 'on_release' });
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual' } }));
    await untilParked(handle, ['a']);
    await handle.signal('stop');
    await scene.engine('a').ledger.waitForCall({ rpc: 'Stop', outcome: 'accepted' });
    const reason = await refusalOf(handle, CONTROL_UPDATES.cutover, { deployments: ['a'] });
    expect(reason).toContain('is being stopped');
    await handle.signal('cutover');
    // Straight to the operation as well, as a message of the parent that was late would come.
    await scene.operation('a').signal('permit');
    scene.engine('a').landStop('a');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=stopped');
    expect(result.controls.map(({ name }) => name)).toEqual(['stop']);
    expect(cutovers(scene, ['a'])).toEqual([]);
  });

  it('and a cutover in one moment: the stop wins', async () => {
    const scene = await stage.scene(['a']);
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual' } }));
    await untilParked(handle, ['a']);
    await scene.stopWorker();
    await handle.signal('cutover');
    await handle.signal('stop');
    await scene.startWorker();
    expect(summary(await resultOf(handle))).toBe('a=stopped');
    expect(cutovers(scene, ['a'])).toEqual([]);
  });

  it('after the cutover was sent waits for the truth, and what completed is completed', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { cutover: 'never_lands', stop: 'never_lands' });
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'ordered' } }));
    await scene.engine('a').ledger.waitForCall({ rpc: 'Cutover', outcome: 'accepted' });
    scene.engine('a').applyOn('a').show('STATE_CUTTING_OVER');
    await handle.signal('stop');
    await scene.engine('a').ledger.waitForCall({ rpc: 'Stop', nth: 2, outcome: 'accepted' });
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.state === 'stopping');
    expect(lineOf(status, 'a').state).toBe('cutting_over');
    scene.engine('a').completeApply('a');
    const result = await resultOf(handle);
    expect(operationOf(result, 'a')).toMatchObject({ state: 'completed', confirmed: true });
    expect(operationOf(result, 'b').state).toBe('stopped');
    expect(cutovers(scene, ['a', 'b']).length).toBe(1);
  });

  it('while someone else cuts over by hand: what is live then can be reverted, and is not stopped any more', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', { stop: 'never_lands', revertWindow: 'opens' });
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual' } }));
    await untilParked(handle, ['a']);
    await handle.signal(CONTROL_SIGNALS.stop);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Stop', outcome: 'accepted' });
    scene.engine('a').cutOver('a');
    await untilParked(handle, ['a'], 'revert_window');
    expect(await send(handle, CONTROL_UPDATES.revert, { deployments: ['a'] })).toMatchObject({ answer: 'accepted' });
    expect(summary(await resultOf(handle))).toBe('a=reverted');
  });
});

describe('an operation that parked', () => {
  it('and lost its workflow is found again, and cut over once', async () => {
    const scene = await stage.scene(['a']);
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual' } }));
    const before = await untilParked(handle, ['a']);
    await scene.operation('a').terminate('somebody ended it');
    await untilView(handle, ({ operations: [a] }) => a?.stage === 'parked' && a.runId !== before.operations[0]?.runId);
    await handle.signal('cutover');
    expect(summary(await resultOf(handle))).toBe('a=completed');
    expect([...scene.engine('a').ledger.executionsPerKey().values()]).toEqual([1]);
    expect(cutovers(scene, ['a']).length).toBe(1);
  });

  it('in an attempt that was given up, and failed there, holds its slot with the next one', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const scene = await stage.scene(names);
    for (const name of ['b', 'c', 'd']) scene.engine(name).script(name, HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual', maxConcurrency: 2 } }));
    await untilParked(handle, ['a']);
    await send(handle, CONTROL_UPDATES.skip, { deployments: ['a'], unconfirmed: true, reason: 'lost' });
    await untilView(handle, ({ operations }) => operations[0]?.outcome !== null);
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['a'] });
    await scene.engine('c').ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
    scene.engine('c').proceed('c');
    await untilParked(handle, ['a', 'c']);
    await scene.engine('d').ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
    scene.engine('a').script('a', HOLDS);
    scene.engine('a').failApply('a', 'disk full');
    await scene.engine('a').ledger.waitForCall({ rpc: 'Apply', nth: 2, outcome: 'accepted' });
    await untilView(handle, ({ operations: [a] }) => a?.stage === 'admitted');
    scene.engine('b').proceed('b');
    const full = await untilParked(handle, ['b']);
    // The new attempt and d: two, so e waits.
    expect(full.operations[4]?.stage).toBe('pending');
    scene.engine('a').proceed('a');
    scene.engine('d').proceed('d');
    await untilParked(handle, names);
    await handle.signal('cutover');
    const result = await resultOf(handle);
    expect(result.state).toBe('completed');
    expect(operationOf(result, 'a').attempt).toBe(1);
  });
});

/** Three at once, all but one parked or passed, and that one at work. */
async function twoParkedAndOne(name: string, rollout: Partial<RolloutSpec>) {
  const scene = await stage.scene(NAMES, { oneEngine: true });
  scene.engine(name).script(name, HOLDS);
  const input = await scene.input({ rollout: { maxConcurrency: 3, ...rollout } });
  const handle = await scene.start(input);
  await scene.engine(name).ledger.waitForCall({ rpc: 'Progress', target: name, outcome: 'answered' });
  // Under `ordered` those before it go ahead; the others wait for it.
  const isDone = (other: string) => rollout.cutover === 'ordered' && other < name;
  await untilView(handle, ({ operations }) =>
    operations.every(({ deployment, stage: at, outcome }) => {
      if (deployment === name) return true;
      return isDone(deployment) ? outcome?.state === 'completed' : at === 'parked';
    }),
  );
  return { scene, handle, input };
}

/** Each of the others was sent one Cutover, in rollout order. */
function expectOthersInOrder(scene: Scene, name: string): void {
  expect(cutovers(scene, NAMES).map(({ target }) => target)).toEqual(NAMES.filter((other) => other !== name));
}
