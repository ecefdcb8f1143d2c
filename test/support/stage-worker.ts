import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { Timings } from '../../activities/timings.js';
import { SkeinWorker } from '../../worker/worker.js';
import { EngineRouter } from './engine-router.js';

export interface WorkerMode {
  /** Nothing that reaches an engine runs. Default false. */
  readonly workflowsOnly?: boolean;
}

/**
 * The worker of a test file, in this process. One for all its scenes, because starting one costs more than most scenes;
 * a scene that needs it gone or back again stops and starts it.
 */
export class StageWorker {
  readonly engines = new EngineRouter();
  readonly #connection: NativeConnection;
  readonly #client: Client;
  readonly #code: string;
  readonly #timings: Partial<Timings>;
  #running: { readonly worker: SkeinWorker; readonly run: Promise<void>; readonly workflowsOnly: boolean } | null =
    null;

  constructor(params: {
    readonly connection: NativeConnection;
    readonly client: Client;
    readonly code: string;
    readonly timings: Partial<Timings>;
  }) {
    this.#connection = params.connection;
    this.#client = params.client;
    this.#code = params.code;
    this.#timings = params.timings;
  }

  /** Does nothing when such a worker runs already. */
  async start({ workflowsOnly = false }: WorkerMode = {}): Promise<void> {
    if (this.#running?.workflowsOnly === workflowsOnly) return;
    await this.stop();
    const worker = await SkeinWorker.create({
      connection: this.#connection,
      client: this.#client,
      namespace: 'default',
      engines: this.engines,
      queues: workflowsOnly ? [] : ['skein'],
      workflowBundle: { code: this.#code },
      shutdownGraceMs: 0,
      timings: this.#timings,
    });
    this.#running = { worker, run: worker.run(), workflowsOnly };
  }

  async stop(): Promise<void> {
    const stopping = this.#running;
    this.#running = null;
    if (stopping === null) return;
    stopping.worker.shutdown();
    await stopping.run;
  }
}
