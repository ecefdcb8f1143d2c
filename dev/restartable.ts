import { type ProcessExit, type ProcessOptions, type RunningProcess, startProcess, untilReady } from './process.js';

/** How a process of a stack is started, and how one can tell that it is ready. */
export interface RestartableOptions extends ProcessOptions {
  /** Resolves to true when it is ready, to null (or rejects) when not yet. */
  readonly probe: (running: RunningProcess) => Promise<true | null>;
  /** In messages: `the engine to answer Health`. */
  readonly waitingFor: string;
  /** Milliseconds from start to ready. Default 60,000. */
  readonly startDeadlineMs?: number;
}

const START_DEADLINE_MS = 60_000;

/** A process that can be killed and started again at the same address, by a test or by a person who wants to see it. */
export class Restartable {
  readonly #options: RestartableOptions;
  #running: RunningProcess | null = null;

  constructor(options: RestartableOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get logFile(): string {
    return this.#options.logFile;
  }

  /** The process while it runs, else null. */
  get running(): RunningProcess | null {
    return this.#running !== null && this.#running.exit() === null ? this.#running : null;
  }

  /** Starts it unless it runs; resolves when it is ready. One that does not get ready is ended again. */
  async start(): Promise<RunningProcess> {
    if (this.running !== null) return this.running;
    const running = await startProcess(this.#options);
    this.#running = running;
    try {
      await untilReady(running, () => this.#options.probe(running), {
        deadlineMs: this.#options.startDeadlineMs ?? START_DEADLINE_MS,
        waitingFor: this.#options.waitingFor,
      });
      return running;
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  /** Ends it at once, as a crash would (kill -9); resolves when it is gone. Throws when it did not run. */
  async crash(): Promise<ProcessExit> {
    const running = this.running;
    if (running === null) throw new Error(`${this.name} is not running, so it cannot crash`);
    running.kill('SIGKILL');
    return await running.stop();
  }

  /** Asks it to end and waits for that; nothing when it does not run. */
  async stop(): Promise<void> {
    await this.running?.stop();
  }
}
