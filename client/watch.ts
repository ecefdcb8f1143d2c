import { setTimeout as delay } from 'node:timers/promises';
import { APPLY_STATE } from '../domain/state.js';
import type { ApplyStatus } from '../domain/status.js';
import { SkeinError } from './errors.js';

export interface WatchOptions {
  /** Time between two looks, in milliseconds; longer where a look itself takes long. Default 1,000. */
  readonly intervalMs?: number;
  /** How long the server may be away before watching gives up, in milliseconds. The rollout goes on without us. Default 60,000. */
  readonly outageMaxMs?: number;
  /** Ends the watching, never the rollout. */
  readonly signal?: AbortSignal;
}

/** A look that takes long is not repeated more often than its own cost allows, up to a limit that a person bears. */
const INTERVAL_PER_COST = 3;
const INTERVAL_MAX_MS = 5_000;

/**
 * Yields what `look` finds now, and whenever that has changed, until the apply has ended. Follows across runs, because a
 * look is at the newest one: `start` and `retry` of a closed apply are new runs of the same id. A server that is away is
 * waited for. Ends silently when the signal aborts.
 */
export async function* watchApply(
  look: () => Promise<ApplyStatus>,
  options: WatchOptions = {},
): AsyncGenerator<ApplyStatus, void, undefined> {
  const { intervalMs = 1_000, outageMaxMs = 60_000, signal } = options;
  let shown = '';
  let lastAnswerAt = Date.now();
  for (;;) {
    if (signal?.aborted === true) return;
    const lookedAt = Date.now();
    const status = await lookOnce(look, { mayFail: lookedAt - lastAnswerAt < outageMaxMs });
    if (status !== null) {
      lastAnswerAt = Date.now();
      const text = JSON.stringify(status);
      if (text !== shown) yield status;
      shown = text;
      if (isOver(status)) return;
    }
    const costMs = Date.now() - lookedAt;
    await pause(Math.max(intervalMs, Math.min(costMs * INTERVAL_PER_COST, INTERVAL_MAX_MS)), signal);
  }
}

/**
 * Whether nothing more happens in this run: it has ended, or was interrupted. A coarse status is never the last word: the
 * run is open, and only a worker can close it.
 */
export function isOver(status: Pick<ApplyStatus, 'state' | 'interrupted' | 'detail'>): boolean {
  return status.interrupted !== null || (APPLY_STATE[status.state].ended && status.detail === 'full');
}

/** Null while the server is away and may still be waited for. */
async function lookOnce(
  look: () => Promise<ApplyStatus>,
  { mayFail }: { readonly mayFail: boolean },
): Promise<ApplyStatus | null> {
  try {
    return await look();
  } catch (error) {
    if (mayFail && error instanceof SkeinError && error.kind === 'unavailable') return null;
    throw error;
  }
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
