import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RolloutPolicy } from '../../domain/spec.js';
import { WaveMemory } from '../../workflows/wave-memory.js';

const HOUR_MS = 3_600_000;

/** One wave behind a gate that gives up after a day. */
const POLICY: RolloutPolicy = {
  onFailure: 'halt',
  cutover: 'rolling',
  inFlight: 'finish',
  waves: [
    {
      name: 'rest',
      deployments: ['a'],
      bakeTimeMs: 0,
      gate: 'manual',
      expiresAfterMs: 24 * HOUR_MS,
      maxConcurrency: 1,
      failureTolerance: 0,
    },
  ],
};
const AT_GATE = { index: 0, waitsFor: 'gate' } as const;
const nothingEnded = () => false;

describe('a gate that expires', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000, toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('bars its wave a day after it was first waited for, and not before', () => {
    const memory = new WaveMemory(POLICY, []);
    expect(memory.await(AT_GATE)).toBe(1_000 + 24 * HOUR_MS);
    vi.setSystemTime(24 * HOUR_MS);
    memory.look(nothingEnded);
    expect(memory.records[0]?.barred).toBeNull();
    expect(memory.await(AT_GATE)).toBe(1_000 + 24 * HOUR_MS);
    vi.setSystemTime(1_000 + 24 * HOUR_MS);
    memory.look(nothingEnded);
    expect(memory.records[0]?.barred).toBe('deadline');
  });

  it('does not when it was approved first, also when that is only seen after its time', () => {
    const memory = new WaveMemory(POLICY, []);
    memory.await(AT_GATE);
    vi.setSystemTime(48 * HOUR_MS);
    // One workflow task after a time without a worker: the answer and the timer are both news.
    memory.approve('rest', 'alice');
    memory.look(nothingEnded);
    expect(memory.records[0]).toMatchObject({ barred: null, approvedBy: 'alice' });
  });

  it('begins anew when it was not waited for in between', () => {
    const memory = new WaveMemory(POLICY, []);
    memory.await(AT_GATE);
    vi.setSystemTime(23 * HOUR_MS);
    expect(memory.await(null)).toBeNull();
    vi.setSystemTime(30 * HOUR_MS);
    memory.look(nothingEnded);
    expect(memory.records[0]?.barred).toBeNull();
    expect(memory.await(AT_GATE)).toBe(54 * HOUR_MS);
  });
});
