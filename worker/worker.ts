import type { Client } from '@temporalio/client';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.js';
import { DEFAULT_QUEUE, callsQueue, watchQueue } from '../domain/ids.js';
import { TIMINGS, type Timings } from '../activities/timings.js';
import type { Engines } from '../tern/engine.js';
import { TemporalOperationDirectory } from './operation-directory.js';
import { HistoryPlanSource } from './plan-source.js';

export interface SkeinWorkerOptions {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly engines: Engines;
  /** Queues whose calls and watches it runs. */
  readonly queues: readonly string[];
  /** The workflow bundle, as a file or as code; null for a worker that runs no workflows. */
  readonly workflowBundle: WorkerOptions['workflowBundle'] | null;
  /** How long running calls may go on after a shutdown was asked for, in milliseconds. Default 10,000. */
  readonly shutdownGraceMs?: number;
  /** Default: those of production; tests of what comes after a long wait shorten them. */
  readonly timings?: Partial<Timings>;
}

/** Watches and calls only wait for engines, so a worker can hold many; workflows are bound by memory. */
const ACTIVITY_SLOTS = 2_000;
const WORKFLOW_SLOTS = 120;

/**
 * Workers that are one worker: the workflows, and per queue the calls and the watches, each with slots of its own, so
 * that a Stop never waits behind a watch (design 3, Size).
 */
export class SkeinWorker {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  static async create(options: SkeinWorkerOptions): Promise<SkeinWorker> {
    const { connection, client, namespace, engines } = options;
    const timings = { ...TIMINGS, ...options.timings };
    const activities = createActivities({
      engines,
      plans: new HistoryPlanSource(client),
      operations: new TemporalOperationDirectory(client),
      timings,
    });
    const common = { connection, namespace, shutdownGraceTime: options.shutdownGraceMs ?? 10_000 };
    const activityWorkers = options.queues.flatMap((queue) => [callsQueue(queue), watchQueue(queue)]);
    const creations = activityWorkers.map((taskQueue) =>
      Worker.create({
        ...common,
        taskQueue,
        activities: { ...activities },
        maxConcurrentActivityTaskExecutions: ACTIVITY_SLOTS,
        // The activities pace their own heartbeats by how many there are; see activities/beat.ts.
        maxHeartbeatThrottleInterval: timings.beatMs,
      }),
    );
    if (options.workflowBundle !== null) {
      const workflowBundle = options.workflowBundle === undefined ? {} : { workflowBundle: options.workflowBundle };
      creations.push(
        Worker.create({
          ...common,
          taskQueue: DEFAULT_QUEUE,
          ...workflowBundle,
          maxConcurrentWorkflowTaskExecutions: WORKFLOW_SLOTS,
          // How long a workflow waits for the worker that has it in memory before any other may take it: what a person
          // waits for after a worker has died.
          stickyQueueScheduleToStartTimeout: 3_000,
        }),
      );
    }
    return new SkeinWorker(await Promise.all(creations));
  }

  /** Runs until `shutdown`; rejects when any part fails, after the others were shut down. */
  async run(): Promise<void> {
    const runs = this.#workers.map((worker) => worker.run());
    try {
      await Promise.all(runs);
    } catch (error) {
      this.shutdown();
      await Promise.allSettled(runs);
      throw error;
    }
  }

  /** Takes no more work; what is going on is handed back within the grace time and goes on elsewhere. */
  shutdown(): void {
    for (const worker of this.#workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  }
}
