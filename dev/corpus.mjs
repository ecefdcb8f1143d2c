/**
 * Runs cases of the corpus (`test/corpus/postgres`) and says what became of each: `npm run corpus -- 35-virtual`. Without
 * a name, every case on every PostgreSQL that this machine has. `--update` writes what happens into `notYet` where a case
 * is wrong, and takes `notYet` away where it is right. `npm test` runs the same cases, and ends with the lines of this file.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { repositoryRoot } from './setup.mjs';

export const CORPUS_FILE = join(repositoryRoot, '.skein', 'corpus.json');
const VITEST = join(repositoryRoot, 'node_modules', 'vitest', 'vitest.mjs');

/** What the last run found, or null. */
export function readCorpus() {
  return existsSync(CORPUS_FILE) ? JSON.parse(readFileSync(CORPUS_FILE, 'utf8')) : null;
}

const inOrder = (a, b) => (a < b ? -1 : 1);

/** What `npm test` says of the corpus: how many cases are right, which are not mended yet, and which servers were not there. */
export function corpusSummary({ reports, absent, isWhole }) {
  const servers = [...new Set(reports.map((report) => report.server))].toSorted(inOrder).toReversed();
  const counts = servers.map((server) => {
    const cases = reports.filter((report) => report.server === server);
    const right = cases.filter((report) => report.standing === 'right' || report.standing === 'mended');
    return `${right.length} of ${cases.length} cases are right on ${server}`;
  });
  const waiting = reports.filter((report) => report.standing === 'not yet');
  const names = [...new Set(waiting.map((report) => report.name))].toSorted(inOrder);
  const lines = names.map((name) => {
    const [first, ...others] = waiting.filter((report) => report.name === name);
    const onAll = others.length + 1 === reports.filter((report) => report.name === name).length;
    return `  ${name}${onAll ? '' : ` (${first.server})`}: ${first.today}`;
  });
  const part =
    isWhole || servers.length < 2 ? [] : ['Older servers run a part of the cases each; npm run corpus runs all.'];
  return [
    `Corpus: ${counts.join(', ')}.`,
    ...part,
    ...(absent.length === 0 ? [] : [`Not found on this machine: PostgreSQL ${absent.join(', ')}.`]),
    ...(names.length === 0 ? [] : [`Not mended yet (${names.length}), by name:`, ...lines]),
  ];
}

/** What happened to each case, with its plan where only a few were asked for. */
function details(reports, isFew) {
  return reports.flatMap(({ server, name, standing, expected, outcome, problems, plan, said }) => [
    `${standing.padEnd(7)} ${name} (${server}): ${outcome}, expected ${expected}`,
    ...problems.map((problem) => `          ${problem.replaceAll(/\s+/g, ' ')}`),
    ...(isFew ? [plan, said].filter((text) => text !== '').map((text) => text.replaceAll(/^/gm, '        | ')) : []),
  ]);
}

function main(given) {
  const names = given.filter((each) => !each.startsWith('--'));
  rmSync(CORPUS_FILE, { force: true });
  const pattern = names.length === 0 ? [] : ['-t', names.join('|')];
  const { status } = spawnSync(
    process.execPath,
    [VITEST, 'run', '--project', 'integration', 'test/corpus', '--reporter=dot', ...pattern],
    {
      cwd: repositoryRoot,
      stdio: 'inherit',
      env: {
        ...process.env,
        SKEIN_CORPUS_WHOLE: '1',
        ...(given.includes('--update') ? { SKEIN_CORPUS_UPDATE: '1' } : {}),
      },
    },
  );
  const corpus = readCorpus();
  const lines =
    corpus === null
      ? ['The corpus was not run.']
      : [...details(corpus.reports, names.length > 0), ...corpusSummary(corpus)];
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = status ?? 1;
}

const [, script, ...given] = process.argv;
if (script !== undefined && script.endsWith('corpus.mjs')) main(given);
