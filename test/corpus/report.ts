import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { REPOSITORY_ROOT } from '../support/repository.js';
import { CASES_FOLDER, type Case } from './cases.js';
import { holdsFor } from './expectation.js';
import { type Happened, problemsOf } from './verdict.js';

/** One case on one server, as `dev/corpus.mjs` prints it. */
export interface CaseReport {
  readonly name: string;
  readonly server: string;
  /** `mended`: right, and still listed as not mended. `not yet`: wrong, and listed as such. */
  readonly standing: 'right' | 'wrong' | 'mended' | 'not yet';
  readonly expected: string;
  readonly outcome: string;
  readonly problems: readonly string[];
  /** What `expected.yaml` says that happens instead; null where nothing is listed. */
  readonly today: string | null;
  readonly plan: string;
  readonly said: string;
}

/** Set by `npm run corpus -- --update`: what happens becomes what `notYet` says. */
const IS_UPDATE = process.env.SKEIN_CORPUS_UPDATE === '1';
const REPORT_FILE = join(REPOSITORY_ROOT, '.skein', 'corpus.json');

/** Judges what happened. */
export function reportOn(one: Case, major: number, happened: Happened): CaseReport {
  const { expectation } = one;
  const { notYet } = expectation;
  const problems = problemsOf(expectation, happened);
  const isListed = notYet !== null && holdsFor(notYet.servers, major);
  const standing = problems.length === 0 ? (isListed ? 'mended' : 'right') : isListed ? 'not yet' : 'wrong';
  return {
    name: one.name,
    server: `PostgreSQL ${major}`,
    standing,
    expected: expectation.expect.join(' or '),
    outcome: happened.outcome,
    problems,
    today: isListed ? notYet.today : null,
    plan: happened.plan,
    said: happened.said,
  };
}

/** What a run of the corpus found. */
export interface CorpusReport {
  readonly reports: readonly CaseReport[];
  /** Major versions that were looked for and not found on this machine. */
  readonly absent: readonly number[];
  /** Whether older servers ran every case, or each a part of them. */
  readonly isWhole: boolean;
}

/** Keeps the reports where `npm test` and `npm run corpus` find them. */
export function writeReport({ reports, absent, isWhole }: CorpusReport): void {
  mkdirSync(join(REPOSITORY_ROOT, '.skein'), { recursive: true });
  const inOrder = reports.toSorted((a, b) => (a.server + a.name < b.server + b.name ? -1 : 1));
  writeFileSync(REPORT_FILE, `${JSON.stringify({ reports: inOrder, absent, isWhole }, null, 1)}\n`);
}

/** Brings `notYet` of a case of this repository up to date with what happened on all servers. */
export function updateExpectation(one: Case, reports: readonly CaseReport[]): void {
  if (!IS_UPDATE || !one.folder.startsWith(CASES_FOLDER) || reports.length === 0) return;
  const wrong = reports.find((report) => report.problems.length > 0);
  const isMended = wrong === undefined && reports.some((report) => report.standing === 'mended');
  const isNew = reports.some((report) => report.standing === 'wrong');
  if (!isMended && !isNew) return;
  const file = join(one.folder, 'expected.yaml');
  const document = parseDocument(readFileSync(file, 'utf8'));
  if (isMended) document.delete('notYet');
  else document.set('notYet', shortened(wrong?.problems[0] ?? 'nobody knows'));
  writeFileSync(file, document.toString({ lineWidth: 0, flowCollectionPadding: false }));
}

const SENTENCE_CHARACTERS_MAX = 200;

function shortened(sentence: string): string {
  const flat = sentence.replaceAll(/\s+/g, ' ');
  return flat.length <= SENTENCE_CHARACTERS_MAX ? flat : `${flat.slice(0, SENTENCE_CHARACTERS_MAX - 2)} …`;
}
