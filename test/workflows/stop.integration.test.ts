import { WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES, type ControlMessage } from '../../workflows/messages.js';
import { until } from '../support/until.js';

const stage = await openStage();

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;

/** Calls that reached the engine of a deployment, by name. */
function calls(scene: Scene, deployment: string): string[] {
  return scene
    .engine(deployment)
    .ledger.calls()
    .map((call) => call.rpc);
}

function forwardCalls(scene: Scene, deployment: string): string[] {
  return calls(scene, deployment).filter((rpc) => rpc === 'Apply' || rpc === 'Start' || rpc === 'Cutover');
}

describe('stop under onFailure continue', () => {
  it('starts nothing more, keeps the first failure as the message, and settles', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', { ...HOLDS, end: 'failed' });
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'continue' } }));
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await scene.stopWorker();
    scene.engine('a').failApply('a', 'duplicate key value');
    await handle.signal(CONTROL_SIGNALS.stop);
    await scene.startWorker();
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=stopped c=stopped');
    expect(result.state).toBe('failed');
    expect(result.message).toContain('a: duplicate key value');
    for (const name of ['b', 'c']) {
      expect(operationOf(result, name)).toMatchObject({
        started: false,
        completedAt: null,
        reason: 'operator',
        remoteApplyId: null,
      });
      expect(forwardCalls(scene, name)).toEqual([]);
    }
    expect(result.controls).toMatchObject([{ name: 'stop', settledAt: expect.any(String) }]);
  });
});

describe('stop before anything runs', () => {
  it('delivered before the first workflow task starts no child and calls no engine', async () => {
    const scene = await stage.scene(['a', 'b'], { worker: false });
    const input = await scene.input();
    const before = calls(scene, 'a').length;
    const handle = await scene.start(input);
    await handle.signal(CONTROL_SIGNALS.stop);
    await scene.startWorker();
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=stopped b=stopped');
    expect(result).toMatchObject({ state: 'stopped', startedAt: null, completedAt: null });
    const history = await handle.fetchHistory();
    expect(history.events?.some((event) => event.startChildWorkflowExecutionInitiatedEventAttributes)).toBe(false);
    expect(calls(scene, 'a').length).toBe(before);
  });

  it('by the update is answered with what was not started', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    const answer = await handle.executeUpdate(CONTROL_UPDATES.stop, { args: [{ by: 'alice' }] });
    expect(answer).toEqual({ control: 'stop', answer: 'accepted', deployments: { a: 'stopping', b: 'not_started' } });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=stopped b=stopped');
    expect(result.controls).toMatchObject([{ name: 'stop', by: 'alice' }]);
  });
});

describe('stop around the dispatch', () => {
  it('after the admission, while the engine is never reached, ends stopped without a call', async () => {
    const scene = await stage.scene(['a', 'b']);
    const input = await scene.input();
    const before = calls(scene, 'a').length;
    await scene.engine('a').pause();
    const handle = await scene.start(input);
    const child = scene.client.workflow.getHandle(`test/${scene.database}/a/a`);
    await until(async () => {
      const { raw } = await child.describe();
      return (raw.pendingActivities ?? []).some((activity) => activity.heartbeatDetails?.payloads?.length);
    });
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=stopped b=stopped');
    expect(operationOf(result, 'a')).toMatchObject({
      started: false,
      startedAt: null,
      reason: 'operator',
      confirmed: true,
    });
    expect(calls(scene, 'a').length).toBe(before);
  });

  it('before any worker took the dispatch up is resolved by key, and nothing was ever sent', async () => {
    const scene = await stage.scene(['a'], { worker: false });
    const handle = await scene.start(await scene.input());
    await scene.startWorker({ workflowsOnly: true });
    const child = scene.client.workflow.getHandle(`test/${scene.database}/a/a`);
    await until(async () => ((await child.describe()).raw.pendingActivities ?? []).length > 0);
    await handle.signal(CONTROL_SIGNALS.stop);
    await until(
      async () =>
        (await child.fetchHistory()).events?.some((event) => event.activityTaskCanceledEventAttributes) ?? false,
    );
    await scene.stopWorker();
    await scene.startWorker();
    const result = await resultOf(handle);
    expect(operationOf(result, 'a')).toMatchObject({ state: 'stopped', started: false, resolvedBy: 'lookup' });
    expect(forwardCalls(scene, 'a')).toEqual([]);
  });

  it('between the send and the reply waits for the id, and stops that remote apply', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', HOLDS);
    const held = scene.engine('a').fault({ rpc: 'Apply', action: { kind: 'hold_after' } });
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Apply' });
    await handle.signal(CONTROL_SIGNALS.stop);
    await untilView(handle, (view) => view.stop);
    held.release();
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=stopped b=stopped');
    expect(operationOf(result, 'a')).toMatchObject({
      started: true,
      remoteApplyId: scene.engine('a').applyOn('a').remoteApplyId,
      reason: 'operator',
    });
    expect(
      scene
        .engine('a')
        .ledger.calls({ rpc: 'Stop' })
        .every((call) => call.remoteApplyId === scene.engine('a').applyOn('a').remoteApplyId),
    ).toBe(true);
    expect(scene.engine('a').ledger.executionsPerKey().size).toBe(1);
  });

  it('with a lost reply and no lookup sends the same Apply once more and Stop at once', async () => {
    const scene = await stage.scene(['a'], { lookup: false });
    scene.engine('a').script('a', HOLDS);
    const lost = scene
      .engine('a')
      .fault({ rpc: 'Apply', times: Number.POSITIVE_INFINITY, action: { kind: 'error_after', status: 'UNAVAILABLE' } });
    const handle = await scene.start(await scene.input());
    await until(() => lost.hits >= 2);
    await handle.signal(CONTROL_SIGNALS.stop);
    const child = scene.client.workflow.getHandle(`test/${scene.database}/a/a`);
    await until(
      async () =>
        (await child.describe()).raw.pendingActivities?.some(
          (activity) => activity.activityType?.name === 'resolveDispatch',
        ) ?? false,
    );
    lost.remove();
    const result = await resultOf(handle);
    expect(operationOf(result, 'a')).toMatchObject({ state: 'stopped', started: true, resolvedBy: 'resend' });
    const { ledger } = scene.engine('a');
    expect(ledger.executionsPerKey().size).toBe(1);
    const names = ledger
      .calls()
      .map((call) => call.rpc)
      .filter((rpc) => rpc !== 'Health' && rpc !== 'Logs');
    expect(names[names.lastIndexOf('Apply') + 1]).toBe('Stop');
  });
});

describe('stop while running', () => {
  it('stops the remote apply by its own id and leaves an ended operation byte-identical', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input());
    const before = await untilView(
      handle,
      (view) => view.operations[0]?.outcome !== null && view.operations[1]?.stage === 'admitted',
    );
    await scene.engine('b').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=stopped c=stopped');
    expect(JSON.stringify(operationOf(result, 'a'))).toBe(JSON.stringify(before.operations[0]?.outcome));
    expect(operationOf(result, 'b')).toMatchObject({ started: true, reason: 'operator', completedAt: null });
    expect(scene.engine('c').ledger.calls({ rpc: 'Apply' })).toEqual([]);
    expect(scene.engine('b').ledger.forwardCallsAfterStop()).toEqual([]);
  });

  it('sent twice is in force already and changes nothing', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'on_release' });
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal(CONTROL_SIGNALS.stop);
    const again = await handle.executeUpdate(CONTROL_UPDATES.stop, { args: [{}] });
    expect(again).toMatchObject({ answer: 'already', deployments: { a: 'stopping' } });
    await scene.engine('a').ledger.waitForCall({ rpc: 'Stop' });
    scene.engine('a').landStop('a');
    const result = await resultOf(handle);
    expect(result.controls.filter((control) => control.name === 'stop')).toHaveLength(1);
  });

  it('after the end reaches nobody, and the result stays as it is', async () => {
    const scene = await stage.scene(['a']);
    const handle = await scene.start(await scene.input());
    const before = JSON.stringify(await resultOf(handle));
    await expect(handle.signal(CONTROL_SIGNALS.stop)).rejects.toBeInstanceOf(WorkflowNotFoundError);
    expect(JSON.stringify(await resultOf(handle))).toBe(before);
  });

  it('never reads stopped while a dispatched remote has not confirmed', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'on_release' });
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { maxConcurrency: 2 } }));
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await scene.engine('b').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal(CONTROL_SIGNALS.stop);
    const view = await untilView(
      handle,
      ({ operations }) => operations[1]?.outcome?.state === 'stopped' && operations[2]?.outcome?.state === 'stopped',
    );
    expect(view.operations[0]?.outcome).toBeNull();
    expect((await handle.describe()).status.name).toBe('RUNNING');
    scene.engine('a').landStop('a');
    expect((await resultOf(handle)).state).toBe('stopped');
  });

  it('an operation that is admitted and not dispatched ends alone; the stop stays in force for its dispatched sibling', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'on_release' });
    const input = await scene.input({ rollout: { maxConcurrency: 2 } });
    await scene.engine('b').pause();
    const handle = await scene.start(input);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal(CONTROL_SIGNALS.stop);
    const view = await untilView(handle, ({ operations }) => operations[1]?.outcome !== null);
    expect(view.operations[1]?.outcome).toMatchObject({ state: 'stopped', started: false });
    expect(view).toMatchObject({ stop: true });
    scene.engine('a').landStop('a');
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });
});

describe('what the engine says outranks the stop', () => {
  it('a remote that completes while the stop is on its way is completed', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'never_lands' });
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal(CONTROL_SIGNALS.stop);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Stop' });
    scene.engine('a').completeApply('a');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=stopped');
    expect(result.state).toBe('stopped');
  });

  it('a Stop that errors on a remote that has ended is done', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    const fault = scene
      .engine('a')
      .fault({ rpc: 'Stop', times: Number.POSITIVE_INFINITY, action: { kind: 'error_after', status: 'INTERNAL' } });
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    expect(fault.hits).toBeGreaterThan(0);
    expect(summary(result)).toBe('a=stopped');
  });

  it('a remote that cannot stop is shown as such, finishes, and nothing else starts', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'refused' });
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal(CONTROL_SIGNALS.stop);
    const child = scene.client.workflow.getHandle(`test/${scene.database}/a/a`);
    await until(async () => {
      const { raw } = await child.describe();
      const beats = (raw.pendingActivities ?? []).map((activity) =>
        Buffer.from(activity.heartbeatDetails?.payloads?.[0]?.data ?? []).toString(),
      );
      return beats.some((beat) => beat.includes('"refused":"'));
    });
    scene.engine('a').completeApply('a');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=stopped');
    expect(forwardCalls(scene, 'b')).toEqual([]);
  });

  it('an unreachable engine keeps the apply stopping until it answers again', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await scene.engine('a').pause();
    await handle.signal(CONTROL_SIGNALS.stop);
    const view = await untilView(handle, ({ operations }) => operations[1]?.outcome?.state === 'stopped');
    expect(view.operations[0]?.outcome).toBeNull();
    await scene.engine('a').resume();
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });

  it('an unreachable engine can be given up by a named person, with key and remote id in the message', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    const { remoteApplyId } = scene.engine('a').applyOn('a');
    await scene.engine('a').pause();
    await handle.signal(CONTROL_SIGNALS.stop);
    const message: ControlMessage = { by: 'bob', deployments: ['a'], reason: 'the region is gone', unconfirmed: true };
    expect(await handle.executeUpdate(CONTROL_UPDATES.skip, { args: [message] })).toMatchObject({ answer: 'accepted' });
    const result = await resultOf(handle);
    const a = operationOf(result, 'a');
    expect(a).toMatchObject({ state: 'failed', confirmed: false, skipped: true, remoteApplyId });
    expect(a.message).toContain('given up by bob: the region is gone');
    expect(a.message).toContain(remoteApplyId);
    expect(a.message).toContain('skein/');
  });
});

describe('stop when nothing moves', () => {
  it('settles a paused rollout at once', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { end: 'failed', message: 'no' });
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause' } }));
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'failed');
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=stopped');
    expect(forwardCalls(scene, 'b')).toEqual([]);
  });

  it('settles while every engine is retrying by itself', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { steps: [{ state: 'STATE_FAILED_RETRYABLE', holds: true }] });
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal(CONTROL_SIGNALS.stop);
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });

  it('with no worker alive is recorded, and takes effect when one starts', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await scene.stopWorker();
    await handle.signal(CONTROL_SIGNALS.stop);
    expect((await handle.describe()).status.name).toBe('RUNNING');
    expect(scene.engine('a').ledger.calls({ rpc: 'Stop' })).toEqual([]);
    await scene.startWorker();
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });
});

async function runningApply() {
  const scene = await stage.scene(['a', 'b']);
  scene.engine('a').script('a', HOLDS);
  const handle = await scene.start(await scene.input());
  await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
  return { scene, handle };
}

describe('stop, however it is sent', () => {
  it('by a raw signal without any payload', async () => {
    const { scene, handle } = await runningApply();
    await scene.client.workflowService.signalWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: handle.workflowId },
      signalName: 'stop',
    });
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });

  it('by a raw signal with the run id pinned and a null payload, as the UI sends it', async () => {
    const { scene, handle } = await runningApply();
    const { runId } = await handle.describe();
    await scene.client.workflowService.signalWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: handle.workflowId, runId },
      signalName: 'stop',
      input: { payloads: [{ metadata: { encoding: Buffer.from('binary/null') } }] },
    });
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });

  it('with junk in it', async () => {
    const { handle } = await runningApply();
    await handle.signal('stop', 'now', { by: 7, deployments: 'a' });
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });

  it('by cancelling the workflow', async () => {
    const { handle } = await runningApply();
    await handle.cancel();
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=stopped b=stopped');
    expect(result.controls).toMatchObject([{ name: 'stop' }]);
    expect((await handle.describe()).status.name).toBe('COMPLETED');
  });

  it('straight to one operation, which is then no setback', async () => {
    const { scene, handle } = await runningApply();
    await scene.client.workflow.getHandle(`test/${scene.database}/a/a`).signal('stop');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=stopped b=completed');
    expect(operationOf(result, 'a').reason).toBe('operator');
  });
});

describe('forward controls after a stop', () => {
  it('are refused with the next step, and leave no trace in history', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { ...HOLDS, stop: 'on_release' });
    const handle = await scene.start(await scene.input());
    await scene.engine('a').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal(CONTROL_SIGNALS.stop);
    await scene.engine('a').ledger.waitForCall({ rpc: 'Stop' });
    await untilView(handle, ({ operations }) => operations[1]?.outcome !== null);
    const before = (await handle.describe()).historyLength;
    await expect(handle.executeUpdate(CONTROL_UPDATES.release, { args: [{}] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('is being stopped') },
    });
    expect((await handle.describe()).historyLength).toBe(before);
    scene.engine('a').landStop('a');
    await resultOf(handle);
  });
});
