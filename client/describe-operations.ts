import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { ApplyView, OperationView } from '../domain/apply.js';
import type { ControlDetail, LiveDetail } from '../domain/live.js';
import type { OperationOutcome } from '../domain/operation.js';
import { OPERATION_STATES } from '../domain/state.js';
import type { DescribedOperation } from '../domain/status.js';
import { mapConcurrently } from './concurrency.js';
import { decodePayloads } from './decode.js';
import { asOutcome } from './history.js';

/** The view of an apply with what describing its operations adds: how far they are, and who has ended meanwhile. */
export interface DescribedView {
  readonly view: ApplyView;
  readonly described: Readonly<Record<string, DescribedOperation>>;
}

/**
 * Describes every operation that is on its engine, by id *and* run id, because a target's workflow id is used again by
 * later applies. Needs no worker: the details are those of the last heartbeat.
 */
export async function describeOperations(client: Client, view: ApplyView): Promise<DescribedView> {
  const answers = await mapConcurrently(view.operations, async (operation) => ({
    operation,
    answer: await describeOperation(client, operation),
  }));
  const described = Object.fromEntries(
    answers.flatMap(({ operation, answer }) => (answer === null ? [] : [[operation.deployment, answer.live]])),
  );
  const operations = answers.map(({ operation, answer }): OperationView => {
    const outcome = answer?.outcome ?? null;
    return outcome === null ? operation : { ...operation, stage: 'ended', outcome };
  });
  return { view: { ...view, operations }, described };
}

interface OperationDescription {
  readonly live: DescribedOperation;
  /** Set when it has ended and its parent did not know yet when it was asked. */
  readonly outcome: OperationOutcome | null;
}

async function describeOperation(client: Client, operation: OperationView): Promise<OperationDescription | null> {
  if (operation.runId === null || operation.stage === 'pending' || operation.stage === 'ended') return null;
  const { workflowId, runId } = operation;
  try {
    const description = await client.workflow.getHandle(workflowId, runId).describe();
    const live = await readLive(client, description);
    const open = description.status.name === 'RUNNING' || description.status.name === 'PAUSED';
    return { live, outcome: open ? null : await readOutcome(client, { workflowId, runId }) };
  } catch (error) {
    // Beyond the retention of the namespace; the parent's word is all there is.
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** The outcome of a closed operation, or null when it closed without one (terminated, a defect). */
export async function readOutcome(
  client: Client,
  run: { readonly workflowId: string; readonly runId: string },
): Promise<OperationOutcome | null> {
  try {
    return asOutcome(await client.workflow.getHandle(run.workflowId, run.runId, { followRuns: false }).result());
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return error.cause instanceof ApplicationFailure ? asOutcome(error.cause.details?.[0]) : null;
  }
}

/** What the activities under way said in their last heartbeats. */
export async function readLive(client: Client, description: WorkflowExecutionDescription): Promise<DescribedOperation> {
  const pending = description.raw.pendingActivities ?? [];
  const details = await Promise.all(
    pending.map(async (activity) => {
      const [detail] = await decodePayloads(client, activity.heartbeatDetails?.payloads);
      return { type: activity.activityType?.name ?? '', detail };
    }),
  );
  const joined = joinDetails(details);
  const isBetween = pending.length === 0 && description.historyLength >= EVENTS_BEFORE_DISPATCH_ANSWERED;
  return isBetween ? { ...joined, live: JUST_WATCHED } : joined;
}

/** A history this long without an activity under way is between the dispatch and the end, not before the dispatch. */
const EVENTS_BEFORE_DISPATCH_ANSWERED = 8;

/** Sorts heartbeat details by their shape: what an engine does, and what a control waits for. Pure. */
export function joinDetails(
  details: readonly { readonly type: string; readonly detail: unknown }[],
): DescribedOperation {
  const live = details.map(({ detail }) => detail).find(isLiveDetail) ?? null;
  const control = details.map(({ detail }) => detail).find(isControlDetail) ?? null;
  const watched = details.some(({ type }) => type === 'watch');
  return { live: live ?? (watched ? JUST_WATCHED : null), control };
}

/** A watch that has not beaten yet: it is only scheduled once the engine has accepted the apply. */
const JUST_WATCHED: LiveDetail = {
  state: 'running',
  phase: null,
  started: true,
  startedAt: null,
  remoteApplyId: null,
  progress: null,
  detail: '',
  unreachableSince: null,
  lastError: null,
  progressAt: null,
  parkedSince: null,
  parkedUntil: null,
};

function isLiveDetail(value: unknown): value is LiveDetail {
  if (typeof value !== 'object' || value === null || !('state' in value) || !('progressAt' in value)) return false;
  return OPERATION_STATES.some((state) => state === value.state);
}

function isControlDetail(value: unknown): value is ControlDetail {
  return typeof value === 'object' && value !== null && 'control' in value && 'sent' in value;
}
