import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { majorOf, type PostgresBinaries } from './postgres-binaries.js';
import { makeFolderFor, type SystemUser } from './postgres-user.js';
import { makeTemporaryFolder } from './temporary-folder.js';
import { isAlive } from './process-table.js';
import { startProcess, untilEnded } from './process.js';

/** The superuser of every cluster made here. */
export const SUPERUSER = 'postgres';
const INITDB_DEADLINE_MS = 120_000;

/** One cluster on disk and how it is run. */
export interface Cluster {
  readonly folder: string;
  readonly dataFolder: string;
  readonly user: SystemUser | null;
  readonly binaries: PostgresBinaries;
  readonly settings: Readonly<Record<string, string>>;
}

/** A fresh folder for a cluster that is removed on stop. */
export async function makeClusterFolder(user: SystemUser | null, parent: string): Promise<string> {
  makeFolderFor(user, parent);
  const folder = await makeTemporaryFolder(parent, 'temporary', async (abandoned) => {
    // Its maker was killed a moment ago, and the server is about to end.
    const server = await readPidFile(join(abandoned, 'data'));
    return server !== null && isAlive(server.pid);
  });
  // A fresh folder is private; as root the server's user must be able to enter it.
  if (user !== null) await chown(folder, user.uid, user.gid);
  return folder;
}

/** Resolves to the superuser's password. Beside the final folder and then renamed, so that a crash leaves no half. */
export async function initialise(cluster: Cluster): Promise<string> {
  const passwordFile = join(cluster.folder, 'password');
  if (existsSync(cluster.dataFolder)) {
    if (existsSync(passwordFile)) return (await readFile(passwordFile, 'utf8')).trim();
    throw new Error(
      `${cluster.folder} holds a cluster but no password file, so it was not made here; choose another folder`,
    );
  }
  const password = randomBytes(18).toString('hex');
  // What a crash in the middle of this left; nobody else is at it, because we hold the folder's lock.
  for (const name of await readdir(cluster.folder)) {
    if (name.startsWith('new-')) await rm(join(cluster.folder, name), { recursive: true, force: true });
  }
  const fresh = await mkdtemp(join(cluster.folder, 'new-'));
  try {
    const handedOver = join(fresh, 'password');
    await writeFile(handedOver, password, { mode: 0o600 });
    if (cluster.user !== null) {
      await chown(fresh, cluster.user.uid, cluster.user.gid);
      await chown(handedOver, cluster.user.uid, cluster.user.gid);
    }
    await runInitdb(cluster, join(fresh, 'data'), handedOver);
    await writeFile(passwordFile, password, { mode: 0o600 });
    await rename(join(fresh, 'data'), cluster.dataFolder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return password;
}

async function runInitdb(cluster: Cluster, dataFolder: string, passwordFile: string): Promise<void> {
  const initdb = await startProcess({
    name: 'initdb',
    command: cluster.binaries.initdb,
    arguments: [
      `--pgdata=${dataFolder}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      // Before 17 there is no collation of PostgreSQL's own beside C.
      ...(majorOf(cluster.binaries) >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
      '--locale=C',
      '--encoding=UTF8',
      '--no-sync',
    ],
    logFile: join(cluster.folder, 'initdb.log'),
    environment: cleanEnvironment(),
    folder: cluster.folder,
    ...(cluster.user === null ? {} : { user: cluster.user }),
  });
  const exit = await untilEnded(initdb, INITDB_DEADLINE_MS);
  if (exit.code !== 0) {
    throw new Error(`initdb ended with ${exit.signal ?? `exit code ${exit.code}`}:\n${initdb.log()}`);
  }
}

/** The person's PGPORT, LC_ALL or LD_LIBRARY_PATH must not reach the server. */
export function cleanEnvironment(): Record<string, string | undefined> {
  const { PATH, SystemRoot, TEMP, TMP } = process.env;
  return process.platform === 'win32' ? { PATH, SystemRoot, TEMP, TMP } : { PATH, LC_ALL: 'C' };
}

/** What a running server says of itself. */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
  readonly isReady: boolean;
}

/** PostgreSQL's own record: line 1 process id, line 4 port, line 8 status. A killed server leaves it behind. */
export async function readPidFile(dataFolder: string): Promise<PidFile | null> {
  try {
    const lines = (await readFile(join(dataFolder, 'postmaster.pid'), 'utf8')).split('\n');
    const pid = Number.parseInt(lines[0] ?? '', 10);
    if (!Number.isInteger(pid)) return null;
    return { pid, port: Number.parseInt(lines[3] ?? '', 10), isReady: (lines[7] ?? '').trim() === 'ready' };
  } catch {
    return null;
  }
}
