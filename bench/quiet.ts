import { setTimeout as delay } from 'node:timers/promises';
import { processorMs } from './processor-time.js';

/**
 * Every workflow task leaves a time-out timer behind (10 s after it began; 3 s on a worker's own queue), which the server
 * works off long after the workflow has ended. It would do so during the next measurement and be slower for it, so
 * each one begins only when the longest of these timers has passed and the server does next to nothing. With 12 s in
 * between, the server's CPU time per deployment fell from 55 ms to 42.
 */
export const QUIET = {
  /** From the work before: the longest of the timers, and some time to work off the last of them. */
  afterMs: 12_000,
  /** How long the server has to be quiet. */
  forMs: 1_000,
  /** Of one core, and still quiet. Pollers and timers of its own take a few per cent. */
  shareMax: 0.15,
  /** From the work before. Then it is measured all the same, and the report says so. */
  deadlineMs: 60_000,
} as const;

/** How the server was when a measurement began; `unknown` where there is no /proc: only the time has passed. */
export type Quietness = 'quiet' | 'busy' | 'unknown';

/** The outside world, which a test replaces. */
export interface Surroundings {
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
  /** What the server has used so far, in milliseconds; null when it cannot be told. */
  readonly usedMs: () => number | null;
}

export function surroundingsOf(serverPid: number): Surroundings {
  return { nowMs: () => performance.now(), pause: (ms) => delay(ms), usedMs: () => processorMs(serverPid) };
}

/** Waits until the server is quiet. To be called when the work before has just ended. */
export async function untilQuiet({ nowMs, pause, usedMs }: Surroundings): Promise<Quietness> {
  const startedAt = nowMs();
  // It may be quiet for a moment between two heaps of timers, so the time has to pass in any case.
  await pause(QUIET.afterMs);
  for (;;) {
    const before = { atMs: nowMs(), usedMs: usedMs() };
    await pause(QUIET.forMs);
    const used = usedMs();
    if (before.usedMs === null || used === null) return 'unknown';
    const share = (used - before.usedMs) / (nowMs() - before.atMs);
    if (share <= QUIET.shareMax) return 'quiet';
    if (nowMs() - startedAt > QUIET.deadlineMs) return 'busy';
  }
}

/** One sentence or two on how the measurements began, for the report. */
export function describeBeginnings(beginnings: readonly Quietness[]): string {
  const count = (wanted: Quietness): number => beginnings.filter((each) => each === wanted).length;
  if (count('unknown') > 0) {
    return (
      `Each measurement began ${seconds(QUIET.afterMs + QUIET.forMs)} after the work before it; ` +
      'this system does not tell whether the server was quiet by then.'
    );
  }
  const rule =
    `Each measurement began when the server had used at most ${QUIET.shareMax * 100} % of a core for ` +
    `${seconds(QUIET.forMs)}, and not before ${seconds(QUIET.afterMs)} had passed since the work before it.`;
  if (count('busy') === 0) return rule;
  const missed = `${count('busy')} of ${beginnings.length} began although it was not, after ${seconds(QUIET.deadlineMs)}.`;
  return `${rule} ${missed}`;
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
