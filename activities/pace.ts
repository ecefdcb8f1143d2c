/**
 * Looks at engines that all watches of one worker take together in a second. One look costs this
 * process 0.2 to 0.7 ms of its one thread (measured), so that most of it stays free. With an allowance for each watch alone
 * a hundred of them took every moment there was, and a stop had to wait seconds for its turn (ADR 14).
 */
export const LOOKS_PER_SECOND = 200;

/** Between two looks of one watch: a tenth of the time it has been going on, within these limits. */
const ADAPTIVE_MS = { min: 20, max: 15_000 } as const;

/** An attempt that ends to be looked at later costs the server a task, so it does not end more often than this. */
const PARKED_MS_MIN = 1_000;

/** The shortest interval of one watch while this many are running: 20 ms for up to four, 0.5 s for 100, 10 s for 2,000. */
export function shortestIntervalMs(watches: number): number {
  return Math.max(ADAPTIVE_MS.min, (watches * 1_000) / LOOKS_PER_SECOND);
}

/** How long one watch waits before it looks again. Never less than its share of the common budget, whatever was asked for. */
export function lookIntervalMs(params: {
  /** Fixed by the spec; null adapts to how long it has been going on. */
  readonly askedMs: number | null;
  readonly elapsedMs: number;
  readonly watches: number;
}): number {
  const wantedMs = params.askedMs ?? Math.min(ADAPTIVE_MS.max, params.elapsedMs / 10);
  return Math.max(shortestIntervalMs(params.watches), wantedMs);
}

/** How long what is parked is left alone: a change made by someone else is noticed within a minute, whatever the spec asks for. */
export function parkedIntervalMs(params: { readonly askedMs: number | null; readonly parkedMsMax: number }): number {
  const { askedMs, parkedMsMax } = params;
  return askedMs === null ? parkedMsMax : Math.min(parkedMsMax, Math.max(PARKED_MS_MIN, askedMs));
}

/** Watches that are running in this process. Those that wait for their next attempt are not. */
let running = 0;

/** The pace of one running watch, which shares the budget with the others of its worker. */
export class Pace implements Disposable {
  readonly #startedAtMs: number;
  readonly #askedMs: number | null;

  constructor(params: { readonly startedAtMs: number; readonly askedMs: number | null }) {
    this.#startedAtMs = params.startedAtMs;
    this.#askedMs = params.askedMs;
    running += 1;
  }

  /** Until the next look at the remote apply. */
  get lookMs(): number {
    return this.#intervalMs(this.#askedMs);
  }

  /** Until the next try of something that the spec sets no interval for, such as a verification that cannot be read. */
  get retryMs(): number {
    return this.#intervalMs(null);
  }

  #intervalMs(askedMs: number | null): number {
    return lookIntervalMs({ askedMs, elapsedMs: Date.now() - this.#startedAtMs, watches: running });
  }

  [Symbol.dispose](): void {
    running -= 1;
  }
}
