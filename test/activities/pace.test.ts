import { describe, expect, it } from 'vitest';
import { HEARTBEAT_TIMEOUT_MS, beatIntervalMs } from '../../activities/beat.js';
import { LOOKS_PER_SECOND, Pace, lookIntervalMs, parkedIntervalMs, shortestIntervalMs } from '../../activities/pace.js';

const looksPerSecond = (watches: number) => (watches * 1_000) / shortestIntervalMs(watches);
const adaptiveMs = (elapsedMs: number, watches: number) => lookIntervalMs({ askedMs: null, elapsedMs, watches });
const fixedMs = (askedMs: number, watches: number) => lookIntervalMs({ askedMs, elapsedMs: 9_000, watches });
const parkedMs = (askedMs: number | null) => parkedIntervalMs({ askedMs, parkedMsMax: 45_000 });

describe('the pace of the watches of one worker', () => {
  it('lets few watches look every 20 ms, and many look together 200 times a second', () => {
    expect([1, 4, 5, 100, 2_000].map(shortestIntervalMs)).toEqual([20, 20, 25, 500, 10_000]);
    for (let watches = 1; watches <= 2_000; watches += 1)
      expect(looksPerSecond(watches), `${watches}`).toBeLessThanOrEqual(LOOKS_PER_SECOND);
    expect(looksPerSecond(2_000)).toBe(LOOKS_PER_SECOND);
  });

  it('is a tenth of the time it has been going on, at least that share and at most 15 s', () => {
    expect([0, 1_000, 60_000, 3_600_000].map((elapsedMs) => adaptiveMs(elapsedMs, 1))).toEqual([
      20, 100, 6_000, 15_000,
    ]);
    expect([0, 1_000, 60_000, 3_600_000].map((elapsedMs) => adaptiveMs(elapsedMs, 100))).toEqual([
      500, 500, 6_000, 15_000,
    ]);
    expect(adaptiveMs(3_600_000, 4_000)).toBe(20_000);
  });

  it('is what the spec asks for, except where that would take more than its share', () => {
    expect(fixedMs(30_000, 100)).toBe(30_000);
    expect(fixedMs(100, 10)).toBe(100);
    expect(fixedMs(100, 100)).toBe(500);
  });

  it('of what is parked is the longest there is, unless the spec asks for a shorter one of a second or more', () => {
    expect([null, 60_000, 45_000, 5_000, 10].map(parkedMs)).toEqual([45_000, 45_000, 45_000, 5_000, 1_000]);
  });

  it('counts the watches that are running, and no others', () => {
    const paces = Array.from({ length: 40 }, () => new Pace({ startedAtMs: Date.now(), askedMs: 1 }));
    expect(paces[0]?.lookMs).toBe(200);
    for (const pace of paces.slice(1)) pace[Symbol.dispose]();
    expect(paces[0]?.lookMs).toBe(20);
    paces[0]?.[Symbol.dispose]();
  });
});

describe('the heartbeats of the activities of one worker', () => {
  it('leave as often as asked up to 50 activities, then 50 a second together, and in time in any case', () => {
    expect([1, 50, 100, 150].map((activities) => beatIntervalMs(activities, 1_000))).toEqual([
      1_000, 1_000, 2_000, 3_000,
    ]);
    expect(beatIntervalMs(2_000, 1_000)).toBeCloseTo(HEARTBEAT_TIMEOUT_MS / 3);
    expect(beatIntervalMs(1, 50)).toBe(50);
  });
});
