import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startPostgres } from '../../dev/postgres.js';
import { majorOf, type PostgresBinaries } from '../../dev/postgres-binaries.js';
import { findPostgresPrograms } from '../../dev/postgres-programs.js';
import { groupAt, groupsOf } from './case-group.js';
import { type Case, readCases } from './cases.js';
import { CLUSTER_SETTINGS, prepareCluster } from './cluster.js';
import { holdsFor } from './expectation.js';
import { type CaseReport, reportOn, updateExpectation, writeReport } from './report.js';
import { runCase } from './run-case.js';

/**
 * Every case of `test/corpus/postgres`, on the embedded PostgreSQL and on every older one that this machine has. A case has
 * a database of its own, and shares an engine with its neighbours; as many run at once as `maxConcurrency` says.
 * CONTRIBUTING.md says how to add one.
 */
const EMBEDDED_MAJOR = 18;
const OLDER_MAJORS = [14, 15, 16, 17];
/** Set by `npm run corpus`: every case on every server. */
const IS_WHOLE = process.env.SKEIN_CORPUS_WHOLE === '1';
/** A case waits for its turn, and gives up by itself long before. */
const CASE_DEADLINE_MS = 180_000;

const CASES = readCases();
const older = await findPostgresPrograms(OLDER_MAJORS);
const SERVERS: readonly { readonly major: number; readonly programs: PostgresBinaries | null }[] = [
  { major: EMBEDDED_MAJOR, programs: null },
  ...older.map((programs) => ({ major: majorOf(programs), programs })),
];

const reports: CaseReport[] = [];

afterAll(() => {
  for (const one of CASES)
    updateExpectation(
      one,
      reports.filter((report) => report.name === one.name),
    );
  const absent = OLDER_MAJORS.filter((major) => !SERVERS.some((server) => server.major === major));
  writeReport({ reports, absent, isWhole: IS_WHOLE });
});

describe.each(SERVERS)('PostgreSQL $major', ({ major, programs }) => {
  let postgres: EmbeddedPostgres;

  beforeAll(async () => {
    postgres = await startPostgres({
      settings: CLUSTER_SETTINGS,
      inMemory: true,
      ...(programs === null ? {} : { programs }),
    });
    await prepareCluster(postgres);
  });
  const cases = casesFor(major);
  const groups = groupsOf(cases);
  afterAll(async () => {
    for (const group of groups) await group.close(postgres);
    await postgres.stop();
  });

  for (const [position, one] of cases.entries()) {
    it.concurrent(`${one.name}: ${one.expectation.says}`, { timeout: CASE_DEADLINE_MS }, async () => {
      const report = reportOn(one, major, await runCase(postgres, one, groupAt(groups, position)));
      reports.push(report);
      if (report.standing === 'mended') expect.fail(`mended: remove notYet from the expected.yaml of ${one.name}`);
      if (report.standing === 'wrong') expect.fail(report.problems.join('\n'));
    });
  }
});

/** All of them on the embedded server; of the others each takes another part, unless all are asked for. */
function casesFor(major: number): readonly Case[] {
  const cases = CASES.filter(({ expectation }) => holdsFor(expectation.servers, major));
  if (IS_WHOLE || major === EMBEDDED_MAJOR) return cases;
  return cases.filter((_, position) => position % OLDER_MAJORS.length === major % OLDER_MAJORS.length);
}
