import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { SkeinClient } from '../../client/index.js';
import { readStatus } from '../../client/status.js';
import { CONTROL_UPDATES } from '../../workflows/messages.js';
import { refusalOf, untilStatus } from '../support/controls.js';
import { UNDECODABLE } from '../support/junk.js';
import { type Scene, openStage, operationOf, resultOf, summary } from '../support/stage.js';

const stage = await openStage({ timings: { parkedMsMax: 100, sendAgainMs: 200 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;

/** What a person can send from the dialog of the Temporal UI, as arguments. */
const SENT: readonly (readonly [string, readonly unknown[]])[] = [
  ['nothing', []],
  ['null', [null]],
  ['5', [5]],
  ['a text', ['eu']],
  ['an object in a field', [{ by: { a: 1 } }]],
  ['half a character', [{ by: '\ud800', deployment: '\ud800', deployments: ['\ud800'] }]],
  [
    'a report that it is done',
    [{ deployment: 'a', attempt: 0, state: 'completed', remoteApplyId: 'x', refused: null }],
  ],
];

/** `a` is on its engine and holds there; `b` waits for it. */
async function running(): Promise<{ scene: Scene; handle: Awaited<ReturnType<Scene['start']>> }> {
  const scene = await stage.scene(['a', 'b']);
  scene.engine('a').script('a', HOLDS);
  const handle = await scene.start(await scene.input());
  await scene.engine('a').ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
  return { scene, handle };
}

async function signalAll(scene: Scene, handle: WorkflowHandle, names: readonly string[]): Promise<void> {
  for (const name of names) {
    for (const [, args] of SENT) await handle.signal(name, ...args);
    for (const payload of Object.values(UNDECODABLE))
      await scene.client.workflowService.signalWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: handle.workflowId },
        signalName: name,
        input: { payloads: [payload] },
      });
  }
}

async function failedTasks(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes).length;
}

describe('junk from the dialog of the Temporal UI', () => {
  it('to an apply fails no workflow task; status, why and stop work as before', async () => {
    const { scene, handle } = await running();
    const skein = new SkeinClient(scene.client, { caller: 'tester' });
    const before = await untilStatus(scene.client, handle.workflowId, ({ state }) => state === 'running');
    await signalAll(scene, handle, ['report', 'giveUp', 'release', 'approve', 'cutover', 'frobnicate']);
    const status = await skein.status(handle.workflowId);
    expect(status).toMatchObject({ detail: 'full', state: 'running', counts: before.counts, controls: [] });
    expect(await skein.why(handle.workflowId)).toMatchObject({ apply: handle.workflowId });
    const reason = await refusalOf(handle, CONTROL_UPDATES.cancel, { deployments: ['\ud800'] });
    expect(reason).toContain('cancel names deployment \ufffd, which apply');
    expect(await failedTasks(handle)).toBe(0);
    expect(await skein.stop(handle.workflowId)).toMatchObject({ answer: 'accepted' });
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });

  it('is read by nobody for anything else where no worker runs: the status from history is as it was', async () => {
    const { scene, handle } = await running();
    await untilStatus(scene.client, handle.workflowId, ({ state }) => state === 'running');
    await scene.stopWorker();
    const before = await readStatus(scene.client, handle.workflowId, { queryTimeoutMs: 0 });
    await signalAll(scene, handle, ['report', 'giveUp', 'retry', 'frobnicate']);
    const after = await readStatus(scene.client, handle.workflowId, { queryTimeoutMs: 0 });
    expect(after).toMatchObject({ detail: 'coarse', state: 'running', counts: before.counts, controls: [] });
    await scene.startWorker();
    await handle.signal('stop');
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
  });

  it('to a live operation neither ends it nor fails a workflow task, and a stop reaches its engine', async () => {
    const { scene, handle } = await running();
    const operation = scene.operation('a');
    await signalAll(scene, operation, ['giveUp', 'report', 'frobnicate']);
    expect(await operation.query('status')).toMatchObject({ stage: 'admitted', outcome: null });
    expect(await failedTasks(operation)).toBe(0);
    await handle.signal('stop', 5);
    const result = await resultOf(handle);
    expect(operationOf(result, 'a')).toMatchObject({ state: 'stopped', confirmed: true, skipped: false });
  });

  it('is a stop where it comes with one, also in bytes that nobody can read', async () => {
    const { scene, handle } = await running();
    await scene.client.workflowService.signalWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: handle.workflowId },
      signalName: 'stop',
      input: { payloads: [UNDECODABLE['half of an object'] ?? {}] },
    });
    expect(summary(await resultOf(handle))).toBe('a=stopped b=stopped');
    expect(await failedTasks(handle)).toBe(0);
  });

  it('is none where a person gives an operation up, also one whose name holds half a character', async () => {
    const { scene, handle } = await running();
    await scene.operation('a').signal('giveUp', { by: 'bob\ud800', reason: 'lost \ud800' });
    const result = await resultOf(handle);
    expect(operationOf(result, 'a')).toMatchObject({ state: 'failed', confirmed: false, skipped: true });
    expect(operationOf(result, 'a').message).toContain('given up by bob\ufffd: lost \ufffd.');
  });
});
