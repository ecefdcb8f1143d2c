import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { ApplyInput } from '../domain/apply.js';
import { DEFAULT_QUEUE } from '../domain/ids.js';
import type { SchemaFiles } from '../domain/plan.js';
import type { ApplySpec } from '../domain/spec.js';
import { APPLY_WORKFLOW, MEMO_APPLY, MEMO_SPEC_DIGEST } from '../workflows/messages.js';
import { specDigest } from './digest.js';
import { SkeinError } from './errors.js';
import { randomSuffix } from './random-id.js';
import { type ApplyRun, describeRun, readInput } from './run.js';
import { describeDifference } from './spec-difference.js';

/** An apply that is there now, and whether it was there before. */
export interface StartedApply {
  readonly apply: string;
  readonly runId: string;
  /** It existed with the same spec; nothing was started. It may have ended long ago. */
  readonly attached: boolean;
}

/**
 * Starts an apply, or attaches to the one of the same id and spec, running or closed (design 3, Ids and runs). Another
 * spec under the same id is a `conflict` that shows the difference.
 */
export async function startApply(client: Client, apply: string, input: ApplyInput): Promise<StartedApply> {
  const request = randomSuffix();
  await startUnlessThere(client, apply, input, request);
  // The SDK does not say whether it started a run or attached to one, so the memo of what is there is read back.
  const run = await describeRun(client, apply);
  if (run.specDigest !== input.specDigest)
    throw await conflict(client, run, { spec: input.spec, schemaFiles: input.plan.schemaFiles });
  return { apply, runId: run.runId, attached: run.description.memo?.[MEMO_REQUEST] !== request };
}

/** The apply of this id if there is one with the same spec; null when the id is free. Another spec is a `conflict`. */
export async function findApply(
  client: Client,
  apply: string,
  asked: { readonly spec: ApplySpec; readonly schemaFiles: SchemaFiles },
): Promise<StartedApply | null> {
  const run = await describeRunIfAny(client, apply);
  if (run === null) return null;
  if (run.specDigest !== specDigest(asked.spec, asked.schemaFiles)) throw await conflict(client, run, asked);
  return { apply, runId: run.runId, attached: true };
}

/** Starts the next run of a closed apply. Rejects with `refused` when somebody else was faster. */
export async function startNextRun(client: Client, apply: string, input: ApplyInput): Promise<string> {
  try {
    const handle = await client.workflow.start(APPLY_WORKFLOW, {
      ...startOptions(apply, input, randomSuffix()),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
    });
    return handle.firstExecutionRunId;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new SkeinError('refused', `apply ${apply} is running already: somebody else went on with it just now`, {
      cause: error,
    });
  }
}

async function startUnlessThere(client: Client, apply: string, input: ApplyInput, request: string): Promise<void> {
  try {
    await client.workflow.start(APPLY_WORKFLOW, {
      ...startOptions(apply, input, request),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
  } catch (error) {
    // A closed run of this id: attached to like a running one, if its spec is the same.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Memo key of the request that started a run: how a client knows its own. */
const MEMO_REQUEST = 'request';

function startOptions(apply: string, input: ApplyInput, request: string) {
  const count = input.spec.deployments.length;
  return {
    workflowId: apply,
    taskQueue: DEFAULT_QUEUE,
    args: [input] as [ApplyInput],
    memo: { [MEMO_APPLY]: apply, [MEMO_SPEC_DIGEST]: input.specDigest, [MEMO_REQUEST]: request },
    staticSummary: `${input.spec.database}, ${input.spec.environment}: ${count} deployment${count === 1 ? '' : 's'}`,
    staticDetails: `Started by ${input.caller}. Spec digest ${input.specDigest}.${input.allowDrift ? ' The plans differ, which was allowed.' : ''}`,
  };
}

async function describeRunIfAny(client: Client, apply: string): Promise<ApplyRun | null> {
  try {
    return await describeRun(client, apply);
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return null;
    throw error;
  }
}

async function conflict(
  client: Client,
  run: ApplyRun,
  asked: { readonly spec: ApplySpec; readonly schemaFiles: SchemaFiles },
): Promise<SkeinError> {
  const input = await readInput(client, run);
  return new SkeinError(
    'conflict',
    `apply ${run.apply} exists with another spec (started ${run.startedAt}, ${run.open ? 'running' : 'ended'}); nothing was started. Take another --id for a new apply`,
    { problems: describeDifference(input, asked) },
  );
}
