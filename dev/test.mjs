/**
 * Runs the tests. `node dev/test.mjs check` (seconds): formatting, lint, types, architecture and unit tests, all at once.
 * `node dev/test.mjs all` (minutes): the same, then the exhaustive tests and those of real servers and databases; it is
 * what `npm test` and CI run. At the end it says what was not run and why, and closes with `N passed, N failed`; both
 * numbers are also in `.skein/test-results.json`, so that whoever called it can print them once more.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { CORPUS_FILE, corpusSummary, readCorpus } from './corpus.mjs';
import { repositoryRoot } from './setup.mjs';

const OUTPUT_FOLDER = join(repositoryRoot, '.skein');
const RESULTS_FILE = join(OUTPUT_FOLDER, 'test-results.json');

/** What the compiler learnt of files that have not changed since, by their content. */
const TYPES_FILE = join(OUTPUT_FOLDER, 'types.tsbuildinfo');

/** Static checks; each is one command of a package in node_modules, named by the script it starts with. */
const CHECKS = [
  { name: 'formatting', script: '@biomejs/biome/bin/biome', args: ['format', '.'], advice: 'npm run format' },
  { name: 'lint', script: 'oxlint/bin/oxlint', args: ['--type-aware', '--deny-warnings'], advice: null },
  {
    name: 'types',
    script: 'typescript/bin/tsc',
    args: ['-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', TYPES_FILE],
    advice: null,
  },
  { name: 'types of the domain', script: 'typescript/bin/tsc', args: ['-p', 'domain/tsconfig.json'], advice: null },
];

/** What `npm run check` leaves out, because it is to take seconds. */
const LATER = [
  { what: 'the exhaustive tests: every case there is, every recorded history', needs: 'time', command: 'npm test' },
  { what: 'the tests of real servers and databases', needs: 'minutes', command: 'npm test' },
];

/** What `npm test` leaves out, because it needs what is not on every machine. */
const ELSEWHERE = [
  { what: 'the rollout rules for five operations', needs: 'five minutes', command: 'npm run test:lives' },
  { what: 'a stop from tctl', needs: 'Go, two minutes on first use', command: 'npm run test:tctl' },
  { what: "a stop from the Temporal UI's dialog", needs: 'Chromium or Chrome', command: 'npm run test:ui' },
  { what: 'the Temporal server built by Go', needs: 'Go, six minutes on first use', command: 'npm run test:go' },
  { what: 'Windows, macOS and musl', needs: 'such a machine', command: 'npm test there' },
];

/** Runs a script of a package. Its output goes to the screen as it comes, or is kept so that it can be said in one piece. */
function run(script, args, { keepsOutput = false } = {}) {
  const startedAt = Date.now();
  const stdio = keepsOutput ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'];
  const program = join(repositoryRoot, 'node_modules', script);
  const child = spawn(process.execPath, [program, ...args], { cwd: repositoryRoot, stdio });
  const output = [];
  child.stdout?.on('data', (part) => output.push(part));
  child.stderr?.on('data', (part) => output.push(part));
  return new Promise((resolve) => {
    const end = (isGood, how) =>
      resolve({ isGood, how, output: Buffer.concat(output).toString(), seconds: (Date.now() - startedAt) / 1000 });
    child.once('error', (error) => end(false, `no start: ${error.message}`));
    child.once('close', (status, signal) => end(status === 0, signal ?? `exit code ${status}`));
  });
}

/** Runs one static check; gives what is to be said of it. */
async function check({ name, script, args, advice }) {
  const { isGood, how, output, seconds } = await run(script, args, { keepsOutput: true });
  const hint = advice === null ? '' : `; ${advice} mends it`;
  if (isGood) return { failed: 0, text: `${name}: good (${seconds.toFixed(1)} s)` };
  return { failed: 1, text: `${output.trimEnd()}\n${name}: FAILED with ${how}${hint}` };
}

/** Runs vitest projects and reads their record. No record, or a bad end that no test explains, is a failure. */
async function runProjects(...names) {
  const project = names.join(' and ');
  const file = join(OUTPUT_FOLDER, `vitest-${names.join('-')}.json`);
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const selected = names.flatMap((name) => ['--project', name]);
  const { isGood, how, seconds } = await run('vitest/vitest.mjs', ['run', ...selected, ...reporters]);
  const counts = existsSync(file) ? countResults(JSON.parse(readFileSync(file, 'utf8'))) : NOTHING;
  if (!isGood && counts.failed === 0) {
    say(`${project} tests: the runner ended with ${how} and no failed test explains it`);
    return { ...counts, failed: 1 };
  }
  say(`${project} tests: ${counts.passed} passed, ${counts.failed} failed (${seconds.toFixed(0)} s)`);
  return counts;
}

const NOTHING = { passed: 0, failed: 0, skipped: [] };

/** A file that could not even be loaded has no tests in the record; it counts as one failure. */
export function countResults(record) {
  const files = record.testResults;
  const tests = files.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: file.name })));
  const brokenFiles = files.filter((file) => file.status === 'failed' && !file.assertionResults.some(hasFailed));
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: tests.filter(hasFailed).length + brokenFiles.length,
    skipped: tests
      .filter((test) => test.status !== 'passed' && !hasFailed(test))
      .map((test) => `${relative(repositoryRoot, test.file)}: ${test.fullName}`),
  };
}

function hasFailed(test) {
  return test.status === 'failed';
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

function sayWhatWasNotRun(mode, skipped) {
  say('\nNot run here:');
  const others = mode === 'all' ? ELSEWHERE : LATER;
  for (const { what, needs, command } of others) say(`  ${what} (needs ${needs}): ${command}`);
  for (const test of skipped)
    say(`  ${test} (skipped by the test itself: what it needs is not here, or does not apply)`);
}

async function main(mode) {
  mkdirSync(OUTPUT_FOLDER, { recursive: true });
  for (const file of [RESULTS_FILE, CORPUS_FILE]) rmSync(file, { force: true });
  // The static checks run beside the unit tests, and what they found stands below those, where it is seen.
  const [unit, ...checks] = await Promise.all([runProjects('unit'), ...CHECKS.map(check)]);
  for (const { text } of checks) say(text);
  const projects = [unit];
  // Together, so that no processor idles while the longest of them ends; still two files at a time.
  if (mode === 'all') projects.push(await runProjects('exhaustive', 'integration'));
  const passed = projects.reduce((sum, project) => sum + project.passed, 0);
  const failed = [...projects, ...checks].reduce((sum, each) => sum + each.failed, 0);
  const corpus = readCorpus();
  if (corpus !== null) for (const line of ['', ...corpusSummary(corpus)]) say(line);
  sayWhatWasNotRun(
    mode,
    projects.flatMap((project) => project.skipped),
  );
  if (passed + failed === 0) say('No test ran, which is a failure.');
  writeFileSync(RESULTS_FILE, `${JSON.stringify({ passed, failed })}\n`);
  say(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

const [, script, mode] = process.argv;
if (script !== undefined && script.endsWith('test.mjs')) await main(mode);
