import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import type { ApplyInput, InitialOperation } from '../domain/apply.js';
import type { OperationOutcome } from '../domain/operation.js';
import { isRecord } from '../domain/parse-value.js';
import { SIGNALLED } from '../workflows/messages.js';
import { decodePayloads } from './decode.js';
import { SkeinError } from './errors.js';
import { isApplyInput } from './run.js';

/** What the history of an apply says, as far as its status depends on it; in order. */
export type ApplyEvent =
  | { readonly kind: 'started'; readonly input: ApplyInput; readonly at: string }
  | {
      readonly kind: 'child_initiated';
      readonly workflowId: string;
      readonly initial: InitialOperation;
      readonly admitted: boolean;
      readonly at: string;
    }
  | { readonly kind: 'child_started'; readonly workflowId: string; readonly runId: string }
  /** `outcome` is null for a child that was terminated or closed by a defect. */
  | { readonly kind: 'child_closed'; readonly workflowId: string; readonly outcome: OperationOutcome | null }
  | { readonly kind: 'signal_sent'; readonly workflowId: string; readonly name: string; readonly at: string }
  /** A control, by signal, by accepted update, or by cancelling the workflow, which means stop. `message`: as it was sent. */
  | { readonly kind: 'control'; readonly name: string; readonly message: unknown; readonly at: string }
  /** `report`: as it was sent, by an operation or by anybody else. */
  | { readonly kind: 'report'; readonly report: unknown };

type RawEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

/**
 * Reads the whole history of one run. Works with no worker. Rejects with `unknown_apply` for a workflow that somebody
 * started without the input of an apply.
 */
export async function readHistory(
  client: Client,
  run: { readonly apply: string; readonly runId: string },
): Promise<readonly ApplyEvent[]> {
  const { events } = await client.workflow.getHandle(run.apply, run.runId).fetchHistory();
  const decoded = await Promise.all((events ?? []).map((event) => decodeEvent(client, event)));
  const known = decoded.filter((event) => event !== null);
  if (known.some((event) => event.kind === 'started' && !isApplyInput(event.input)))
    throw new SkeinError('unknown_apply', `workflow ${run.apply} is no apply of this product: its input holds no spec`);
  return known;
}

async function decodeEvent(client: Client, event: RawEvent): Promise<ApplyEvent | null> {
  const at = optionalTsToDate(event.eventTime)?.toISOString() ?? '';
  const started = event.workflowExecutionStartedEventAttributes;
  if (started) {
    const [input] = await decodePayloads(client, started.input?.payloads);
    return { kind: 'started', input: input as ApplyInput, at }; // checked once all events are there
  }
  if (event.workflowExecutionCancelRequestedEventAttributes)
    return { kind: 'control', name: 'stop', message: { by: 'cancellation of the workflow' }, at };
  return (await decodeChildEvent(client, event, at)) ?? (await decodeMessage(client, event, at));
}

async function decodeChildEvent(client: Client, event: RawEvent, at: string): Promise<ApplyEvent | null> {
  const initiated = event.startChildWorkflowExecutionInitiatedEventAttributes;
  if (initiated) {
    const [input] = await decodePayloads(client, initiated.input?.payloads);
    if (!isRecord(input) || !isRecord(input['initial'])) return null;
    const { initial, admitted } = input as { initial: InitialOperation; admitted: boolean }; // input of an operation
    return { kind: 'child_initiated', workflowId: initiated.workflowId ?? '', initial, admitted, at };
  }
  const childStarted = event.childWorkflowExecutionStartedEventAttributes;
  if (childStarted) return { kind: 'child_started', ...execution(childStarted.workflowExecution) };
  const completed = event.childWorkflowExecutionCompletedEventAttributes;
  if (completed) {
    const [result] = await decodePayloads(client, completed.result?.payloads);
    return { kind: 'child_closed', ...execution(completed.workflowExecution), outcome: asOutcome(result) };
  }
  const failed = event.childWorkflowExecutionFailedEventAttributes;
  if (failed) {
    const error = await decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, failed.failure);
    const detail: unknown = error instanceof ApplicationFailure ? error.details?.[0] : undefined;
    return { kind: 'child_closed', ...execution(failed.workflowExecution), outcome: asOutcome(detail) };
  }
  const lost =
    event.childWorkflowExecutionTerminatedEventAttributes ??
    event.childWorkflowExecutionTimedOutEventAttributes ??
    event.childWorkflowExecutionCanceledEventAttributes;
  return lost ? { kind: 'child_closed', ...execution(lost.workflowExecution), outcome: null } : null;
}

async function decodeMessage(client: Client, event: RawEvent, at: string): Promise<ApplyEvent | null> {
  const sent = event.signalExternalWorkflowExecutionInitiatedEventAttributes;
  if (sent)
    return {
      kind: 'signal_sent',
      workflowId: execution(sent.workflowExecution).workflowId,
      name: sent.signalName ?? '',
      at,
    };
  const signaled = event.workflowExecutionSignaledEventAttributes;
  if (signaled) {
    const [argument] = await decodePayloads(client, signaled.input?.payloads);
    if (signaled.signalName === 'report') return { kind: 'report', report: argument };
    // No other signal has a handler: it is in the history and nobody has taken it.
    const name = SIGNALLED.find((known) => known === signaled.signalName);
    return name === undefined ? null : { kind: 'control', name, message: argument, at };
  }
  const accepted = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
  if (accepted) {
    const [argument] = await decodePayloads(client, accepted.args?.payloads);
    return { kind: 'control', name: accepted.name ?? '', message: argument, at };
  }
  return null;
}

function execution(value: { readonly workflowId?: string | null; readonly runId?: string | null } | null | undefined): {
  readonly workflowId: string;
  readonly runId: string;
} {
  return { workflowId: value?.workflowId ?? '', runId: value?.runId ?? '' };
}

/** The result of an operation, or null for anything else. */
export function asOutcome(value: unknown): OperationOutcome | null {
  const isOutcome = typeof value === 'object' && value !== null && 'deployment' in value && 'confirmed' in value;
  return isOutcome ? (value as OperationOutcome) : null; // the two keys together are in no other message of an operation
}
