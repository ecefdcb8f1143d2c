/** Times as text: ISO 8601 in UTC, which sorts as it reads. */

/** The earliest of some ISO 8601 times, or null when there is none. */
export function earliest(times: readonly (string | null)[]): string | null {
  return times.reduce((first, time) => (time !== null && (first === null || time < first) ? time : first), null);
}

/** The latest of some ISO 8601 times, or null when there is none. */
export function latest(times: readonly (string | null)[]): string | null {
  return times.reduce((last, time) => (time !== null && (last === null || time > last) ? time : last), null);
}

/** A moment in milliseconds since the epoch, as text. */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
