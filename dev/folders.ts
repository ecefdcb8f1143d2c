import { existsSync, readFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where things are kept on this machine: the repository itself, what is fetched once, and what a stack remembers. */

/** The folder that holds package.json, found from this file, so that it is the same from source and from `dist`. */
export function repositoryRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && readFileSync(manifest, 'utf8').includes('"name": "skein"')) return folder;
    if (folder === dirname(folder)) {
      throw new Error(
        `No package.json of skein above ${fileURLToPath(import.meta.url)}: the installation is incomplete`,
      );
    }
  }
}

/** What can be fetched again: servers, PostgreSQL binaries. One folder per user; `SKEIN_CACHE` names another. */
export function cacheFolder(): string {
  const named = process.env.SKEIN_CACHE;
  if (named !== undefined && named !== '') return named;
  if (process.platform === 'win32') return join(localAppData(), 'skein', 'Cache');
  if (process.platform === 'darwin') return join(home(), 'Library', 'Caches', 'skein');
  return join(absoluteOr(process.env.XDG_CACHE_HOME, join(home(), '.cache')), 'skein');
}

/** What must survive: the stack of `skein dev`. One folder per user; `--data` names another. */
export function dataFolder(): string {
  if (process.platform === 'win32') return join(localAppData(), 'skein', 'Data');
  if (process.platform === 'darwin') return join(home(), 'Library', 'Application Support', 'skein');
  return join(absoluteOr(process.env.XDG_DATA_HOME, join(home(), '.local', 'share')), 'skein');
}

function localAppData(): string {
  return absoluteOr(process.env.LOCALAPPDATA, join(home(), 'AppData', 'Local'));
}

/** A user without a home folder (a bare container, say) gets one of its own below the temporary folder. */
function home(): string {
  const folder = homedir();
  return folder !== '' && existsSync(folder) ? folder : join(tmpdir(), `skein-${userInfo().uid}`);
}

/** The XDG rules say that a relative path is to be ignored. */
function absoluteOr(value: string | undefined, otherwise: string): string {
  return value !== undefined && /^([/\\]|[A-Za-z]:)/.test(value) ? value : otherwise;
}
