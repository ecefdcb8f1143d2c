import {
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionStatusName,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { ApplyInput, ApplyResult, HeldTarget } from '../domain/apply.js';
import { NAME_PATTERN, NAME_RULE } from '../domain/ids.js';
import { APPLY_WORKFLOW, MEMO_SPEC_DIGEST } from '../workflows/messages.js';
import { SkeinError } from './errors.js';

/** One run of an apply, as the server describes it. */
export interface ApplyRun {
  readonly apply: string;
  readonly runId: string;
  readonly open: boolean;
  readonly status: WorkflowExecutionStatusName;
  /** Null for a workflow that some other client started. */
  readonly specDigest: string | null;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly description: WorkflowExecutionDescription;
}

/** How a run closed. `interrupted`: without a result, because it was terminated, timed out or failed by a defect. */
export type RunEnd =
  | { readonly kind: 'result'; readonly result: ApplyResult; readonly held: readonly HeldTarget[] }
  | { readonly kind: 'interrupted'; readonly how: string; readonly message: string };

/** Describes the newest run of an apply. Rejects with `unknown_apply` when there is none, or it is something else. */
export async function describeRun(client: Client, apply: string): Promise<ApplyRun> {
  if (!NAME_PATTERN.test(apply))
    throw new SkeinError('unknown_apply', `"${apply}" is no apply id; an apply id has ${NAME_RULE}`);
  const description = await client.workflow.getHandle(apply).describe();
  if (description.type !== APPLY_WORKFLOW)
    throw new SkeinError('unknown_apply', `workflow ${apply} is no apply, it is of type ${description.type}`);
  const digest = description.memo?.[MEMO_SPEC_DIGEST];
  return {
    apply,
    runId: description.runId,
    open: description.status.name === 'RUNNING' || description.status.name === 'PAUSED',
    status: description.status.name,
    specDigest: typeof digest === 'string' ? digest : null,
    startedAt: description.startTime.toISOString(),
    closedAt: description.closeTime?.toISOString() ?? null,
    description,
  };
}

/** What a run was started with: the argument in the first event of its history. */
export async function readInput(client: Client, run: Pick<ApplyRun, 'apply' | 'runId'>): Promise<ApplyInput> {
  const answer = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId: run.apply, runId: run.runId },
    maximumPageSize: 1,
  });
  const payloads = answer.history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  const input: unknown = await decodeFromPayloadsAtIndex(client.options.loadedDataConverter, 0, payloads);
  if (!isApplyInput(input))
    throw new SkeinError('unknown_apply', `workflow ${run.apply} is no apply of this product: its input holds no spec`);
  return input;
}

/** How a closed run ended. Waits for the end of an open one. */
export async function readEnd(client: Client, run: Pick<ApplyRun, 'apply' | 'runId'>): Promise<RunEnd> {
  const handle = client.workflow.getHandle(run.apply, run.runId, { followRuns: false });
  return await readEndOf(handle);
}

async function readEndOf(handle: WorkflowHandle): Promise<RunEnd> {
  try {
    const result: unknown = await handle.result();
    if (isApplyResult(result)) return { kind: 'result', result, held: [] };
    return { kind: 'interrupted', how: 'no_result', message: 'it completed without a result' };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return endOfFailure(error);
  }
}

function endOfFailure(error: WorkflowFailedError): RunEnd {
  const { cause } = error;
  const message = cause?.message ?? error.message;
  if (cause instanceof ApplicationFailure) {
    const [first, second]: readonly unknown[] = cause.details ?? [];
    if (cause.type === 'ApplyFailed' && isApplyResult(first)) return { kind: 'result', result: first, held: [] };
    if (cause.type === 'TargetHeld' && Array.isArray(first) && isApplyResult(second))
      return { kind: 'result', result: second, held: first as HeldTarget[] }; // the failure type decides the shape
    return { kind: 'interrupted', how: cause.type ?? 'failed', message };
  }
  return { kind: 'interrupted', how: INTERRUPTED_BY[cause?.name ?? ''] ?? 'failed', message };
}

const INTERRUPTED_BY: Readonly<Record<string, string>> = {
  TerminatedFailure: 'terminated',
  TimeoutFailure: 'timed_out',
  CancelledFailure: 'cancelled',
};

/** A workflow of our type that somebody else started may hold anything. */
export function isApplyInput(value: unknown): value is ApplyInput {
  return typeof value === 'object' && value !== null && 'spec' in value && 'plan' in value && 'specDigest' in value;
}

function isApplyResult(value: unknown): value is ApplyResult {
  return typeof value === 'object' && value !== null && 'operations' in value && 'state' in value && 'apply' in value;
}
