import type { Progress } from '../../domain/observation.js';

/** `850ms`, `12s`, `3m 05s`, `2h 07m`, `4d 03h`: the two largest units, so that a column stays narrow. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`;
}

/** From `startedAt` to `endedAt`, or to now while it goes on; empty when it never started. */
export function formatElapsed(startedAt: string | null, endedAt: string | null, now: Date): string {
  if (startedAt === null) return '';
  return formatDuration((endedAt === null ? now.getTime() : Date.parse(endedAt)) - Date.parse(startedAt));
}

const BAR_CELLS = 12;

/** `██████░░░░░░  50%`, or the rows where the engine gives no percentage; empty where it gives neither. */
export function formatProgress(progress: Progress | null): string {
  if (progress === null) return '';
  if (progress.percent === null) return progress.rowsCopied === null ? '' : `${progress.rowsCopied} rows`;
  const full = Math.round((progress.percent / 100) * BAR_CELLS);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${String(Math.floor(progress.percent)).padStart(3)}%`;
}

/**
 * `about 1,200,000 rows`, or `about 900 to 1,200,000 rows` where deployments differ; empty where no engine says. Counts of
 * 64 bits are strings.
 */
export function formatRows(counts: readonly (string | null)[]): string {
  const known = counts
    .flatMap((count) => (count === null ? [] : [BigInt(count)]))
    .toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0));
  const [least, most] = [known.at(0), known.at(-1)].map((count) => count?.toLocaleString('en-US'));
  if (least === undefined || most === undefined) return '';
  return `about ${least === most ? least : `${least} to ${most}`} rows`;
}

/** `1 wave`, `3 waves`. */
export function countNoun(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

/** One line of at most `width` characters; a longer one ends in an ellipsis. */
export function fit(text: string, width: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** `2026-11-22 06:40:07`, in UTC like every time of this program. */
export function formatTime(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)}`;
}

/** `06:40:07Z`. */
export function formatClock(date: Date): string {
  return `${date.toISOString().slice(11, 19)}Z`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
