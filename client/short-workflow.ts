import { setTimeout as delay } from 'node:timers/promises';
import { type Client, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ServerPlace, SkeinError, noWorker } from './errors.js';
import { randomSuffix } from './random-id.js';

/** How long a workflow that nobody takes up is waited for, when a worker was seen lately. Default 10 s. */
const TAKEN_UP_MAX_MS = 10_000;
/** The same when no worker polls the task queue at all. */
const TAKEN_UP_WITHOUT_WORKER_MS = 1_500;
/** Longest a plan or a read of logs may take: a thousand engines, some of them slow. */
const RUN_MAX_MS = 10 * 60_000;
const POLL_MS = 250;

/** Events of a run that no worker has taken up: started, and its first task scheduled. */
const UNTOUCHED_EVENTS = 2;

export interface ShortWorkflow {
  readonly client: Client;
  readonly place: ServerPlace;
  readonly type: string;
  readonly taskQueue: string;
  /** What it is for, in one line; shown in the UI. */
  readonly summary: string;
  readonly input: unknown;
}

/**
 * Runs a short read-only workflow and returns its result. Rejects with `unavailable`, after ending the run, when no
 * worker takes it up; the message says which worker to start.
 */
export async function runShortWorkflow<Result>(run: ShortWorkflow): Promise<Result> {
  const handle = await run.client.workflow.start(run.type, {
    workflowId: `${run.type}-${randomSuffix()}`,
    taskQueue: run.taskQueue,
    args: [run.input],
    workflowExecutionTimeout: RUN_MAX_MS,
    staticSummary: run.summary,
  });
  const abort = new AbortController();
  try {
    return await Promise.race([
      readResult<Result>(run.client, handle, abort.signal),
      rejectWithoutWorker(run, handle, abort.signal),
    ]);
  } finally {
    abort.abort();
  }
}

async function readResult<Result>(client: Client, handle: WorkflowHandle, signal: AbortSignal): Promise<Result> {
  try {
    const result: unknown = await client.withAbortSignal(signal, () => handle.result());
    return result as Result; // the workflow type decides the shape, and both sides are of one version
  } catch (error) {
    throw error instanceof WorkflowFailedError ? explainFailure(handle.workflowId, error) : error;
  }
}

function explainFailure(workflowId: string, error: WorkflowFailedError): unknown {
  const { cause } = error;
  if (cause instanceof ApplicationFailure && cause.type === 'InvalidSpec')
    return new SkeinError('invalid_spec', cause.message, { cause: error });
  return new SkeinError(
    'unavailable',
    `workflow ${workflowId} ended without an answer: ${cause?.message ?? error.message}; look at it in the Temporal UI, and try again`,
    { cause: error },
  );
}

/** Never resolves. Rejects once it is clear that nobody takes the run up; returns silently when the signal aborts. */
async function rejectWithoutWorker(run: ShortWorkflow, handle: WorkflowHandle, signal: AbortSignal): Promise<never> {
  const since = Date.now();
  while (!signal.aborted) {
    await delay(POLL_MS, undefined, { ref: false });
    const waitedMs = Date.now() - since;
    if (waitedMs < TAKEN_UP_WITHOUT_WORKER_MS) continue;
    const { historyLength } = await handle.describe();
    if (historyLength > UNTOUCHED_EVENTS) break;
    if (waitedMs < TAKEN_UP_MAX_MS && (await hasWorker(run.client, run.taskQueue))) continue;
    await handle.terminate('no worker took it up');
    throw noWorker({ place: run.place, taskQueue: run.taskQueue, consequence: 'nothing was changed' });
  }
  return new Promise<never>(() => {});
}

/** Whether a worker polled for workflows of the task queue within the last minutes. It may have gone since. */
export async function hasWorker(client: Client, taskQueue: string): Promise<boolean> {
  const answer = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
  });
  return answer.pollers.length > 0;
}
