import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  decodeArrayFromPayloads,
  decodeOptionalFailureToOptionalError,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import type { ApplyInput, InitialOperation } from '../domain/apply.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { ControlMessage, OperationReport } from '../workflows/messages.js';

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
  /** A control, by signal, by accepted update, or by cancelling the workflow, which means stop. */
  | { readonly kind: 'control'; readonly name: string; readonly message: ControlMessage; readonly at: string }
  | { readonly kind: 'report'; readonly report: OperationReport };

type RawEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

/** Reads the whole history of one run. Works with no worker. */
export async function readHistory(
  client: Client,
  run: { readonly apply: string; readonly runId: string },
): Promise<readonly ApplyEvent[]> {
  const { events } = await client.workflow.getHandle(run.apply, run.runId).fetchHistory();
  const decoded = await Promise.all((events ?? []).map((event) => decodeEvent(client, event)));
  return decoded.filter((event) => event !== null);
}

async function decodeEvent(client: Client, event: RawEvent): Promise<ApplyEvent | null> {
  const at = optionalTsToDate(event.eventTime)?.toISOString() ?? '';
  const started = event.workflowExecutionStartedEventAttributes;
  if (started) {
    const [input] = await decodeArray(client, started.input?.payloads);
    return { kind: 'started', input: input as ApplyInput, at }; // the first event of a run of type apply holds its input
  }
  if (event.workflowExecutionCancelRequestedEventAttributes)
    return { kind: 'control', name: 'stop', message: { by: 'cancellation of the workflow' }, at };
  return (await decodeChildEvent(client, event, at)) ?? (await decodeMessage(client, event, at));
}

async function decodeChildEvent(client: Client, event: RawEvent, at: string): Promise<ApplyEvent | null> {
  const initiated = event.startChildWorkflowExecutionInitiatedEventAttributes;
  if (initiated) {
    const [input] = await decodeArray(client, initiated.input?.payloads);
    const { initial, admitted } = input as { initial: InitialOperation; admitted: boolean }; // input of an operation
    return { kind: 'child_initiated', workflowId: initiated.workflowId ?? '', initial, admitted, at };
  }
  const childStarted = event.childWorkflowExecutionStartedEventAttributes;
  if (childStarted) return { kind: 'child_started', ...execution(childStarted.workflowExecution) };
  const completed = event.childWorkflowExecutionCompletedEventAttributes;
  if (completed) {
    const [result] = await decodeArray(client, completed.result?.payloads);
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
    const [argument] = await decodeArray(client, signaled.input?.payloads);
    if (signaled.signalName === 'report') return { kind: 'report', report: argument as OperationReport }; // only operations send it
    return { kind: 'control', name: signaled.signalName ?? '', message: asMessage(argument), at };
  }
  const accepted = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
  if (accepted) {
    const [argument] = await decodeArray(client, accepted.args?.payloads);
    return { kind: 'control', name: accepted.name ?? '', message: asMessage(argument), at };
  }
  return null;
}

type Payloads = Parameters<typeof decodeArrayFromPayloads>[1];

/** What a stranger put into a signal may be anything, also bytes that are no JSON: it is then as if nothing had been said. */
async function decodeArray(client: Client, payloads: Payloads): Promise<readonly unknown[]> {
  try {
    return await decodeArrayFromPayloads(client.options.loadedDataConverter, payloads);
  } catch (error) {
    if (error instanceof Error && error.name === 'ValueError') return [];
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function execution(value: { readonly workflowId?: string | null; readonly runId?: string | null } | null | undefined): {
  readonly workflowId: string;
  readonly runId: string;
} {
  return { workflowId: value?.workflowId ?? '', runId: value?.runId ?? '' };
}

/** A message is an object; anything else that was sent with a control says nothing. */
export function asMessage(value: unknown): ControlMessage {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** The result of an operation, or null for anything else. */
export function asOutcome(value: unknown): OperationOutcome | null {
  const isOutcome = typeof value === 'object' && value !== null && 'deployment' in value && 'confirmed' in value;
  return isOutcome ? (value as OperationOutcome) : null; // the two keys together are in no other message of an operation
}
