import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from '../../dev/lock.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Above every process id that Linux, macOS or Windows gives out by default. */
const DEAD_PROCESS_ID = 99_999_999;

describe('a lock', () => {
  it('lets one at a time do its work', async () => {
    const path = join(folder, 'lock');
    let inside = 0;
    let most = 0;
    let done = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      done += 1;
    };
    await Promise.all([1, 2, 3, 4, 5].map(() => withLock(path, { deadlineMs: 10_000 }, work)));
    expect({ most, done, left: existsSync(path) }).toEqual({ most: 1, done: 5, left: false });
  });

  it('is taken over from a process that no longer lives, by one of many', async () => {
    const path = join(folder, 'lock');
    await writeFile(path, String(DEAD_PROCESS_ID));
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => withLock(path, { deadlineMs: 10_000 }, work)));
    expect(most).toBe(1);
  });

  it('is given back when the work fails', async () => {
    const path = join(folder, 'lock');
    await expect(withLock(path, { deadlineMs: 1_000 }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });

  it('names the owner when it waits, and gives up in the end', async () => {
    const path = join(folder, 'lock');
    await writeFile(path, String(process.pid));
    const owners: number[] = [];
    const waiting = withLock(path, { deadlineMs: 120, onWait: (owner) => owners.push(owner) }, () => Promise.resolve());
    await expect(waiting).rejects.toThrow(`process ${process.pid}`);
    expect(owners).toEqual([process.pid]);
  });
});
