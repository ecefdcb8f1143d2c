const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What a duration may look like, for messages. */
export const DURATION_RULE = 'a number with a unit, such as "500ms", "30s", "15m", "12h" or "7d"';

/** Milliseconds of a duration such as `"30s"`, or null when it is none. */
export function parseDurationMs(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) return null;
  const [, amount, unit] = match;
  return Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]); // the pattern admits only these units
}

/** A duration as one writes it in a spec, exactly: `"90s"` for 90,000. Whole milliseconds, 0 or more. */
export function formatDurationMs(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  const units = Object.entries(UNIT_MS).toReversed();
  const [unit, unitMs] = units.find(([, size]) => milliseconds % size === 0) ?? ['ms', 1];
  return `${milliseconds / unitMs}${unit}`;
}

/** Milliseconds of a duration such as `"90s"`, or of a time on a clock such as `"00:01:30"`; null when it is neither. */
export function parseClockMs(text: string): number | null {
  const clock = /^(\d{1,4}):([0-5]\d):([0-5]\d)$/.exec(text.trim());
  if (clock === null) return parseDurationMs(text);
  const [, hours, minutes, seconds] = clock;
  return Number(hours) * UNIT_MS.h + Number(minutes) * UNIT_MS.m + Number(seconds) * UNIT_MS.s;
}
