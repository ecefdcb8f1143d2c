import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';
import { DEFAULT_QUEUE, callsQueue, watchQueue } from '../domain/ids.js';

/** Timeouts and retries per class of call, each with its reason. Nothing else in the workflows sets any. */

/** An engine may be away for weeks and a schema change may run for months; only heartbeats tell a dead worker. */
const UNBOUNDED_MS = 365 * 86_400_000;

/** A worker that has not been heard of for this long is taken for dead and its activity given to another (design 4.4). */
const HEARTBEAT_TIMEOUT_MS = 10_000;

/** Attempts are not limited: every end is decided by an answer, never by a count. The first repeat comes soon, because after a worker's death it is the wait of a person. */
const RETRY = { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 30_000 } as const;

/** Dispatch and controls: they wait for an engine as long as it takes, and a stop waits until they have told what they did. */
export function callOptions(queue: string): ActivityOptions {
  return {
    taskQueue: callsQueue(queue),
    startToCloseTimeout: UNBOUNDED_MS,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    retry: RETRY,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  };
}

/** A control is only cancelled once its purpose is served, so nobody waits for it. */
export function controlOptions(queue: string): ActivityOptions {
  return { ...callOptions(queue), cancellationType: ActivityCancellationType.TRY_CANCEL, priority: { priorityKey: 1 } };
}

/** Watches have a queue of their own, so that a Stop never waits behind them (design 3, Size). */
export function watchOptions(queue: string): ActivityOptions {
  return { ...callOptions(queue), taskQueue: watchQueue(queue), cancellationType: ActivityCancellationType.TRY_CANCEL };
}

/** Questions about workflows, answered by any worker of the default queue. */
export function directoryOptions(): ActivityOptions {
  return callOptions(DEFAULT_QUEUE);
}

/** Plans and logs: a person waits for them, so they end with what there is. A plan may load a large schema. */
export function askOptions(queue: string): ActivityOptions {
  return {
    taskQueue: callsQueue(queue),
    startToCloseTimeout: 5 * 60_000,
    scheduleToCloseTimeout: 10 * 60_000,
    retry: { ...RETRY, maximumAttempts: 3 },
  };
}
