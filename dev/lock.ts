import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from './process-table.js';

const POLL_MS = 50;
/** A lock file is empty between its creation and the writing of its owner; left so only by a crash in between. */
const EMPTY_GRACE_MS = 5_000;

export interface LockOptions {
  /** Gives up after this many milliseconds, naming the owner. */
  readonly deadlineMs: number;
  /** Called once with the owner's process id when somebody else holds it; what it throws ends the waiting. */
  readonly onWait?: (owner: number) => void;
}

/**
 * Runs `work` while no other process (and no other caller in this one) runs its own under the same `path`. The lock is a
 * file that holds its owner's process id; one whose owner no longer lives is taken over.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const deadline = Date.now() + options.deadlineMs;
  let announced = false;
  while (!tryLock(path)) {
    const owner = ownerOf(path);
    if (owner === 'stale') takeOver(path);
    if (typeof owner !== 'number') {
      await delay(1);
      continue;
    }
    if (!announced) options.onWait?.(owner);
    announced = true;
    if (Date.now() > deadline) {
      const waited = options.deadlineMs / 1000;
      throw new Error(
        `${path} has been held by process ${owner} for ${waited} s; end that process, or delete the file if it is not one of ours`,
      );
    }
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes a stale lock. Two waiting processes may both have found it stale, and the slower one must not remove the lock
 * that the faster one has made since: so it is renamed first, looked at again, and put back if its owner lives.
 */
function takeOver(path: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (typeof ownerOf(aside) === 'number') {
    try {
      linkSync(aside, path);
    } catch {
      // Made anew by a third process in this instant: there is a lock, which is what counts.
    }
  }
  rmSync(aside, { force: true });
}

function ownerOf(path: string): number | 'stale' | 'unknown' {
  try {
    const owner = Number.parseInt(readFileSync(path, 'utf8'), 10);
    if (Number.isInteger(owner)) return isAlive(owner) ? owner : 'stale';
    return Date.now() - statSync(path).mtimeMs > EMPTY_GRACE_MS ? 'stale' : 'unknown';
  } catch {
    return 'unknown';
  }
}
