import { describe, expect, it } from 'vitest';
import { SkeinClient } from '../../client/index.js';
import type { apply } from '../../workflows/apply.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES } from '../../workflows/messages.js';
import { send, startNextRun, untilStatus } from '../support/controls.js';
import { untilParked } from '../support/parked.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';

const stage = await openStage({ timings: { parkedMsMax: 100, sendAgainMs: 200 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;

/** This call gets no answer any more. */
function silence(scene: Scene, rpc: 'Cancel' | 'Revert') {
  return scene.engine('a').fault({
    rpc,
    times: Number.POSITIVE_INFINITY,
    action: { kind: 'error_after', status: 'UNAVAILABLE' },
  });
}

describe('a deployment is given up', () => {
  it('also where this run never admitted it and only has to cancel what an earlier one stopped', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { ...HOLDS, cancel: 'never_lands' });
    const input = await scene.input();
    const handle = await scene.start(input);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    silence(scene, 'Cancel');
    const again = await startNextRun(scene.client, { input, result }, { control: 'cancel', deployments: [] });
    await scene.engine('a').ledger.waitForCall({ rpc: 'Cancel' });
    await send(again, CONTROL_UPDATES.skip, { deployments: ['a'], unconfirmed: true, reason: 'lost', by: 'bob' });
    const end = await resultOf(again);
    expect(summary(end)).toBe('a=failed b=cancelled');
    expect(operationOf(end, 'a')).toMatchObject({ skipped: true, confirmed: false });
    expect(operationOf(end, 'a').message).toContain('given up by bob: lost');
  });

  it('also while its engine does not answer what a person asked of its revert window', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', { revertWindow: 'opens', revert: 'never_lands' });
    const handle = await scene.start(await scene.input());
    await untilParked(handle, ['a'], 'revert_window');
    silence(scene, 'Revert');
    await send(handle, CONTROL_UPDATES.revert, { deployments: ['a'] });
    await scene.engine('a').ledger.waitForCall({ rpc: 'Revert' });
    await send(handle, CONTROL_UPDATES.skip, { deployments: ['a'], unconfirmed: true, reason: 'lost', by: 'bob' });
    expect(operationOf(await resultOf(handle), 'a')).toMatchObject({
      state: 'failed',
      skipped: true,
      confirmed: false,
    });
  });
});

describe('a former child that never ends', () => {
  it('holds nobody up once its deployment is left out', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'never_lands' });
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
    await handle.terminate('the control plane went away');
    await untilStatus(scene.client, handle.workflowId, (status) => status.interrupted === 'terminated');
    await new SkeinClient(scene.client, { caller: 'tester' }).start(handle.workflowId);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Stop', outcome: 'accepted' });
    const again = scene.client.workflow.getHandle<typeof apply>(handle.workflowId);
    await send(again, CONTROL_UPDATES.skip, { deployments: ['a'], reason: 'its region is gone' });
    const result = await resultOf(again);
    expect(summary(result)).toBe('a=stopped b=completed');
    expect(operationOf(result, 'a')).toMatchObject({ reason: 'skip', skipped: true, confirmed: false });
  });
});

describe('a skip that takes the last setback back', () => {
  it('together with one that waits does not let that one go', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', { end: 'failed', message: 'no' });
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause' } }));
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'failed');
    await send(handle, CONTROL_UPDATES.skip, { deployments: ['a', 'b'], reason: 'decommissioned' });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=stopped c=completed');
    expect(operationOf(result, 'b')).toMatchObject({ reason: 'skip', started: false, skipped: true });
    expect(scene.engine('b').ledger.calls({ rpc: 'Apply' })).toEqual([]);
  });
});
