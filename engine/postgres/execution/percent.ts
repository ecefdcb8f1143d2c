import type { IndexBuildProgress } from './activity.js';

/**
 * Where a concurrent index build stands, in percent. PostgreSQL gives counters per phase; each phase has a share of the
 * whole, as measured on builds of one to three million rows. Phases without counters stand at their beginning.
 */
const PHASES: readonly {
  readonly phase: string;
  readonly from: number;
  readonly to: number;
  readonly counter: 'blocks' | 'tuples' | 'lockers' | 'none';
}[] = [
  { phase: 'initializing', from: 0, to: 0, counter: 'none' },
  { phase: 'waiting for writers before build', from: 0, to: 2, counter: 'lockers' },
  { phase: 'building index: scanning table', from: 2, to: 40, counter: 'blocks' },
  // The block counters keep the 100 % of the scan before it, so they say nothing here.
  { phase: 'building index: sorting live tuples', from: 40, to: 50, counter: 'none' },
  { phase: 'building index: loading tuples in tree', from: 50, to: 75, counter: 'tuples' },
  { phase: 'building index', from: 2, to: 75, counter: 'blocks' },
  { phase: 'waiting for writers before validation', from: 75, to: 77, counter: 'lockers' },
  { phase: 'index validation: scanning index', from: 77, to: 85, counter: 'blocks' },
  { phase: 'index validation: sorting tuples', from: 85, to: 87, counter: 'none' },
  { phase: 'index validation: scanning table', from: 87, to: 98, counter: 'blocks' },
  { phase: 'waiting for old snapshots', from: 98, to: 99, counter: 'lockers' },
];

/** Percent of a build, 0 to 99: only the catalogue says that it is finished. An unknown phase is 0. */
export function percentOfIndexBuild(progress: IndexBuildProgress): number {
  const share =
    PHASES.find(({ phase }) => phase === progress.phase) ??
    PHASES.find(({ phase }) => progress.phase.startsWith(`${phase}:`));
  if (share === undefined) return 0;
  const fraction = {
    none: 0,
    blocks: ratio(progress.blocksDone, progress.blocksTotal),
    tuples: ratio(progress.tuplesDone, progress.tuplesTotal),
    lockers: ratio(progress.lockersDone, progress.lockersTotal),
  }[share.counter];
  return Math.min(99, Math.floor(share.from + (share.to - share.from) * fraction));
}

/** Seconds left if it goes on as so far, or null while there is too little to tell. */
export function etaSeconds(percent: number, elapsedSeconds: number): number | null {
  if (percent < 5 || percent >= 100 || elapsedSeconds <= 0) return null;
  return Math.ceil((elapsedSeconds * (100 - percent)) / percent);
}

function ratio(done: number, total: number): number {
  return total <= 0 ? 0 : Math.min(1, Math.max(0, done / total));
}

/** Remembers the highest percent shown for the current attempt of each running step. */
export class PercentShown {
  readonly #highest = new Map<string, { readonly attempt: number; readonly percent: number }>();

  /** The percent to show: `percent`, or what was shown before in the same attempt if that was more. */
  raise(
    step: { readonly applyId: string; readonly position: number; readonly attempt: number },
    percent: number,
  ): number {
    const key = `${step.applyId}/${step.position}`;
    const before = this.#highest.get(key);
    const shown = before?.attempt === step.attempt ? Math.max(before.percent, percent) : percent;
    this.#highest.set(key, { attempt: step.attempt, percent: shown });
    return shown;
  }

  /** An apply that has ended needs no memory. */
  forget(applyId: string): void {
    for (const key of this.#highest.keys()) if (key.startsWith(`${applyId}/`)) this.#highest.delete(key);
  }
}
