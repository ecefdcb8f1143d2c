import type pg from 'pg';
import type { Logger } from 'pino';
import { databaseText, isConnectionLoss, sqlState } from '../errors.js';
import { findLiveApply, markRetrying } from '../storage/applies.js';
import { readInterrupt } from '../storage/controls.js';
import { writeLog } from '../storage/logs.js';
import { readActivity } from './activity.js';
import type { ExecutionContext } from './context.js';
import { cancelStopped, driveApply } from './drive.js';
import { Fence } from './fence.js';
import { tidyLeftovers } from './take-back.js';
import { backoffMs, Wake, type Backoff } from './wake.js';

/** Requests of this process wake the executor at once; those recorded by another process are seen within this. */
const POLL_INTERVAL_MS = 1_000;
/** Between two tries for a fence that somebody else holds. */
const FENCE_INTERVAL_MS = 250;
/** After a statement of the bookkeeping was cancelled. */
const AFTER_CANCEL_MS = 50;
/** Between two tries to drop what a stopped build left behind. */
const TIDY_BACKOFF: Backoff = { initialMs: 1_000, maxMs: 60_000 };
const RECONNECT_BACKOFF: Backoff = { initialMs: 100, maxMs: 5_000 };

/**
 * Carries out what the request handlers have recorded for one target, one apply after the other, as long as it holds the
 * target's fence. It never gives up: after a lost connection it connects again and goes on from what is recorded.
 */
export class Executor {
  /** To be notified whenever something was recorded. */
  readonly wake = new Wake();
  readonly #target: string;
  readonly #pool: pg.Pool;
  readonly #fence: Fence;
  readonly #logger: Logger;
  readonly #lockPatienceMs: number;
  #sessionPid: number | null = null;
  #tidyTries = 0;
  #tidyNotBefore = 0;
  #ending = false;
  #ended: Promise<void> | null = null;

  constructor(params: {
    readonly target: string;
    readonly dsn: string;
    readonly pool: pg.Pool;
    readonly lockPatienceMs: number;
    readonly logger: Logger;
  }) {
    this.#target = params.target;
    this.#pool = params.pool;
    this.#fence = new Fence(`target ${params.target}`, params.dsn);
    this.#logger = params.logger;
    this.#lockPatienceMs = params.lockPatienceMs;
  }

  /** The server's process that carries out this executor's statements; null while it does not hold the fence. */
  get sessionPid(): number | null {
    return this.#sessionPid;
  }

  begin(): void {
    this.#ended ??= this.#run();
  }

  /**
   * Ends the executor and leaves the work as it is recorded. A statement that is running goes on in the server, keeps the
   * fence until it has ended, and is taken over from there by whoever comes next.
   */
  async end(): Promise<void> {
    this.#ending = true;
    this.#fence.release();
    this.wake.notify();
    await this.#ended;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#ending) {
      try {
        const session = await this.#fence.tryAcquire();
        failures = 0;
        if (session === null) {
          await this.#standBy();
          await this.wake.wait(FENCE_INTERVAL_MS);
        } else {
          this.#sessionPid = session.pid;
          await this.#work({
            target: this.#target,
            session,
            pool: this.#pool,
            wake: this.wake,
            lockPatienceMs: this.#lockPatienceMs,
            logger: this.#logger,
          });
        }
      } catch (error) {
        if (this.#ending) break;
        failures += 1;
        this.#sessionPid = null;
        this.#fence.release();
        await this.#showInterruption(error);
        await this.wake.wait(backoffMs(RECONNECT_BACKOFF, failures));
      }
    }
    this.#fence.release();
  }

  async #work(context: ExecutionContext): Promise<void> {
    while (!this.#ending) {
      try {
        const live = await findLiveApply(context.session.client);
        if (live !== null && (await driveApply(context, live.applyId)) === 'over') continue;
        await cancelStopped(context);
        await this.#tidy(context);
      } catch (error) {
        // A cancel that was meant for the statement before: what is recorded decides what is next.
        if (sqlState(error) !== '57014') throw error;
        await this.wake.wait(AFTER_CANCEL_MS);
        continue;
      }
      await this.wake.wait(POLL_INTERVAL_MS);
    }
  }

  /** Every try may hold writers up for the length of a lock time-out, so tries become rare while they fail. */
  async #tidy(context: ExecutionContext): Promise<void> {
    if (Date.now() < this.#tidyNotBefore) return;
    const left = await tidyLeftovers(context);
    this.#tidyTries = left ? this.#tidyTries + 1 : 0;
    this.#tidyNotBefore = left ? Date.now() + backoffMs(TIDY_BACKOFF, this.#tidyTries) : 0;
  }

  /** Somebody else holds the fence: another engine, or the orphaned statement of one that was killed. */
  async #standBy(): Promise<void> {
    const live = await findLiveApply(this.#pool);
    if (live === null || (await readInterrupt(this.#pool, live.applyId)) === null) return;
    const activity = await readActivity(this.#pool);
    if (activity?.busy === true) await this.#pool.query('SELECT pg_cancel_backend($1)', [activity.pid]);
  }

  async #showInterruption(error: unknown): Promise<void> {
    const message = databaseText(error);
    this.#logger.warn(
      { err: { message, code: sqlState(error) } },
      'the work on this target was interrupted; trying again',
    );
    const lost = isConnectionLoss(error);
    await (async () => {
      const live = await findLiveApply(this.#pool);
      if (live === null) return;
      const text = lost ? `the connection to the database was lost: ${message}` : message;
      if (!(await markRetrying(this.#pool, live.applyId, text))) return;
      await writeLog(this.#pool, live.applyId, {
        level: 'warn',
        event: 'interrupted',
        message: text,
        oldState: live.state,
        newState: 'failed_retryable',
      });
    })().catch(() => undefined);
  }
}
