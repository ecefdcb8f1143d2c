/**
 * Makes a fresh clone ready to run: packages from the lock file, then the compiled product and the prebuilt workflow
 * bundle. `npm run demo`, `npm test`, `npm run check` and `npm run -s skein` call it first, so that "straight after git
 * clone" needs no other step.
 *
 * Plain JavaScript without dependencies, because it runs before there are any. It says on standard error what it does
 * and how long that took; when there is nothing to do it says nothing, so `npm run -s skein -- …` prints the command's
 * own output alone. Two runs at once are safe: the second waits for the first.
 *
 * Usage: `node dev/setup.mjs` (all of it) or `node dev/setup.mjs --packages` (packages only, no build).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const NODE_MINIMUM = [20, 19];
/** How long one run waits for another before it gives up: a cold install on a slow network stays below it. */
const LOCK_WAIT_MS = 20 * 60_000;
const LOCK_POLL_MS = 200;
/** What the compiler reads: a change in any of these makes a new build. `dist` mirrors exactly these folders. */
const SOURCE_FOLDERS = [
  'domain',
  'proto',
  'tern',
  'activities',
  'workflows',
  'worker',
  'client',
  'engine',
  'dev',
  'types',
  'test/scenarios', // what is printed into docs/scenarios.md
];
const BUILD_FILES = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

export const repositoryRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** What went wrong and what to do about it; printed without a stack. */
class SetupError extends Error {}

/** Brings packages and build up to date below `root`. Resolves to the names of the steps that did something. */
export async function setUp({ root, build = true, say = sayOnScreen }) {
  checkNodeVersion(process.versions.node);
  const needs = () => ({ packages: needsPackages(root), build: build && needsBuild(root) });
  const before = needs();
  if (!before.packages && !before.build) return [];
  const release = await acquireLock(join(root, '.skein', 'setup.lock'), say);
  const done = [];
  try {
    // Asked again, because another run may have done the work while this one waited for the lock.
    if (needs().packages) {
      timed(say, 'packages', 'installing packages', () => installPackages(root));
      done.push('packages');
    }
    if (needs().build) {
      timed(say, 'build', 'compiling', () => compile(root));
      done.push('build');
    }
  } finally {
    release();
  }
  return done;
}

/** Throws unless `version` (such as `20.19.2`) is new enough. */
export function checkNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorMinimum, minorMinimum] = NODE_MINIMUM;
  if (major > majorMinimum || (major === majorMinimum && minor >= minorMinimum)) return;
  throw new SetupError(
    `Node ${NODE_MINIMUM.join('.')} or newer is needed, this is ${version}. Install Node 20 LTS or newer and run the command again.`,
  );
}

function needsPackages(root) {
  const stamp = readOrNull(join(root, 'node_modules', '.skein-packages'));
  if (stamp === packagesDigest(root)) return false;
  if (!installedMatchesLock(root)) return true;
  writeFileSync(join(root, 'node_modules', '.skein-packages'), packagesDigest(root));
  return false;
}

/** The packages depend on the lock file and, for native ones, on the platform; a container may share the folder. */
function packagesDigest(root) {
  const hash = createHash('sha256');
  hash.update(readFileSync(join(root, 'package-lock.json')));
  hash.update(`${process.platform}-${process.arch}-${process.versions.modules}`);
  return hash.digest('hex');
}

/**
 * Whether what npm says it installed (its own record inside node_modules) is what the lock file asks for, so that a
 * person who ran `npm install` by hand does not wait for a second one. Optional packages of other platforms, and what
 * only those need, are absent by design.
 */
export function installedMatchesLock(root) {
  const installedText = readOrNull(join(root, 'node_modules', '.package-lock.json'));
  if (installedText === null) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(installedText).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && existsSync(join(root, path));
  });
}

/**
 * `npm install --no-save`, not `npm ci`: `ci` refuses a lock file that lacks the optional packages of other platforms,
 * and a lock written where a registry does not carry those lacks them. What it must not do is install something other
 * than the lock file names, so that is checked afterwards.
 */
function installPackages(root) {
  // Inside `npm run` npm names its own script, which is the same npm on every platform and needs no shell.
  const npmScript = process.env.npm_execpath;
  const args = ['install', '--no-save', '--loglevel=error'];
  const options = { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, NODE_ENV: 'development' } };
  const run =
    npmScript !== undefined && npmScript.endsWith('.js')
      ? spawnSync(process.execPath, [npmScript, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (run.error !== undefined) {
    throw new SetupError(`npm could not be started: ${run.error.message}. It comes with Node; check the PATH.`);
  }
  if (run.status !== 0) {
    throw new SetupError(
      `npm install ended with ${run.signal ?? `exit code ${run.status}`}; its own words stand above. It needs a reachable package ` +
        'registry (npm config get registry) or a filled npm cache.',
    );
  }
  if (!installedMatchesLock(root)) {
    throw new SetupError(
      'npm installed something other than package-lock.json names: package.json and the lock file disagree. ' +
        'Run npm install, look at what changed in package-lock.json, and commit it.',
    );
  }
  writeFileSync(join(root, 'node_modules', '.skein-packages'), packagesDigest(root));
}

/** Whether `dist` is older than the sources, or there is none. */
export function needsBuild(root) {
  return readOrNull(join(root, 'dist', '.skein-build')) !== sourcesDigest(root);
}

/** By content, not by time: a checkout of another branch sets times that say nothing. Some ten milliseconds. */
function sourcesDigest(root) {
  const hash = createHash('sha256');
  const files = [...SOURCE_FOLDERS.flatMap((folder) => filesBelow(root, folder)), ...BUILD_FILES];
  for (const file of files) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Paths relative to `root`, sorted. An absent folder has no files. */
function filesBelow(root, folder) {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { withFileTypes: true })
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(root, path);
      return entry.isFile() ? [path] : [];
    });
}

function compile(root) {
  // Taken before the compiler reads, so that an edit made meanwhile is seen by the next run.
  const digest = sourcesDigest(root);
  rmSync(join(root, 'dist', '.skein-build'), { force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  runNode(root, [compiler, '-p', 'tsconfig.build.json'], 'The compiler');
  removeOrphans(root);
  const bundler = join('dist', 'worker', 'bundle.js');
  if (existsSync(join(root, bundler))) runNode(root, [bundler], 'The workflow bundler');
  writeFileSync(join(root, 'dist', '.skein-build'), digest);
}

/** Compiled files whose source is gone would still be importable, and hide a broken import. */
function removeOrphans(root) {
  for (const folder of SOURCE_FOLDERS) {
    for (const file of filesBelow(join(root, 'dist'), folder)) {
      const source = file.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
      if (source !== file && !existsSync(join(root, source)) && !isBundle(file)) unlinkSync(join(root, 'dist', file));
    }
  }
}

/** The workflow bundle has no source of the same name, and is written by the bundler itself. */
function isBundle(file) {
  return /\bworkflow-bundle\b/.test(file);
}

function runNode(root, args, subject) {
  const run = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (run.status === 0) return;
  throw new SetupError(`${subject} ended with ${run.signal ?? `exit code ${run.status}`}; what it found stands above.`);
}

/**
 * A file that holds the owner's process id, made only if absent. An owner that no longer lives has left it behind, and
 * it is taken over by renaming it away first, which only one of several waiting runs can do.
 */
async function acquireLock(path, say) {
  mkdirSync(dirname(path), { recursive: true });
  const deadline = Date.now() + LOCK_WAIT_MS;
  let announced = false;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = readOrNull(path);
    if (owner === null) continue;
    if (isStale(path, owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!announced) say(`another set-up is running here (process ${owner}); waiting for it`);
    announced = true;
    if (Date.now() > deadline) {
      throw new SetupError(
        `The set-up in process ${owner} has held ${path} for ${LOCK_WAIT_MS / 60_000} minutes. End it, or delete that file if the process is no set-up.`,
      );
    }
    await delay(LOCK_POLL_MS);
  }
}

function isStale(path, owner) {
  if (/^\d+$/.test(owner)) return !isAlive(Number(owner));
  // Empty for the moment between creation and writing; left empty only by a crash in between.
  try {
    return Date.now() - statSync(path).mtimeMs > 5_000;
  } catch {
    return false;
  }
}

function isAlive(processId) {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function timed(say, name, text, work) {
  const startedAt = Date.now();
  say(`${text} …`);
  work();
  say(`${name} ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

function sayOnScreen(text) {
  process.stderr.write(`setup: ${text}\n`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await setUp({ root: repositoryRoot, build: !process.argv.includes('--packages') });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`setup: ${error.message}\n`);
    process.exitCode = 1;
  }
}
