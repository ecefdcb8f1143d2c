import { setTimeout as delay } from 'node:timers/promises';
import { type Client, WorkflowFailedError, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { callsQueue } from '../domain/ids.js';
import { type ServerPlace, SkeinError, noWorker } from './errors.js';
import { randomSuffix } from './random-id.js';

/** How long a workflow that nobody takes up is waited for, when a worker was seen lately. Default 10 s. */
const TAKEN_UP_MAX_MS = 10_000;
/** The same when no worker polls the task queue at all. */
const TAKEN_UP_WITHOUT_WORKER_MS = 1_500;
/** Longest a plan or a read of logs may take: a thousand engines, some of them slow. */
const RUN_MAX_MS = 10 * 60_000;
const POLL_MS = 500;

/** Events of a run that no worker has taken up: started, and its first task scheduled. */
const UNTOUCHED_EVENTS = 2;

export interface ShortWorkflow {
  readonly client: Client;
  readonly place: ServerPlace;
  readonly type: string;
  readonly taskQueue: string;
  /** Queues (`DeploymentSpec.queue`) whose workers it needs, because they reach the engines. */
  readonly callsQueues: readonly string[];
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
  } catch (error) {
    abort.abort();
    // Nobody waits for it any more. Ended only now, so that its end does not hide the reason.
    if (error instanceof SkeinError && error.kind === 'unavailable') await end(handle, error.message);
    throw error;
  } finally {
    abort.abort();
  }
}

/** Already ended is as good. */
async function end(handle: WorkflowHandle, reason: string): Promise<void> {
  try {
    await handle.terminate(reason);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
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

/** Never resolves. Rejects once it is clear that nobody takes up the run, or one of its calls; silent once aborted. */
async function rejectWithoutWorker(run: ShortWorkflow, handle: WorkflowHandle, signal: AbortSignal): Promise<never> {
  const since = Date.now();
  while (!signal.aborted) {
    await delay(POLL_MS, undefined, { ref: false });
    const waitedMs = Date.now() - since;
    if (waitedMs < TAKEN_UP_WITHOUT_WORKER_MS || signal.aborted) continue;
    const missing = await findMissingQueue(run, handle, waitedMs);
    if (missing === null) continue;
    throw noWorker({ place: run.place, taskQueue: missing, consequence: 'nothing was changed' });
  }
  return new Promise<never>(() => {});
}

/** The task queue that keeps the run from going on because nobody polls it; null while there is hope. */
async function findMissingQueue(run: ShortWorkflow, handle: WorkflowHandle, waitedMs: number): Promise<string | null> {
  const { historyLength } = await handle.describe();
  if (historyLength <= UNTOUCHED_EVENTS)
    return waitedMs > TAKEN_UP_MAX_MS || !(await hasWorker(run.client, run.taskQueue, 'workflows'))
      ? run.taskQueue
      : null;
  for (const queue of new Set(run.callsQueues.map(callsQueue)))
    if (!(await hasWorker(run.client, queue, 'calls'))) return queue;
  return null;
}

/** Whether a worker polled the task queue within the last minutes. It may have gone since. */
async function hasWorker(client: Client, taskQueue: string, kind: keyof typeof TASK_QUEUE_TYPE): Promise<boolean> {
  const answer = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: TASK_QUEUE_TYPE[kind],
  });
  return answer.pollers.length > 0;
}

type TaskQueueType = NonNullable<Parameters<Client['workflowService']['describeTaskQueue']>[0]['taskQueueType']>;

/** Numbers of `temporal.api.enums.v1.TaskQueueType`, whose package is no dependency of this one. */
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment
const TASK_QUEUE_TYPE = { workflows: 1 as TaskQueueType, calls: 2 as TaskQueueType } as const;
