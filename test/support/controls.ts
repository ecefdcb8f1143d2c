import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import {
  type Client,
  WorkflowFailedError,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { expect } from 'vitest';
import { SkeinClient } from '../../client/index.js';
import type { ApplyInput, ApplyResult } from '../../domain/apply.js';
import { type Resumption, resume } from '../../domain/carry.js';
import { resolvePolicy } from '../../domain/spec.js';
import type { ApplyStatus } from '../../domain/status.js';
import type { OperationStatus } from '../../domain/operation-status.js';
import { type ControlAnswer, type ControlMessage, MEMO_APPLY, MEMO_SPEC_DIGEST } from '../../workflows/messages.js';
import type { apply } from '../../workflows/apply.js';
import { until } from './until.js';

type ControlUpdate = UpdateDefinition<ControlAnswer, [ControlMessage]>;

/** Sends a control as an update and gives its answer. */
export function send(
  handle: WorkflowHandle<typeof apply>,
  update: ControlUpdate,
  message: ControlMessage = {},
): Promise<ControlAnswer> {
  return handle.executeUpdate(update, { args: [message] });
}

/** Sends a control that has to be refused; gives the reason. Also proves that the refusal left no trace in history. */
export async function refusalOf(
  handle: WorkflowHandle<typeof apply>,
  update: ControlUpdate,
  message: ControlMessage = {},
): Promise<string> {
  const before = await settledHistoryLength(handle);
  const reason = await send(handle, update, message).then(
    (answer) => {
      throw new Error(`${update.name} was not refused: ${JSON.stringify(answer)}`);
    },
    (error: unknown) => {
      if (error instanceof WorkflowUpdateFailedError) return error.cause?.message ?? '';
      throw error;
    },
  );
  expect(await historyLength(handle)).toBe(before);
  return reason;
}

async function historyLength(handle: WorkflowHandle<typeof apply>): Promise<number> {
  return (await handle.fetchHistory()).events?.length ?? 0;
}

/** The number of events once no workflow task is on its way. */
async function settledHistoryLength(handle: WorkflowHandle<typeof apply>): Promise<number> {
  return until(async () => {
    const { events } = await handle.fetchHistory();
    const last = events?.at(-1);
    const isAtRest = last?.workflowTaskCompletedEventAttributes ?? last?.childWorkflowExecutionStartedEventAttributes;
    const { pendingWorkflowTask } = (await handle.describe()).raw;
    return isAtRest && !pendingWorkflowTask ? (events?.length ?? 0) : null;
  });
}

/** The failure with which a run failed; throws when it did not fail. */
export async function failureOf(handle: WorkflowHandle<typeof apply>): Promise<ApplicationFailure> {
  const outcome: unknown = await handle.result().catch((error: unknown) => error);
  const cause = outcome instanceof WorkflowFailedError ? outcome.cause : outcome;
  if (cause instanceof ApplicationFailure) return cause;
  throw new Error(`the run did not fail with an ApplicationFailure: ${JSON.stringify(outcome)}`);
}

/** Goes on with a closed apply in a new run of the same id, as the client does. */
export async function startNextRun(
  client: Client,
  previous: { readonly input: ApplyInput; readonly result: ApplyResult },
  resumption: Resumption,
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof apply>> {
  const { input, result } = previous;
  const policy = resolvePolicy(input.spec);
  const resumed = resume({ previous: result, policy, resumption, by: 'tester', at: new Date().toISOString() });
  if (!resumed.ok) throw new Error(`not resumed: ${resumed.because}`);
  return client.workflow.start<typeof apply>('apply', {
    workflowId: result.apply,
    taskQueue: 'skein',
    args: [{ ...input, carried: resumed.carried }],
    memo: { [MEMO_APPLY]: result.apply, [MEMO_SPEC_DIGEST]: input.specDigest },
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'FAIL',
  });
}

/** Waits until the status of an apply, joined as the client joins it, satisfies the predicate. */
export function untilStatus(
  client: Client,
  apply: string,
  predicate: (status: ApplyStatus) => boolean,
): Promise<ApplyStatus> {
  const skein = new SkeinClient(client, { caller: 'tester' });
  return until(async () => {
    const status = await skein.status(apply);
    return predicate(status) ? status : null;
  });
}

/** The line of one deployment in a status. */
export function lineOf(status: ApplyStatus, deployment: string): OperationStatus {
  const found = status.operations.find((operation) => operation.deployment === deployment);
  if (found === undefined) throw new Error(`no operation ${deployment} in ${JSON.stringify(status)}`);
  return found;
}

/** Resets an apply to a workflow task, as a person does in the Temporal UI; gives the new run. */
export async function resetApply(
  client: Client,
  workflowId: string,
  to: 'first' | 'last',
): Promise<WorkflowHandle<typeof apply> & { readonly runId: string }> {
  const { events = [] } = await client.workflow.getHandle(workflowId).fetchHistory();
  const tasks = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
  const task = tasks.at(to === 'first' ? 0 : -1);
  const { runId } = await client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId },
    reason: 'a person reset it',
    workflowTaskFinishEventId: task?.eventId ?? null,
    requestId: `reset-${workflowId}`,
  });
  const handle = client.workflow.getHandle<typeof apply>(workflowId, runId);
  return Object.assign(handle, { runId });
}
