import type { Observation, SettledControl } from '../domain/observation.js';

/** The controls whose failure is news to the one who sent them, and the names of their rows in an answer to Progress. */
const ROWS = { cutover: ['cutover'], revert: ['revert', 'skip_revert'] } as const;

export type SettlingControl = keyof typeof ROWS;

/**
 * When the engine last settled such a request, in its own words and by its own clock; null where it never did. Read
 * before a request is sent, it tells the outcome of that request from those of earlier ones (C34): a row stays until the
 * same control is asked for again, and comparing it with our clock would go wrong by the difference of the two.
 */
export function lastSettledAt(observation: Observation, control: SettlingControl): string | null {
  return rowsOf(observation, control).at(-1)?.settledAt ?? null;
}

/** The engine's reason for a request that it settled as failed after `settledBefore`, or null where there is none. */
export function failedSince(
  observation: Observation,
  control: SettlingControl,
  settledBefore: string | null,
): string | null {
  const last = rowsOf(observation, control).at(-1);
  if (last === undefined || last.status !== 'failed' || !isAfter(last.settledAt, settledBefore)) return null;
  return last.message || `the engine settled the ${last.operation} as failed`;
}

/** Oldest first. */
function rowsOf(observation: Observation, control: SettlingControl): readonly SettledControl[] {
  const names: readonly string[] = ROWS[control];
  return observation.settledControls
    .filter(({ operation }) => names.includes(operation))
    .toSorted((left, right) => Date.parse(left.settledAt) - Date.parse(right.settledAt));
}

/** A time that cannot be read is news when it is another one than before. */
function isAfter(settledAt: string, settledBefore: string | null): boolean {
  if (settledBefore === null) return true;
  const afterMs = Date.parse(settledAt) - Date.parse(settledBefore);
  return Number.isNaN(afterMs) ? settledAt !== settledBefore : afterMs > 0;
}
