import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { needsPerson } from '../../client/why.js';
import type { Cutover, RolloutSpec } from '../../domain/spec.js';
import type { apply } from '../../workflows/apply.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES } from '../../workflows/messages.js';
import { lineOf, refusalOf, send, untilStatus } from '../support/controls.js';
import { cutovers, untilParked } from '../support/parked.js';
import { type Scene, openStage, resultOf, summary, untilView } from '../support/stage.js';
import { wave } from '../support/waves.js';

const stage = await openStage({ timings: { parkedMsMax: 100, requestSettlesMs: 600 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;

describe('a deferred cutover', () => {
  it.each([
    ['rolling', false],
    ['ordered', true],
    ['barrier', true],
    ['manual', true],
  ] as const)('under %s: %s', async (cutover, defers) => {
    const scene = await stage.scene(['a', 'b']);
    const handle = await begin(scene, cutover);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Apply', outcome: 'accepted' });
    expect(scene.engine('a').applyOn('a').identity.defersCutover).toBe(defers);
    if (cutover === 'manual') {
      await untilParked(handle, ['a', 'b']);
      await handle.signal('cutover');
    }
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed');
    const effects = scene.engine('a').ledger.effects({ effect: 'parked' });
    expect(effects.length).toBe(defers ? 1 : 0);
    expect(cutovers(scene, ['a', 'b']).length).toBe(defers ? 2 : 0);
  });

  it('ordered: one at a time in rollout order, whatever the order in which the copies are finished', async () => {
    const scene = await stage.scene(['a', 'b', 'c'], { oneEngine: true });
    const engine = scene.engine('a');
    for (const name of ['a', 'b', 'c']) engine.script(name, HOLDS);
    const handle = await begin(scene, 'ordered', { maxConcurrency: 3 });
    for (const name of ['c', 'b', 'a'])
      await engine.ledger.waitForCall({ rpc: 'Progress', target: name, outcome: 'answered' });
    for (const name of ['c', 'b']) engine.proceed(name);
    await untilParked(handle, ['b', 'c']);
    expect(cutovers(scene, ['a', 'b', 'c'])).toEqual([]);
    engine.proceed('a');
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed c=completed');
    expect(cutoverOrder(scene)).toEqual(['a', 'b', 'c']);
    expectOneAtATime(scene);
  });

  it('barrier: none before all of the wave are parked, then one at a time in rollout order', async () => {
    const scene = await stage.scene(['a', 'b', 'c'], { oneEngine: true });
    const engine = scene.engine('a');
    engine.script('c', HOLDS);
    const handle = await begin(scene, 'barrier', { maxConcurrency: 3 });
    await untilParked(handle, ['a', 'b']);
    await engine.ledger.waitForCall({ rpc: 'Progress', target: 'c' });
    expect(cutovers(scene, ['a', 'b', 'c'])).toEqual([]);
    engine.proceed('c');
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed c=completed');
    expect(cutoverOrder(scene)).toEqual(['a', 'b', 'c']);
    expectOneAtATime(scene);
    const parks = engine.ledger.effects({ effect: 'parked' }).map(({ sequence }) => sequence);
    expect(engine.ledger.calls({ rpc: 'Cutover' })[0]?.sequence).toBeGreaterThan(Math.max(...parks));
  });

  it('barrier: a wave of its own for each', async () => {
    const scene = await stage.scene(['a', 'b', 'c'], { oneEngine: true });
    const waves = [wave('one', ['a', 'b']), wave('two', ['c'])];
    const result = await resultOf(await begin(scene, 'barrier', { waves }));
    expect(result.state).toBe('completed');
    expect(cutoverOrder(scene)).toEqual(['a', 'b', 'c']);
    const { ledger } = scene.engine('a');
    const last = ledger.effects({ effect: 'completed', target: 'b' })[0]?.sequence ?? Number.NaN;
    expect(ledger.calls({ rpc: 'Apply', target: 'c' })[0]?.sequence).toBeGreaterThan(last);
  });

  it('manual: waits for `cutover`, says so, and does it for those that it names', async () => {
    const scene = await stage.scene(['a', 'b']);
    const handle = await begin(scene, 'manual');
    await untilParked(handle, ['a', 'b']);
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'cutover');
    expect([status.state, needsPerson(status)]).toEqual(['waiting_for_cutover', true]);
    expect(status.waitingFor?.commands[0]).toBe(`cutover ${handle.workflowId}`);
    expect(status.waitingFor?.since).toBe(lineOf(status, 'a').parkedSince);
    expect(cutovers(scene, ['a', 'b'])).toEqual([]);
    await send(handle, CONTROL_UPDATES.cutover, { deployments: ['b'], by: 'alice' });
    const done = await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'completed');
    expect(done.controls).toMatchObject([{ name: 'cutover', by: 'alice', deployments: ['b'] }]);
    await untilView(handle, ({ controls }) => controls[0]?.settledAt !== null);
    expect(await send(handle, CONTROL_UPDATES.cutover, { deployments: ['b'] })).toMatchObject({ answer: 'already' });
    expect(cutovers(scene, ['a'])).toEqual([]);
    await handle.signal('cutover');
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed');
    expect(cutovers(scene, ['a', 'b']).length).toBe(2);
  });

  it.each(['ordered', 'barrier'] as const)(
    'out of its turn under %s is refused, naming the one ahead',
    async (cutover) => {
      const scene = await stage.scene(['a', 'b']);
      scene.engine('a').script('a', HOLDS);
      const handle = await begin(scene, cutover, { maxConcurrency: 2 });
      await untilParked(handle, ['b']);
      const early = await refusalOf(handle, CONTROL_UPDATES.cutover, { deployments: ['a'] });
      expect(early).toContain('only a parked deployment can cut over');
      const reason = await refusalOf(handle, CONTROL_UPDATES.cutover, { deployments: ['b'] });
      expect(reason).toContain('not the turn of b, because a is');
      expect(reason).toContain('cancel --deployment a');
      await handle.signal('cutover');
      scene.engine('a').proceed('a');
      const result = await resultOf(handle);
      expect(summary(result)).toBe('a=completed b=completed');
      expect(result.controls).toEqual([]);
    },
  );
});

describe('a cutover that goes wrong', () => {
  it.each([
    ['refused', 'another session holds the table'],
    ['fails', 'the swap failed: lock wait timeout'],
    ['never_lands', 'the engine accepted it and still says waiting_for_cutover'],
  ] as const)('(%s) shows why, waits for a person, and works when asked for again', async (behaviour, text) => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { cutover: behaviour });
    const handle = await begin(scene, 'ordered');
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'cutover');
    expect(lineOf(status, 'a')).toMatchObject({ state: 'waiting_for_cutover', message: expect.stringContaining(text) });
    const view = await untilView(handle, ({ operations }) => operations[1]?.stage === 'parked');
    expect(view.operations[0]).toMatchObject({ permitted: false, cutoverRefused: true });
    // Nobody sends it again by itself, and nobody overtakes it.
    await untilLookedAt(scene, 'a');
    expect(cutovers(scene, ['a', 'b']).length).toBe(1);
    scene.engine('a').applyOn('a').script = { ...scene.engine('a').applyOn('a').script, cutover: 'lands' };
    await send(handle, CONTROL_UPDATES.cutover, { deployments: ['a'] });
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed');
    expect(cutovers(scene, ['a']).length).toBe(2);
  });

  it('is the refusal of a limited engine as well, which settles nothing, and what it does late is noticed', async () => {
    const scene = await stage.scene(['a'], { dialect: 'limited' });
    scene.engine('a').script('a', { parks: 'always', cutover: 'never_lands' });
    const handle = await scene.start(await scene.input());
    await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'cutover');
    expect(cutovers(scene, ['a']).length).toBe(1);
    scene.engine('a').cutOver('a');
    expect(summary(await resultOf(handle))).toBe('a=completed');
    expect(cutovers(scene, ['a']).length).toBe(1);
  });

  it('and leaves the operation at work again: the permission is over, and the next park waits for its turn', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('b').script('b', HOLDS);
    const handle = await begin(scene, 'manual', { maxConcurrency: 2 });
    await untilParked(handle, ['a']);
    scene.engine('a').applyOn('a').show('STATE_RUNNING');
    await untilView(handle, ({ operations }) => operations[0]?.reported === 'running');
    await handle.signal('cutover');
    await scene.operation('a').signal('permit');
    scene.engine('a').applyOn('a').show('STATE_WAITING_FOR_CUTOVER');
    await untilView(handle, ({ operations }) => operations[0]?.stage === 'parked');
    await untilLookedAt(scene, 'a');
    expect(cutovers(scene, ['a'])).toEqual([]);
    await handle.signal(CONTROL_SIGNALS.stop);
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });
});

describe('someone else at the engine', () => {
  it('cuts over by hand: the operation notices and completes', async () => {
    const scene = await stage.scene(['a', 'b']);
    const handle = await begin(scene, 'manual');
    await untilParked(handle, ['a', 'b']);
    scene.engine('a').cutOver('a');
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'completed');
    scene.engine('b').applyOn('b').show('STATE_CUTTING_OVER');
    await untilView(handle, ({ operations }) => operations[1]?.reported === 'cutting_over');
    scene.engine('b').completeApply('b');
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed');
    expect(cutovers(scene, ['a', 'b'])).toEqual([]);
  });

  it.each(['cancelled', 'failed'] as const)(
    'or the engine itself gives the copy up (%s): a setback',
    async (expiresAs) => {
      const scene = await stage.scene(['a', 'b']);
      scene.engine('a').script('a', { expiresAs });
      const handle = await begin(scene, 'manual');
      await untilParked(handle, ['a', 'b']);
      scene.engine('a').expire('a');
      const view = await untilView(handle, ({ operations }) => operations[0]?.outcome !== null);
      expect(view.operations[0]?.outcome).toMatchObject({
        state: expiresAs,
        reason: expiresAs === 'cancelled' ? 'engine' : null,
        message: expect.stringContaining(expiresAs === 'failed' ? 'waited too long' : ''),
      });
      await handle.signal('cutover');
      expect(summary(await resultOf(handle))).toBe(`a=${expiresAs} b=completed`);
    },
  );
});

async function begin(
  scene: Scene,
  cutover: Cutover,
  rollout: Partial<RolloutSpec> = {},
): Promise<WorkflowHandle<typeof apply>> {
  return scene.start(await scene.input({ rollout: { ...rollout, cutover } }));
}

/** On scenes with one engine. */
function cutoverOrder(scene: Scene): readonly string[] {
  return scene
    .engine('a')
    .ledger.calls({ rpc: 'Cutover' })
    .map(({ target }) => target);
}

/** The next cutover is sent only once the one before has ended. */
function expectOneAtATime(scene: Scene): void {
  const { ledger } = scene.engine('a');
  const calls = ledger.calls({ rpc: 'Cutover' });
  calls.slice(1).forEach(({ sequence }, index) => {
    const [end] = ledger.effects({ effect: 'completed', target: calls[index]?.target ?? '' });
    expect(end?.sequence).toBeLessThan(sequence);
  });
}

/** Twice from now on. */
async function untilLookedAt(scene: Scene, deployment: string): Promise<void> {
  const { ledger } = scene.engine(deployment);
  const nth = ledger.calls({ rpc: 'Progress' }).length + 2;
  await ledger.waitForCall({ rpc: 'Progress', nth });
}
