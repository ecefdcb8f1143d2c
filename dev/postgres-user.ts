import { chmodSync, existsSync, mkdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { cacheFolder } from './folders.js';

/** A user of this machine, as in /etc/passwd. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who runs the server: null for ourselves. PostgreSQL refuses to run as root, so root runs it as `postgres` or, where
 * there is none, as `nobody`; initdb needs one that has an entry in /etc/passwd.
 */
export function serverUser(): SystemUser | null {
  if (process.getuid?.() !== 0) return null;
  const users = existsSync('/etc/passwd') ? parsePasswd(readFileSync('/etc/passwd', 'utf8')) : [];
  const user = ['postgres', 'nobody'].map((name) => users.find((each) => each.name === name)).find(Boolean);
  if (user !== undefined) return user;
  throw new Error(
    'PostgreSQL refuses to run as root, and /etc/passwd names neither postgres nor nobody to run it as. ' +
      'Run as an ordinary user, add one of the two, or use a PostgreSQL of your own (skein engine --target name=DSN).',
  );
}

/** The lines of a passwd file that are well formed. */
export function parsePasswd(text: string): readonly SystemUser[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return [];
    return [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}

/**
 * Where binaries and temporary clusters go. As root not below the home, which others may not enter, but in /var/lib or
 * else in the temporary folder.
 */
export function postgresFolder(user: SystemUser | null): string {
  if (user === null) return join(cacheFolder(), 'postgres');
  const candidates = [process.env.SKEIN_CACHE, '/var/lib/skein', join(tmpdir(), 'skein')];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    if (candidate === undefined || candidate === '') continue;
    try {
      const folder = makeFolderFor(user, join(candidate, 'postgres'));
      return folder;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`No folder for a PostgreSQL server that runs as ${user.name}: ${reasons.join('; ')}`);
}

/** Linux keeps these files in memory. In a container it is often small. */
const MEMORY_FOLDER = '/dev/shm';
const MEMORY_BYTES_MIN = 2 * 1024 ** 3;

/** A folder for clusters whose files stay in memory, or null where there is none or too little room in it. */
export function memoryFolder(): string | null {
  if (process.platform !== 'linux' || !existsSync(MEMORY_FOLDER)) return null;
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  // One per user: another user's folder is closed to us.
  return bavail * bsize < MEMORY_BYTES_MIN ? null : join(MEMORY_FOLDER, `skein-${process.getuid?.() ?? 0}`);
}

/** Makes `folder`, ours, so that `user` can enter it; throws when one of its parents is closed to that user. */
export function makeFolderFor(user: SystemUser | null, folder: string): string {
  const path = resolve(folder);
  if (!existsSync(path)) {
    makeFolderFor(user, dirname(path));
    mkdirSync(path, { recursive: true });
    if (user !== null) chmodSync(path, 0o755);
  } else if (user !== null) {
    assertCanEnter(user, path);
  }
  return path;
}

function assertCanEnter(user: SystemUser, folder: string): void {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = statSync(path);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) {
      throw new Error(
        `${path} is closed to the user ${user.name}, who runs PostgreSQL because we are root; choose a folder outside it ` +
          '(--data, SKEIN_CACHE) or open it with chmod o+x',
      );
    }
    if (path === dirname(path)) return;
  }
}
