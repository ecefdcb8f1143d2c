import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { ApplySpec } from '../domain/spec.js';
import type { ApplyState } from '../domain/state.js';
import { type ApplyStatus, joinStatus } from '../domain/status.js';
import { APPLY_WORKFLOW, MEMO_APPLY, statusQuery } from '../workflows/messages.js';
import { mapConcurrently } from './concurrency.js';
import { isUnanswered } from './errors.js';
import { type ApplyRun, readEnd, readInput } from './run.js';

export interface ListOptions {
  /** Most applies, the newest ones. 1 to 1,000. Default 20. */
  readonly limit?: number;
  /** Only those that are still going on. Default false. */
  readonly running?: boolean;
}

/** One apply, by its newest run. */
export interface ListedApply {
  readonly apply: string;
  /** Null when it is running and no worker answers. */
  readonly state: ApplyState | null;
  readonly interrupted: string | null;
  readonly database: string;
  readonly environment: string;
  readonly deployments: number;
  readonly counts: ApplyStatus['counts'];
  readonly message: string;
  /** Start of its newest run, ISO 8601. */
  readonly runStartedAt: string;
  readonly runClosedAt: string | null;
}

/** How long one running apply has to answer; the others are asked at the same time. */
const ANSWER_MAX_MS = 2_000;

/** The newest applies first, each once. What is listed may lag a second behind, because the server indexes it later. */
export async function listApplies(client: Client, options: ListOptions = {}): Promise<readonly ListedApply[]> {
  const { limit = 20, running = false } = options;
  const condition = running ? ` AND ExecutionStatus = 'Running'` : '';
  const newest = new Map<string, WorkflowExecutionInfo>();
  for await (const run of client.workflow.list({ query: `WorkflowType = '${APPLY_WORKFLOW}'${condition}` })) {
    // Another product in the same namespace may have a workflow type of this name.
    if (run.memo?.[MEMO_APPLY] !== run.workflowId) continue;
    const known = newest.get(run.workflowId);
    if (known === undefined && newest.size >= limit) break;
    if (known === undefined || known.startTime < run.startTime) newest.set(run.workflowId, run);
  }
  return await mapConcurrently([...newest.values()], (run) => readListed(client, run));
}

async function readListed(client: Client, info: WorkflowExecutionInfo): Promise<ListedApply> {
  const run = { apply: info.workflowId, runId: info.runId };
  const { spec } = await readInput(client, run);
  const known = describe(info, spec);
  if (info.status.name === 'RUNNING' || info.status.name === 'PAUSED')
    return { ...known, ...(await readRunning(client, run)) };
  const end = await readEnd(client, run);
  if (end.kind === 'interrupted') return { ...known, interrupted: end.how, message: end.message };
  const counts: Partial<Record<string, number>> = {};
  for (const { state } of end.result.operations) counts[state] = (counts[state] ?? 0) + 1;
  return { ...known, state: end.result.state, counts, message: end.result.message };
}

/** The parent's own view is enough for a list; nobody's engine is asked. */
async function readRunning(
  client: Client,
  run: Pick<ApplyRun, 'apply' | 'runId'>,
): Promise<Pick<ListedApply, 'state' | 'counts' | 'message'>> {
  try {
    const view = await client.withDeadline(Date.now() + ANSWER_MAX_MS, () =>
      client.workflow.getHandle(run.apply, run.runId).query(statusQuery),
    );
    const { state, counts, message } = joinStatus({ view, described: {}, detail: 'coarse', nowMs: Date.now() });
    return { state, counts, message };
  } catch (error) {
    if (!isUnanswered(error)) throw error;
    return { state: null, counts: {}, message: 'no worker answers' };
  }
}

function describe(info: WorkflowExecutionInfo, spec: ApplySpec): ListedApply {
  return {
    apply: info.workflowId,
    state: null,
    interrupted: null,
    database: spec.database,
    environment: spec.environment,
    deployments: spec.deployments.length,
    counts: {},
    message: '',
    runStartedAt: info.startTime.toISOString(),
    runClosedAt: info.closeTime?.toISOString() ?? null,
  };
}
