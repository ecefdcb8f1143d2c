import type { Client } from '@temporalio/client';
import type { ApplyView } from '../domain/apply.js';
import { hasEnded } from '../domain/state.js';
import { type ApplyStatus, joinStatus, statusOfResult } from '../domain/status.js';
import { statusQuery } from '../workflows/messages.js';
import { describeOperations } from './describe-operations.js';
import { isUnanswered } from './errors.js';
import { readHistory } from './history.js';
import { type LastOperation, findLastOperations } from './last-operations.js';
import { resumableUntil } from './retention.js';
import { type ApplyRun, type RunEnd, describeRun, readEnd, readInput } from './run.js';
import { viewFromHistory } from './view-from-history.js';

/** How long a worker has to answer before the status is told from history alone. */
export const QUERY_TIMEOUT_MS = 4_000;

export interface StatusOptions {
  /** How long a worker has to answer, in milliseconds; 0 does not ask. Default 4,000. */
  readonly queryTimeoutMs?: number;
}

/**
 * Where an apply stands: the parent's answer joined with what describing its operations says. With no worker it is told
 * from the parent's history, and says `detail: coarse`. A closed run is told from its result; one that closed without a
 * result is derived from its operations and says how it was `interrupted` (design 3, status).
 */
export async function readStatus(client: Client, apply: string, options: StatusOptions = {}): Promise<ApplyStatus> {
  const run = await describeRun(client, apply);
  return run.open ? await statusOfOpenRun(client, run, options) : await statusOfClosedRun(client, run);
}

async function statusOfOpenRun(client: Client, run: ApplyRun, options: StatusOptions): Promise<ApplyStatus> {
  const answer = await askView(client, run, options.queryTimeoutMs ?? QUERY_TIMEOUT_MS);
  const known = answer ?? viewFromHistory(run.apply, await readHistory(client, run));
  const { view, described } = await describeOperations(client, known);
  if (view.operations.every((operation) => operation.outcome !== null && hasEnded(operation.outcome.state))) {
    // About to close, or closed meanwhile: its own word is better than ours, and comes at once if a worker is there.
    const now = answer === null ? run : await closedSoon(client, run);
    if (!now.open) return await statusOfClosedRun(client, now);
  }
  return joinStatus({ view, described, detail: answer === null ? 'coarse' : 'full', nowMs: Date.now() });
}

/** The workflow's own view, or null when no worker answers in time. Zero does not ask. */
async function askView(client: Client, run: ApplyRun, timeoutMs: number): Promise<ApplyView | null> {
  if (timeoutMs === 0) return null;
  const handle = client.workflow.getHandle(run.apply, run.runId);
  try {
    return await client.withDeadline(Date.now() + timeoutMs, () => handle.query(statusQuery));
  } catch (error) {
    if (isUnanswered(error)) return null;
    throw error;
  }
}

/** Longest wait for a run whose operations have all ended. */
const CLOSE_MAX_MS = 2_000;

async function closedSoon(client: Client, run: ApplyRun): Promise<ApplyRun> {
  try {
    await client.withDeadline(Date.now() + CLOSE_MAX_MS, () => readEnd(client, run));
  } catch (error) {
    if (!isUnanswered(error)) throw error;
  }
  return await describeRun(client, run.apply);
}

async function statusOfClosedRun(client: Client, run: ApplyRun): Promise<ApplyStatus> {
  const [end, until] = await Promise.all([readEnd(client, run), resumableUntil(client, run.closedAt)]);
  if (end.kind === 'interrupted') return await statusOfInterruptedRun(client, run, end, until);
  const { spec, allowDrift } = await readInput(client, run);
  return statusOfResult({ result: end.result, spec, allowDrift, resumableUntil: until });
}

async function statusOfInterruptedRun(
  client: Client,
  run: ApplyRun,
  end: Extract<RunEnd, { kind: 'interrupted' }>,
  until: string | null,
): Promise<ApplyStatus> {
  const { view, operations } = await readInterruptedRun(client, run);
  const known = { ...view, operations: operations.map((operation) => operation.view) };
  const joined = await describeOperations(client, known);
  const message = `interrupted (${end.how.replaceAll('_', ' ')}): ${end.message}`;
  return {
    ...joinStatus({ ...joined, detail: 'full', nowMs: Date.now() }),
    message,
    interrupted: end.how,
    waitingFor: null,
    resumableUntil: until,
  };
}

/** What a run that closed without a result left behind: its history, and the last runs of its operations. */
export async function readInterruptedRun(
  client: Client,
  run: Pick<ApplyRun, 'apply' | 'runId'>,
): Promise<{ readonly view: ApplyView; readonly operations: readonly LastOperation[] }> {
  const view = viewFromHistory(run.apply, await readHistory(client, run));
  return { view, operations: await findLastOperations(client, view) };
}
