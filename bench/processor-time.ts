import { readFileSync } from 'node:fs';

/** Of a clock tick in /proc: 100 a second on every Linux that Node runs on, whatever the kernel's own rate. */
const TICK_MS = 10;

/** The processes that share the work of a measurement, by what they do. */
export interface Processes {
  readonly server: number;
  readonly worker: number;
  /** This one: scripted engines, the caller, and what is measured with. */
  readonly bench: number;
}

/** Milliseconds of CPU time by process. */
export type Usage = Readonly<Record<keyof Processes, number>>;

/** What a process has used so far, all its threads together, in milliseconds. Null where there is no /proc. */
export function processorMs(pid: number): number | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return null;
  }
}

/** User and system time, fields 14 and 15 of `/proc/<pid>/stat`. The second field, a name, may hold anything. */
export function parseStat(text: string): number | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks * TICK_MS : null;
}

/** What each has used so far; null when one cannot be told. */
export function usageOf({ server, worker, bench }: Processes): Usage | null {
  const [ofServer, ofWorker, ofBench] = [server, worker, bench].map(processorMs);
  if (ofServer == null || ofWorker == null || ofBench == null) return null;
  return { server: ofServer, worker: ofWorker, bench: ofBench };
}
