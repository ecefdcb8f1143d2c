import type { Client } from '@temporalio/client';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import type { InitialOperation } from '../domain/apply.js';
import { type Payloads, decodePayloads } from './decode.js';

/** What the history of one operation says of its attempt, for an operation that left no outcome behind. */
export interface OperationTrace {
  readonly admitted: boolean;
  readonly attempt: number;
  /** An Apply may have been sent: in doubt it was (I12). */
  readonly started: boolean;
  readonly startedAt: string | null;
  readonly remoteApplyId: string | null;
  readonly remoteOperationId: string | null;
}

/** The steps of an operation that leave a trace; in order. */
export type OperationEvent =
  | { readonly kind: 'started'; readonly initial: InitialOperation; readonly admitted: boolean }
  | { readonly kind: 'admitted' }
  | { readonly kind: 'dispatch_scheduled'; readonly at: string }
  /** Answer of `dispatch` or `resolveDispatch`. */
  | { readonly kind: 'answered'; readonly answer: unknown };

/** Reads the trace of one run of an operation. Works with no worker. */
export async function readTrace(
  client: Client,
  run: { readonly workflowId: string; readonly runId: string },
): Promise<OperationTrace> {
  const { events } = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
  const decode = async (payloads: Payloads) => (await decodePayloads(client, payloads))[0];
  /** Types of the activities scheduled so far, by the id of their event: later events refer to it. */
  const scheduled = new Map<string, string>();
  const steps: OperationEvent[] = [];
  for (const event of events ?? []) {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) {
      const input = (await decode(started.input?.payloads)) as { initial: InitialOperation; admitted: boolean }; // its input
      steps.push({ kind: 'started', initial: input.initial, admitted: input.admitted });
    }
    if (event.workflowExecutionSignaledEventAttributes?.signalName === 'admit') steps.push({ kind: 'admitted' });
    const activity = event.activityTaskScheduledEventAttributes;
    if (activity) {
      scheduled.set(String(event.eventId), activity.activityType?.name ?? '');
      const at = optionalTsToDate(event.eventTime)?.toISOString() ?? '';
      if (activity.activityType?.name === 'dispatch') steps.push({ kind: 'dispatch_scheduled', at });
    }
    const completed = event.activityTaskCompletedEventAttributes;
    const type = scheduled.get(String(completed?.scheduledEventId));
    if (completed && (type === 'dispatch' || type === 'resolveDispatch'))
      steps.push({ kind: 'answered', answer: await decode(completed.result?.payloads) });
  }
  return foldTrace(steps);
}

/** Pure. An answer that is not understood leaves the operation as perhaps sent. */
export function foldTrace(events: readonly OperationEvent[]): OperationTrace {
  const first = events.find((event) => event.kind === 'started');
  if (first === undefined) throw new Error('the history of an operation has no first event');
  let trace = traceOf(first.initial, first.admitted);
  for (const event of events) trace = step(trace, event, first.initial);
  return trace;
}

/**
 * An attempt whose end is not known comes before the new one (design 4), so until the new one is dispatched it is the
 * one to go on with.
 */
function traceOf(initial: InitialOperation, admitted: boolean): OperationTrace {
  const { attempt, started, startedAt, remoteApplyId, remoteOperationId, unsettled } = initial;
  if (unsettled === null) return { admitted, attempt, started, startedAt, remoteApplyId, remoteOperationId };
  const earlier = { attempt: unsettled.attempt, remoteApplyId: unsettled.remoteApplyId, remoteOperationId: null };
  return { admitted, started: true, startedAt, ...earlier };
}

function step(trace: OperationTrace, event: OperationEvent, initial: InitialOperation): OperationTrace {
  switch (event.kind) {
    case 'started':
      return trace;
    case 'admitted':
      return { ...trace, admitted: true };
    case 'dispatch_scheduled': {
      const { attempt, remoteApplyId, remoteOperationId } = initial;
      const sent = { attempt, remoteApplyId, remoteOperationId, admitted: true, started: true };
      return { ...sent, startedAt: trace.startedAt ?? event.at };
    }
    case 'answered': {
      const { remoteApplyId, remoteOperationId } = remoteIds(event.answer);
      return remoteApplyId === null ? trace : { ...trace, remoteApplyId, remoteOperationId };
    }
  }
}

function remoteIds(answer: unknown): Pick<OperationTrace, 'remoteApplyId' | 'remoteOperationId'> {
  const none = { remoteApplyId: null, remoteOperationId: null };
  if (typeof answer !== 'object' || answer === null || !('remoteApplyId' in answer)) return none;
  const { remoteApplyId } = answer;
  if (typeof remoteApplyId !== 'string' || remoteApplyId === '') return none;
  const remoteOperationId = 'remoteOperationId' in answer ? answer.remoteOperationId : null;
  return { remoteApplyId, remoteOperationId: typeof remoteOperationId === 'string' ? remoteOperationId : null };
}
