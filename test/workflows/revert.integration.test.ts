import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { needsPerson } from '../../client/why.js';
import type { RolloutSpec } from '../../domain/spec.js';
import type { apply } from '../../workflows/apply.js';
import { CONTROL_UPDATES } from '../../workflows/messages.js';
import { lineOf, refusalOf, send, startNextRun, untilStatus } from '../support/controls.js';
import { cutovers, untilParked } from '../support/parked.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';
import { wave } from '../support/waves.js';

const stage = await openStage({ timings: { parkedMsMax: 100, requestSettlesMs: 600, sendAgainMs: 200 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;
const OPENS = { revertWindow: 'opens' } as const;

describe('a revert window', () => {
  it('is shown with its commands, holds no slot, needs nobody, and completes when it closes by itself', async () => {
    const { scene, handle } = await inWindow(['a', 'b']);
    await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'completed');
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor !== null);
    expect(status.state).toBe('revert_window');
    expect(status.waitingFor).toMatchObject({
      for: 'revert_window',
      since: lineOf(status, 'a').parkedSince,
      commands: [`skip-revert ${handle.workflowId} --deployment a`, `revert ${handle.workflowId} --deployment a`],
    });
    expect(needsPerson(status)).toBe(false);
    scene.engine('a').expire('a');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed');
    expect(result.state).toBe('completed');
  });

  it('is waited for by the next wave', async () => {
    const { scene, handle } = await inWindow(['a', 'b'], { waves: [wave('canary', ['a']), wave('rest', ['b'])] });
    await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor?.for === 'revert_window');
    expect(scene.engine('b').ledger.calls({ rpc: 'Apply' })).toEqual([]);
    await send(handle, CONTROL_UPDATES['skip-revert'], { deployments: ['a'], by: 'alice' });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed');
    expect(result.controls).toMatchObject([{ name: 'skip-revert', by: 'alice', deployments: ['a'] }]);
    const { ledger } = scene.engine('a');
    expect(ledger.calls({ rpc: 'SkipRevert' }).length).toBe(1);
    expect(ledger.calls({ rpc: 'Revert' })).toEqual([]);
  });

  it.each(['ordered', 'barrier'] as const)('has passed for %s: those behind it cut over meanwhile', async (cutover) => {
    const { scene, handle } = await inWindow(['a', 'b'], { cutover });
    await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'completed');
    expect(cutovers(scene, ['a', 'b']).length).toBe(2);
    scene.engine('a').expire('a');
    expect((await resultOf(handle)).state).toBe('completed');
  });
});

describe('revert', () => {
  it('undoes the change: a setback, which under halt ends what waits', async () => {
    const waves = [wave('canary', ['a']), wave('rest', ['b'])];
    const { scene, handle } = await inWindow(['a', 'b'], { waves }, { revert: 'on_release' });
    expect(await send(handle, CONTROL_UPDATES.revert, { deployments: ['a'], by: 'bob' })).toMatchObject({
      answer: 'accepted',
    });
    await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'a').state === 'reverting');
    scene.engine('a').landRevert('a');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=reverted b=stopped');
    expect(operationOf(result, 'b')).toMatchObject({ reason: 'policy', started: false });
    expect(result).toMatchObject({ state: 'stopped', controls: [{ name: 'revert', by: 'bob', deployments: ['a'] }] });
    expect(scene.engine('a').liveSchema('a').size).toBe(0);
    expect(scene.engine('a').ledger.calls({ rpc: 'Revert' }).length).toBe(1);
  });

  it('of everything ends the apply reverted, and a retry attempts it anew', async () => {
    const { scene, handle, input } = await inWindow(['a']);
    await send(handle, CONTROL_UPDATES.revert, { deployments: ['a'] });
    const result = await resultOf(handle);
    expect([summary(result), result.state]).toEqual(['a=reverted', 'reverted']);
    scene.engine('a').script('a', {});
    const again = await startNextRun(
      scene.client,
      { input, result },
      { control: 'retry', deployments: [], release: false, skip: [] },
    );
    const retried = await resultOf(again);
    expect(operationOf(retried, 'a')).toMatchObject({ state: 'completed', attempt: 1 });
  });

  it.each([
    ['revert', 'reverted', 'Revert'],
    ['skip-revert', 'completed', 'SkipRevert'],
  ] as const)('%s --all is for all that are in their window', async (control, state, rpc) => {
    const scene = await stage.scene(['a', 'b', 'c']);
    for (const name of ['a', 'b']) scene.engine(name).script(name, OPENS);
    scene.engine('c').script('c', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { maxConcurrency: 3, onFailure: 'continue' } }));
    await untilParked(handle, ['a', 'b'], 'revert_window');
    await send(handle, CONTROL_UPDATES[control], { all: true });
    await untilView(handle, ({ operations }) => operations.filter(({ outcome }) => outcome !== null).length === 2);
    scene.engine('c').completeApply('c');
    expect(summary(await resultOf(handle))).toBe(`a=${state} b=${state} c=completed`);
    for (const name of ['a', 'b']) expect(scene.engine(name).ledger.calls({ rpc }).length).toBe(1);
    expect(scene.engine('c').ledger.calls({ rpc })).toEqual([]);
  });

  it.each([
    ['revert', 'refused', 'is not supported'],
    ['revert', 'fails', 'lock wait timeout'],
    ['revert', 'never_lands', 'still says revert_window'],
    ['skip-revert', 'refused', 'is not supported'],
    ['skip-revert', 'fails', 'lock wait timeout'],
    ['skip-revert', 'never_lands', 'still says revert_window'],
  ] as const)('(%s that %s) shows the engine’s words, and another answer works', async (control, behaviour, text) => {
    const own = control === 'revert' ? { revert: behaviour } : { skipRevert: behaviour };
    const { scene, handle } = await inWindow(['a'], {}, own);
    await send(handle, CONTROL_UPDATES[control], { deployments: ['a'] });
    const status = await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'a').message.includes(text));
    expect(lineOf(status, 'a')).toMatchObject({
      state: 'revert_window',
      message: expect.stringContaining(`the engine refused: ${control}: `),
    });
    expect(status.controls).toMatchObject([{ name: control, deployments: ['a'], settledAt: expect.any(String) }]);
    const other = control === 'revert' ? 'skip-revert' : 'revert';
    await send(handle, CONTROL_UPDATES[other], { deployments: ['a'] });
    expect(summary(await resultOf(handle))).toBe(`a=${other === 'revert' ? 'reverted' : 'completed'}`);
    expect(scene.engine('a').ledger.calls({ rpc: control === 'revert' ? 'Revert' : 'SkipRevert' }).length).toBe(1);
  });

  it('is asked for once: under way it is done already, and the change cannot be kept any more', async () => {
    const { scene, handle } = await inWindow(['a'], {}, { revert: 'on_release' });
    await send(handle, CONTROL_UPDATES.revert, { deployments: ['a'] });
    await untilView(handle, ({ operations }) => operations[0]?.reported === 'reverting');
    expect(await refusalOf(handle, CONTROL_UPDATES['skip-revert'], { deployments: ['a'] })).toContain('a is reverting');
    expect(await send(handle, CONTROL_UPDATES.revert, { deployments: ['a'] })).toMatchObject({ answer: 'already' });
    // Straight to the operation, as messages that crossed would come.
    await scene.operation('a').signal('revert');
    await scene.operation('a').signal('skip-revert');
    scene.engine('a').landRevert('a');
    expect(summary(await resultOf(handle))).toBe('a=reverted');
    const calls = scene.engine('a').ledger.calls({ rpc: ['Revert', 'SkipRevert'] });
    expect(calls.map(({ rpc }) => rpc)).toEqual(['Revert']);
  });

  it('outranks a skip-revert that its engine has accepted and not carried out', async () => {
    const { scene, handle } = await inWindow(['a'], {}, { skipRevert: 'never_lands' });
    await send(handle, CONTROL_UPDATES['skip-revert'], { deployments: ['a'] });
    await scene.engine('a').ledger.waitForCall({ rpc: 'SkipRevert', outcome: 'accepted' });
    await send(handle, CONTROL_UPDATES.revert, { deployments: ['a'] });
    expect(summary(await resultOf(handle))).toBe('a=reverted');
  });

  it('is refused without a name, and for what is in no window', async () => {
    const { scene, handle } = await inWindow(['a', 'b'], {}, {}, ['b']);
    expect(await refusalOf(handle, CONTROL_UPDATES.revert)).toContain('must name a deployment');
    for (const control of ['revert', 'skip-revert'] as const)
      expect(await refusalOf(handle, CONTROL_UPDATES[control], { deployments: ['b'] })).toContain(
        'only a deployment in its revert window',
      );
    expect(await refusalOf(handle, CONTROL_UPDATES.cancel, { deployments: ['a'] })).toContain('with revert');
    for (const name of ['a', 'b'])
      expect(scene.engine(name).ledger.calls({ rpc: ['Revert', 'SkipRevert', 'Cancel'] })).toEqual([]);
  });
});

describe('a stop or a cancel in a revert window', () => {
  it.each([
    ['stop', 'revert', 'reverted', 'stopped'],
    ['stop', 'skip-revert', 'completed', 'stopped'],
    ['cancel', 'revert', 'reverted', 'cancelled'],
  ] as const)('(%s) does not reach it, and %s still does', async (halt, control, state, applyState) => {
    const { scene, handle } = await inWindow(['a', 'b'], {}, {}, ['b']);
    await handle.signal(halt);
    await untilView(handle, ({ operations }) => operations[1]?.outcome !== null);
    const status = await untilStatus(scene.client, handle.workflowId, (now) => now.waitingFor !== null);
    expect([status.state, status.waitingFor?.for]).toEqual([
      halt === 'stop' ? 'stopping' : 'cancelling',
      'revert_window',
    ]);
    expect(scene.engine('a').ledger.calls({ rpc: ['Stop', 'Cancel'] })).toEqual([]);
    await send(handle, CONTROL_UPDATES[control], { deployments: ['a'] });
    const result = await resultOf(handle);
    expect(operationOf(result, 'a').state).toBe(state);
    expect(result.state).toBe(applyState);
  });

  it('does not reach a revert by hand either, although it came before the window', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', { ...OPENS, cutover: 'never_lands', stop: 'never_lands', revert: 'on_release' });
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'ordered' } }));
    const { ledger } = scene.engine('a');
    await ledger.waitForCall({ rpc: 'Cutover', outcome: 'accepted' });
    await handle.signal('stop');
    await ledger.waitForCall({ rpc: 'Stop', outcome: 'accepted' });
    scene.engine('a').cutOver('a');
    await untilParked(handle, ['a'], 'revert_window');
    const stops = ledger.calls({ rpc: 'Stop' }).length;
    scene.engine('a').revert('a');
    await untilView(handle, ({ operations }) => operations[0]?.reported === 'reverting');
    await ledger.waitForCall({ rpc: 'Progress', nth: ledger.calls({ rpc: 'Progress' }).length + 3 });
    expect(ledger.calls({ rpc: 'Stop' }).length).toBe(stops);
    scene.engine('a').landRevert('a');
    expect(summary(await resultOf(handle))).toBe('a=reverted');
  });
});

/** Runs until the first is in its window; these others are at work. */
async function inWindow(
  names: readonly string[],
  rollout: Partial<RolloutSpec> = {},
  script: Parameters<ReturnType<Scene['engine']>['script']>[1] = {},
  atWork: readonly string[] = [],
): Promise<{ scene: Scene; handle: WorkflowHandle<typeof apply>; input: Awaited<ReturnType<Scene['input']>> }> {
  const scene = await stage.scene(names);
  scene.engine('a').script('a', { ...OPENS, ...script });
  for (const name of atWork) scene.engine(name).script(name, HOLDS);
  const input = await scene.input({ rollout });
  const handle = await scene.start(input);
  await untilParked(handle, ['a'], 'revert_window');
  for (const name of atWork) await scene.engine(name).ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
  return { scene, handle, input };
}
