import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeTemporaryFolder } from '../../dev/temporary-folder.js';

/** Above every process id that Linux, macOS or Windows gives out by default. */
const DEAD_PROCESS_ID = 99_999_999;

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'skein-parent-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

describe('a temporary folder', () => {
  it('is a new one each time, below its parent', async () => {
    const folders = [await makeTemporaryFolder(parent, 'work'), await makeTemporaryFolder(parent, 'work')];
    expect(new Set(folders).size).toBe(2);
    expect(folders.every((folder) => folder.startsWith(join(parent, 'work-')) && existsSync(folder))).toBe(true);
  });

  it('takes with it those of processes that were killed, and nothing else', async () => {
    const abandoned = join(parent, `work-${DEAD_PROCESS_ID}-abc`);
    const kept = [`work-${process.pid}-abc`, `other-${DEAD_PROCESS_ID}-abc`, 'work-x-abc'].map((name) =>
      join(parent, name),
    );
    for (const folder of [abandoned, ...kept]) await mkdir(folder);
    await makeTemporaryFolder(parent, 'work');
    expect(existsSync(abandoned)).toBe(false);
    expect(kept.every((folder) => existsSync(folder))).toBe(true);
  });

  it('leaves alone what is still in use', async () => {
    const abandoned = join(parent, `work-${DEAD_PROCESS_ID}-abc`);
    await mkdir(abandoned);
    await makeTemporaryFolder(parent, 'work', (folder) => Promise.resolve(folder === abandoned));
    expect(existsSync(abandoned)).toBe(true);
  });
});
