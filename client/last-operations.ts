import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { ApplyResult, ApplyView, OperationView } from '../domain/apply.js';
import { deriveApplyState } from '../domain/derive.js';
import type { OperationOutcome } from '../domain/operation.js';
import { earliest } from '../domain/time.js';
import { failureMessage } from '../domain/status.js';
import { facts } from '../domain/carry.js';
import { waveIndexes } from '../domain/spec.js';
import { waveFacts } from '../domain/wave.js';
import { MEMO_APPLY } from '../workflows/messages.js';
import { mapConcurrently } from './concurrency.js';
import { readOutcome } from './describe-operations.js';
import { type OperationTrace, readTrace } from './operation-history.js';

/** An operation of a run that closed without a result: the view of it, and what its own history says. */
export interface LastOperation {
  readonly view: OperationView;
  readonly trace: OperationTrace | null;
}

/**
 * Finds the last run of every operation that had not ended as far as its parent knew, by its workflow id, and only if
 * its memo says that it belongs to this apply: a target's id is used again by other applies (design 3).
 */
export async function findLastOperations(client: Client, view: ApplyView): Promise<readonly LastOperation[]> {
  return await mapConcurrently(view.operations, async (operation): Promise<LastOperation> => {
    if (operation.outcome !== null) return { view: operation, trace: null };
    const runId = await lastRunOf(client, operation.workflowId, view.apply);
    if (runId === null) return { view: operation, trace: null };
    const trace = await readTrace(client, { workflowId: operation.workflowId, runId });
    const { attempt, started, startedAt, remoteApplyId } = trace;
    const stage = operation.stage === 'pending' && trace.admitted ? 'admitted' : operation.stage;
    return { view: { ...operation, runId, stage, attempt, started, startedAt, remoteApplyId }, trace };
  });
}

/**
 * The result that a run without one would have had if it had been stopped: what has ended as it ended, everything else
 * stopped, with its remote apply and attempt, so that the next run goes on exactly there.
 */
export async function resultOfLastOperations(
  client: Client,
  view: ApplyView,
  operations: readonly LastOperation[],
): Promise<ApplyResult> {
  const outcomes = await mapConcurrently(operations, async ({ view: operation, trace }) => {
    if (operation.outcome !== null) return operation.outcome;
    return (await closedOutcome(client, operation)) ?? assumeStopped(operation, trace);
  });
  const indexes = waveIndexes(view.policy);
  const situation = {
    policy: view.policy,
    operations: outcomes.map((outcome) => facts(outcome, indexes.get(outcome.deployment) ?? 0)),
    waves: waveFacts(view.waves, view.policy, Date.now()),
    controls: { stop: view.stop, cancel: view.cancel, release: view.released },
  };
  return {
    apply: view.apply,
    state: deriveApplyState(situation),
    message: failureMessage(outcomes),
    operations: outcomes,
    waves: view.waves,
    controls: view.controls,
    released: view.released,
    startedAt: earliest(outcomes.map(({ startedAt }) => startedAt)),
    completedAt: null,
  };
}

/** The outcome of an operation that has closed; null while it runs (the next run picks it up), or when it left none. */
async function closedOutcome(client: Client, operation: OperationView): Promise<OperationOutcome | null> {
  if (operation.runId === null) return null;
  const run = { workflowId: operation.workflowId, runId: operation.runId };
  const description = await client.workflow.getHandle(run.workflowId, run.runId).describe();
  return description.status.name === 'RUNNING' || description.status.name === 'PAUSED'
    ? null
    : await readOutcome(client, run);
}

/** Not confirmed where an Apply may have been sent: the engine may be at it, so nothing is taken for at rest. */
export function assumeStopped(operation: OperationView, trace: OperationTrace | null): OperationOutcome {
  const remoteApplyId = trace?.remoteApplyId ?? operation.remoteApplyId;
  const started = trace?.started ?? operation.started;
  return {
    deployment: operation.deployment,
    target: operation.target,
    state: 'stopped',
    reason: 'operator',
    started,
    confirmed: !started,
    skipped: false,
    attempt: trace?.attempt ?? operation.attempt,
    remoteApplyId,
    remoteOperationId: trace?.remoteOperationId ?? null,
    dispatch: remoteApplyId !== null ? 'confirmed' : started ? 'unconfirmed' : 'none',
    resolvedBy: null,
    message: '',
    drift: [],
    changeInPlace: false,
    progress: null,
    startedAt: trace?.startedAt ?? operation.startedAt,
    completedAt: null,
  };
}

async function lastRunOf(client: Client, workflowId: string, apply: string): Promise<string | null> {
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    return description.memo?.[MEMO_APPLY] === apply ? description.runId : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
