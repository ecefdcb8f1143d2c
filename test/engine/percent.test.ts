import { describe, expect, it } from 'vitest';
import type { IndexBuildProgress } from '../../engine/postgres/execution/activity.js';
import { etaSeconds, PercentShown, percentOfIndexBuild } from '../../engine/postgres/execution/percent.js';

const NOTHING: IndexBuildProgress = {
  phase: 'initializing',
  blocksTotal: 0,
  blocksDone: 0,
  tuplesTotal: 0,
  tuplesDone: 0,
  lockersTotal: 0,
  lockersDone: 0,
};

/** What PostgreSQL 18 reported, in this order, during a build on three million rows. */
const BUILD: readonly Partial<IndexBuildProgress>[] = [
  { phase: 'initializing' },
  { phase: 'waiting for writers before build', lockersTotal: 2, lockersDone: 1 },
  { phase: 'building index: scanning table', blocksTotal: 16_217, blocksDone: 4_000 },
  { phase: 'building index: scanning table', blocksTotal: 16_217, blocksDone: 16_217 },
  { phase: 'building index: sorting live tuples', blocksTotal: 16_217, blocksDone: 16_217 },
  { phase: 'building index: loading tuples in tree', tuplesTotal: 3_000_000, tuplesDone: 1_000_000 },
  { phase: 'building index: loading tuples in tree', tuplesTotal: 3_000_000, tuplesDone: 3_000_000 },
  { phase: 'waiting for writers before validation', lockersTotal: 1 },
  { phase: 'index validation: scanning index', blocksTotal: 8_000, blocksDone: 4_000 },
  { phase: 'index validation: sorting tuples', blocksTotal: 8_000, blocksDone: 8_000 },
  { phase: 'index validation: scanning table', blocksTotal: 16_217, blocksDone: 8_000 },
  { phase: 'waiting for old snapshots', lockersTotal: 1 },
];

describe('percent of an index build', () => {
  it('rises through the phases and never says that it is done', () => {
    const percents = BUILD.map((progress) => percentOfIndexBuild({ ...NOTHING, ...progress }));
    expect(percents).toEqual([...percents].toSorted((a, b) => a - b));
    expect(percents[0]).toBe(0);
    expect(percents.at(-1)).toBe(98);
    expect(new Set(percents).size).toBeGreaterThan(8);
  });
  it('takes what it does not know for nothing', () => {
    expect(percentOfIndexBuild({ ...NOTHING, phase: 'polishing' })).toBe(0);
    expect(
      percentOfIndexBuild({ ...NOTHING, phase: 'building index: inserting tuples', blocksTotal: 10, blocksDone: 5 }),
    ).toBe(38);
  });
  it('survives counters beyond their total', () => {
    const progress = { ...NOTHING, phase: 'index validation: scanning table', blocksTotal: 10, blocksDone: 40 };
    expect(percentOfIndexBuild(progress)).toBe(98);
  });
});

describe('the percent shown', () => {
  it('never goes down within an attempt, and begins again with the next one', () => {
    const shown = new PercentShown();
    const step = { applyId: 'apply-1', position: 0, attempt: 1 };
    expect([10, 40, 25].map((percent) => shown.raise(step, percent))).toEqual([10, 40, 40]);
    expect(shown.raise({ ...step, attempt: 2 }, 5)).toBe(5);
    shown.forget('apply-1');
    expect(shown.raise(step, 1)).toBe(1);
  });
});

describe('seconds left', () => {
  it('follows from the speed so far', () => {
    expect(etaSeconds(50, 30)).toBe(30);
    expect(etaSeconds(25, 10)).toBe(30);
  });
  it('is not guessed from nothing', () => {
    expect(etaSeconds(1, 30)).toBeNull();
    expect(etaSeconds(100, 30)).toBeNull();
    expect(etaSeconds(50, 0)).toBeNull();
  });
});
