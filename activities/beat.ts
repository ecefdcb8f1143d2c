import { Context } from '@temporalio/activity';
import { EngineFailure } from '../tern/engine.js';
import { lookAgain } from './failure.js';
import type { Timings } from './timings.js';

/** Heartbeats that all activities of one worker send together in a second; above it each one beats less often (design 4.4). */
const BEATS_PER_SECOND = 50;

/** The first beat waits this long: most calls are over by then, and a beat that nobody reads costs the server as much as a call. */
const FIRST_BEAT_MS = 200;

/** When an attempt that ended because it was frozen comes again, should the server not have noticed. */
const LOST_AGAIN_MS = 1_000;

let beating = 0;

/** How long an attempt may go without a heartbeat that reached the server before Temporal gives it to somebody else. */
export const HEARTBEAT_TIMEOUT_MS = 10_000;

/**
 * Between two heartbeats of one activity while this many are running: what was asked for up to 50 at a second each, and
 * never so long that a missed one would cost the attempt.
 */
export function beatIntervalMs(activities: number, beatMs: number): number {
  return Math.min(HEARTBEAT_TIMEOUT_MS / 3, Math.max(beatMs, (activities * 1_000) / BEATS_PER_SECOND));
}

/**
 * Keeps one attempt of an activity alive: sends the latest details about once a second, whatever the activity is waiting
 * for, and tells when the process was frozen so long that the attempt is not ours any more.
 */
export class Beat<Details> implements Disposable {
  #timer: NodeJS.Timeout;
  readonly #context = Context.current();
  #details: Details;
  #lastBeatAt = Date.now();

  constructor(details: Details, { beatMs }: Pick<Timings, 'beatMs'>) {
    this.#details = details;
    beating += 1;
    const intervalMs = beatIntervalMs(beating, beatMs);
    this.#timer = setTimeout(
      () => {
        this.#timer = setInterval(() => this.#send(), intervalMs);
        this.#send();
      },
      Math.min(FIRST_BEAT_MS, beatMs),
    );
  }

  get details(): Details {
    return this.#details;
  }

  /** Replaces the details; sent with the next beat. */
  show(details: Details): void {
    this.#details = details;
  }

  /** Sends the details now, because the attempt ends here and the next one reads them. */
  leave(): void {
    this.#send();
  }

  /**
   * True when the process stood still longer than the heartbeat timeout: the attempt has been given to another worker,
   * so nothing may be sent from here any more (a dispatch that wakes up late would come after a stop).
   */
  get lost(): boolean {
    return Date.now() - this.#lastBeatAt > HEARTBEAT_TIMEOUT_MS;
  }

  /** Ends the attempt when it is not ours any more: asked right before every call, and by whatever goes round and round. */
  refuseIfLost(): void {
    if (this.lost)
      throw lookAgain(LOST_AGAIN_MS, 'this process stood still, and the attempt was given to another worker');
  }

  #send(): void {
    if (this.lost) return;
    this.#lastBeatAt = Date.now();
    this.#context.heartbeat(this.#details);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    beating -= 1;
  }
}

/** Waits, unless the activity is cancelled first; never throws. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done, { once: true });
  });
}

/**
 * A read that nobody has to wait for: given up when the activity is cancelled, so that a worker's shutdown or a stop does
 * not wait for an engine that does not answer. Never for a call that changes something.
 */
export function abandonable<Value>(reading: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abandon = () =>
      reject(
        new EngineFailure({ type: 'Ambiguous', message: 'the activity was cancelled before the engine answered' }),
      );
    if (signal.aborted) abandon();
    signal.addEventListener('abort', abandon, { once: true });
    reading.then(resolve, reject).finally(() => signal.removeEventListener('abort', abandon));
  });
}

/** True when the workflow asked for the end; a worker shutdown, a pause or a reset is not that (design 4.4). */
export function cancelledByWorkflow(): boolean {
  return (
    Context.current().cancellationDetails?.cancelRequested === true ||
    Context.current().cancellationDetails?.notFound === true
  );
}
