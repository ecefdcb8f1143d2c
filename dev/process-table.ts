import { readFile } from 'node:fs/promises';
import { runCommand } from './run-command.js';

/** What the operating system knows of processes that we may not have started. */

/** The command line of a running process, or null when there is none or it cannot be told. */
export async function commandLineOf(pid: number): Promise<string | null> {
  if (!isAlive(pid)) return null;
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    // Not Linux.
  }
  try {
    const { code, output } = await runCommand('ps', ['-o', 'command=', '-p', String(pid)], { deadlineMs: 5_000 });
    return code === 0 ? output.trim() : null;
  } catch {
    return null;
  }
}

/** Whether a process of this id runs, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isNoSuchProcess(error);
  }
}

/** Whether a signal could not be sent because there is no such process. */
export function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}
