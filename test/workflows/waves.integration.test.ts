import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { needsPerson } from '../../client/why.js';
import type { RolloutSpec, WaveSpec } from '../../domain/spec.js';
import type { apply } from '../../workflows/apply.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES } from '../../workflows/messages.js';
import { lineOf, refusalOf, send, startNextRun, untilStatus } from '../support/controls.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';
import { mostAtOnce, wave } from '../support/waves.js';

const stage = await openStage();

const HOUR_MS = 3_600_000;
const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;
const FAILS = { end: 'failed', message: 'duplicate key value' } as const;
const START = { control: 'start', release: false, skip: [] } as const;

describe('waves', () => {
  it('start only when all of the one before have ended', async () => {
    const scene = await stage.scene(['a', 'b', 'c', 'd'], { oneEngine: true });
    const { ledger } = scene.engine('a');
    scene.engine('a').script('a', HOLDS);
    const handle = await begin(scene, [wave('canary', ['a', 'b']), wave('rest', ['c', 'd'])], { maxConcurrency: 2 });
    await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'completed');
    await ledger.waitForCall({ rpc: 'Progress', target: 'a' });
    expect(
      ledger
        .calls({ rpc: 'Apply' })
        .map(({ target }) => target)
        .toSorted(),
    ).toEqual(['a', 'b']);
    scene.engine('a').completeApply('a');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed c=completed d=completed');
    const ends = ledger.effects({ effect: 'completed' }).filter(({ target }) => 'ab'.includes(target));
    const lastEnd = Math.max(...ends.map(({ sequence }) => sequence));
    for (const target of ['c', 'd'])
      expect(ledger.calls({ rpc: 'Apply', target })[0]?.sequence).toBeGreaterThan(lastEnd);
    const [canary, rest] = result.waves;
    expect(Date.parse(canary?.endedAt ?? '')).toBeLessThanOrEqual(Date.parse(rest?.startedAt ?? ''));
  });

  it('have a width of their own, in percents of their size', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const scene = await stage.scene(names, { oneEngine: true });
    for (const name of names) scene.engine('a').script(name, { steps: [{ state: 'STATE_RUNNING', polls: 2 }] });
    const waves = [wave('canary', ['a', 'b']), wave('rest', ['c', 'd', 'e', 'f'])];
    const handle = await begin(scene, waves, { maxConcurrency: '50%' });
    const view = await untilView(handle, () => true);
    expect(view.policy.waves.map(({ maxConcurrency }) => maxConcurrency)).toEqual([1, 2]);
    expect((await resultOf(handle)).state).toBe('completed');
    const { ledger } = scene.engine('a');
    expect(mostAtOnce(ledger, ['a', 'b'])).toBe(1);
    expect(mostAtOnce(ledger, ['c', 'd', 'e', 'f'])).toBe(2);
  });

  it.each([
    ['one setback in each is forgiven', ['a', 'c'], 'a=failed b=completed c=failed d=completed e=completed'],
    ['two in one are not', ['c', 'd'], 'a=completed b=completed c=failed d=failed e=stopped'],
  ] as const)('have a tolerance of their own: %s', async (_, failing, expected) => {
    const scene = await stage.scene(['a', 'b', 'c', 'd', 'e'], { oneEngine: true });
    for (const name of failing) scene.engine('a').script(name, FAILS);
    const waves = [wave('canary', ['a', 'b']), wave('rest', ['c', 'd', 'e'])];
    const result = await resultOf(await begin(scene, waves, { failureTolerance: '50%' }));
    expect(summary(result)).toBe(expected);
    expect(result.state).toBe('failed');
  });

  it('that were not begun end without a call when a failure before them closes the policy', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', FAILS);
    const result = await resultOf(await begin(scene, [wave('canary', ['a']), wave('rest', ['b', 'c'])]));
    expect(summary(result)).toBe('a=failed b=stopped c=stopped');
    for (const name of ['b', 'c']) {
      expect(operationOf(result, name)).toMatchObject({ reason: 'policy', started: false });
      expect(applyCalls(scene, name)).toBe(0);
    }
    expect(result.waves[1]).toMatchObject({ startedAt: null });
  });

  it('that began stay so when one of an earlier wave is attempted anew, and the next one waits for it', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', FAILS);
    scene.engine('b').script('b', HOLDS);
    const waves = [wave('one', ['a']), wave('two', ['b']), wave('three', ['c'])];
    const handle = await begin(scene, waves, { onFailure: 'continue', maxConcurrency: 2 });
    await untilWatched(scene, 'b');
    scene.engine('a').script('a', HOLDS);
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['a'] });
    await scene.engine('a').ledger.waitForCall({ rpc: 'Apply', nth: 2, outcome: 'accepted' });
    scene.engine('b').completeApply('b');
    const view = await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'completed');
    expect(view.waves.map(({ startedAt }) => startedAt !== null)).toEqual([true, true, false]);
    expect(applyCalls(scene, 'c')).toBe(0);
    scene.engine('a').completeApply('a');
    expect(summary(await resultOf(handle))).toBe('a=completed b=completed c=completed');
  });

  it('that bake are ended at once by a stop', async () => {
    const scene = await stage.scene(['a', 'b']);
    const handle = await begin(scene, [wave('canary', ['a'], { bakeTimeMs: 2 * HOUR_MS }), wave('rest', ['b'])]);
    // A status may know of the end before the apply itself does.
    await untilView(handle, ({ waves: [canary] }) => canary?.endedAt !== null);
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'bake');
    expect(status.waitingFor).toMatchObject({ wave: 'rest', since: status.waves[0]?.endedAt });
    const { since, until } = status.waitingFor ?? {};
    expect(Date.parse(until ?? '') - Date.parse(since ?? '')).toBe(2 * HOUR_MS);
    expect([status.state, needsPerson(status)]).toEqual(['running', false]);
    await handle.signal(CONTROL_SIGNALS.stop);
    expect(summary(await resultOf(handle))).toBe('a=completed b=stopped');
    expect(applyCalls(scene, 'b')).toBe(0);
  });
});

describe('a gate', () => {
  it('is waited for, names itself and its commands, and needs a person; an approval starts its wave', async () => {
    const { scene, handle } = await atGate();
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'gate');
    const { workflowId } = handle;
    expect(status.waitingFor).toMatchObject({
      wave: 'rest',
      since: status.waves[1]?.gateSince,
      until: null,
      commands: [`approve ${workflowId} --wave rest`, `reject ${workflowId} --wave rest`],
    });
    expect(needsPerson(status)).toBe(true);
    expect(applyCalls(scene, 'b')).toBe(0);
    expect(await send(handle, CONTROL_UPDATES.approve, { by: 'alice' })).toMatchObject({ answer: 'accepted' });
    expect(await send(handle, CONTROL_UPDATES.approve, { wave: 'rest' })).toMatchObject({ answer: 'already' });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed c=completed');
    expect(result.waves[1]).toMatchObject({ approvedBy: 'alice', approvedAt: expect.any(String), gateSince: null });
    const [record, ...more] = result.controls;
    expect(record).toMatchObject({ name: 'approve', by: 'alice', wave: 'rest', settledAt: record?.at });
    expect(more).toEqual([]);
  });

  it('is opened by a bare signal', async () => {
    const { handle } = await atGate();
    await handle.signal('approve');
    const result = await resultOf(handle);
    expect(result.state).toBe('completed');
    expect(result.controls).toMatchObject([{ name: 'approve', by: null, wave: 'rest' }]);
  });

  it('that was approved by name before its turn is not waited for', async () => {
    const { scene, handle } = await beforeGate();
    expect(await refusalOf(handle, CONTROL_UPDATES.approve)).toContain('no gate is waited for now; name a gated wave');
    expect(await refusalOf(handle, CONTROL_UPDATES.approve, { wave: 'canary' })).toContain('wave canary has no gate');
    await handle.signal('approve');
    await send(handle, CONTROL_UPDATES.approve, { wave: 'rest', by: 'bob' });
    scene.engine('a').completeApply('a');
    const result = await resultOf(handle);
    expect(result.state).toBe('completed');
    expect(result.controls).toMatchObject([{ name: 'approve', by: 'bob' }]);
  });

  it.each(['signal', 'update'] as const)('that is rejected (%s) ends its wave and all later ones', async (how) => {
    const { scene, handle } = await atGate();
    if (how === 'signal') await handle.signal('reject');
    else await send(handle, CONTROL_UPDATES.reject, { by: 'alice' });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=stopped c=stopped');
    expect(result).toMatchObject({ state: 'stopped', controls: [{ name: 'reject', wave: 'rest' }] });
    for (const name of ['b', 'c']) {
      expect(operationOf(result, name)).toMatchObject({ reason: 'operator', started: false });
      expect(applyCalls(scene, name)).toBe(0);
    }
  });

  it('that is rejected before its turn lets what runs finish', async () => {
    const { scene, handle } = await beforeGate();
    await send(handle, CONTROL_UPDATES.reject, { wave: 'rest' });
    await untilView(handle, ({ operations }) => operations[2]?.outcome?.state === 'stopped');
    expect(await refusalOf(handle, CONTROL_UPDATES.approve, { wave: 'rest' })).toContain('was rejected');
    scene.engine('a').completeApply('a');
    expect(summary(await resultOf(handle))).toBe('a=completed b=stopped c=stopped');
    expect(scene.engine('a').ledger.calls({ rpc: ['Stop', 'Cancel'] })).toEqual([]);
  });

  it('is ended at once by a stop', async () => {
    const { scene, handle } = await atGate();
    await handle.signal('stop');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=stopped c=stopped');
    expect(operationOf(result, 'b')).toMatchObject({ reason: 'operator' });
    expect(applyCalls(scene, 'b')).toBe(0);
  });

  it('stays approved over stop and start', async () => {
    const { scene, handle, input } = await beforeGate();
    await send(handle, CONTROL_UPDATES.approve, { wave: 'rest' });
    await handle.signal('stop');
    const result = await resultOf(handle);
    const again = await startNextRun(scene.client, { input, result }, START);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Start', outcome: 'accepted' });
    scene.engine('a').completeApply('a');
    const resumed = await resultOf(again);
    expect(summary(resumed)).toBe('a=completed b=completed c=completed');
    expect(resumed.waves[1]?.approvedAt).toBe(result.waves[1]?.approvedAt);
    expect(resumed.waves[0]?.startedAt).toBe(result.waves[0]?.startedAt);
  });

  it('that was rejected is waited for again after a start', async () => {
    const { scene, handle, input } = await atGate();
    await handle.signal('reject');
    const result = await resultOf(handle);
    const again = await startNextRun(scene.client, { input, result }, START);
    await untilView(again, ({ waves }) => waves[1]?.gateSince !== null);
    expect(applyCalls(scene, 'b')).toBe(0);
    await again.signal('approve');
    expect(summary(await resultOf(again))).toBe('a=completed b=completed c=completed');
  });

  it('comes after the release of a paused rollout', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', FAILS);
    const waves = [wave('canary', ['a']), wave('rest', ['b'], { gate: 'manual' })];
    const handle = await begin(scene, waves, { onFailure: 'pause' });
    const paused = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'a').completedAt !== null && now.waitingFor !== null,
    );
    expect([paused.state, paused.waitingFor?.for]).toEqual(['paused', 'release']);
    await untilView(handle, ({ operations }) => operations[0]?.outcome !== null);
    await handle.signal('release');
    await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'gate');
    expect(applyCalls(scene, 'b')).toBe(0);
    await handle.signal('approve');
    expect(summary(await resultOf(handle))).toBe('a=failed b=completed');
  });
});

const GATED = [wave('canary', ['a']), wave('rest', ['b'], { gate: 'manual' }), wave('last', ['c'])];

async function beforeGate() {
  const scene = await stage.scene(['a', 'b', 'c']);
  scene.engine('a').script('a', HOLDS);
  const input = await scene.input({ rollout: { waves: GATED } });
  const handle = await scene.start(input);
  await untilWatched(scene, 'a');
  return { scene, handle, input };
}

async function atGate() {
  const before = await beforeGate();
  before.scene.engine('a').completeApply('a');
  await untilView(before.handle, ({ waves }) => waves[1]?.gateSince !== null);
  return before;
}

async function begin(
  scene: Scene,
  waves: readonly WaveSpec[],
  rollout: Partial<RolloutSpec> = {},
): Promise<WorkflowHandle<typeof apply>> {
  return scene.start(await scene.input({ rollout: { ...rollout, waves } }));
}

function applyCalls(scene: Scene, deployment: string): number {
  return scene.engine(deployment).ledger.calls({ rpc: 'Apply', target: deployment }).length;
}

async function untilWatched(scene: Scene, deployment: string): Promise<void> {
  await scene.engine(deployment).ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
}
