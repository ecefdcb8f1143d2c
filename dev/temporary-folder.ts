import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './process-table.js';

/**
 * A fresh folder below `parent` whose name says which process made it, for what is removed again when that process ends.
 * Those that a killed process left behind are removed on the way, unless `isInUse` says that something still works there.
 */
export async function makeTemporaryFolder(
  parent: string,
  prefix: string,
  isInUse: (folder: string) => Promise<boolean> = () => Promise.resolve(false),
): Promise<string> {
  const owned = new RegExp(`^${prefix}-(\\d+)-`);
  for (const name of await readdir(parent)) {
    const owner = owned.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const folder = join(parent, name);
    if (await isInUse(folder)) continue;
    // Another user's folder in a shared temporary folder stays; that is no reason not to start.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
  return mkdtemp(join(parent, `${prefix}-${process.pid}-`));
}
