import type { OperationFacts } from './operation.js';
import type { RolloutPolicy } from './spec.js';
import { hasEnded } from './state.js';

/** What the rules need to know of a wave. One per wave of the policy, in its order. */
export interface WaveFacts {
  /** Once a wave has started it stays started. */
  readonly started: boolean;
  /** Its bake time has passed since all of it ended. Of no meaning while something of it goes on. */
  readonly baked: boolean;
  /** A person said yes. Of no meaning where the gate is `auto`. */
  readonly approved: boolean;
  /** It was rejected, or its gate expired: this wave and all later ones end. Null for every other wave. */
  readonly barred: Bar | null;
}

/** Why a wave was barred: as the reason of the operations that end with it. */
export type Bar = 'deadline' | 'operator';

/** What is on record of a wave: carried over runs, and shown. Times are ISO 8601; null while it has not happened. */
export interface WaveRecord {
  readonly name: string;
  readonly startedAt: string | null;
  /** When all of it had ended. */
  readonly endedAt: string | null;
  readonly approvedAt: string | null;
  readonly approvedBy: string | null;
  /** Since when its gate has been waited for. */
  readonly gateSince: string | null;
  readonly barred: Bar | null;
}

/** A wave of which nothing has happened yet. */
export function freshWave(name: string): WaveRecord {
  return {
    name,
    startedAt: null,
    endedAt: null,
    approvedAt: null,
    approvedBy: null,
    gateSince: null,
    barred: null,
  };
}

/** When the bake after a wave is over, in milliseconds since the epoch; null while something of it goes on. */
export function bakedAtMs(record: WaveRecord, bakeTimeMs: number): number | null {
  return record.endedAt === null ? null : Date.parse(record.endedAt) + bakeTimeMs;
}

/** When the gate of a wave gives up, in milliseconds since the epoch; null when it never does or is not waited for. */
export function expiresAtMs(record: WaveRecord, expiresAfterMs: number | null): number | null {
  if (record.gateSince === null || expiresAfterMs === null) return null;
  return Date.parse(record.gateSince) + expiresAfterMs;
}

/** The facts of the waves at one moment. */
export function waveFacts(
  records: readonly WaveRecord[],
  policy: Pick<RolloutPolicy, 'waves'>,
  nowMs: number,
): WaveFacts[] {
  return records.map((record, index) => ({
    started: record.startedAt !== null,
    baked: (bakedAtMs(record, policy.waves[index]?.bakeTimeMs ?? 0) ?? Number.POSITIVE_INFINITY) <= nowMs,
    approved: record.approvedAt !== null,
    barred: record.barred,
  }));
}

/** The wave that is to start next, and what it waits for. */
export interface NextWave {
  readonly index: number;
  /** Null: nothing, it starts now. */
  readonly waitsFor: 'bake' | 'gate' | null;
}

/**
 * A wave starts when all of the one before have ended, it has baked, and, if gated, was approved (design 5). Where
 * nothing of the wave before was started there is nothing to bake, and where nothing of this one is left there is
 * nothing to approve. Null when all have started, one before it goes on, or it is barred.
 */
export function nextWave(
  policy: Pick<RolloutPolicy, 'waves'>,
  operations: readonly Pick<OperationFacts, 'wave' | 'state' | 'started'>[],
  waves: readonly WaveFacts[],
): NextWave | null {
  const index = waves.findIndex(({ started }) => !started);
  if (index < 0 || waves[index]?.barred !== null) return null;
  if (operations.some(({ wave, state }) => wave < index && !hasEnded(state))) return null;
  const isBaked = waves[index - 1]?.baked ?? true;
  if (!isBaked && operations.some(({ wave, started }) => wave === index - 1 && started))
    return { index, waitsFor: 'bake' };
  const isGated = policy.waves[index]?.gate === 'manual' && !(waves[index]?.approved ?? false);
  if (isGated && operations.some(({ wave, state }) => wave === index && !hasEnded(state)))
    return { index, waitsFor: 'gate' };
  return { index, waitsFor: null };
}
