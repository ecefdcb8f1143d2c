import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SkeinError } from '../../client/errors.js';
import { readSpecFile } from '../../client/spec-file.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-spec-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const GOOD = `database: orders
type: postgres
environment: production
schema: ./schema
deployments:
  - { name: eu, target: orders_eu }
  - { name: us, target: orders_us, queue: skein-us }
rollout: { maxConcurrency: "50%" }
`;

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return join(folder, 'rollout.yaml');
}

/** Problems with the temporary folder taken out of their paths. */
async function problemsOf(path: string): Promise<readonly string[]> {
  const error: unknown = await readSpecFile(path).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SkeinError)) throw new Error(`expected a SkeinError, got ${String(error)}`);
  expect(error.kind).toBe('invalid_spec');
  expect(error.message).toContain('nothing was started');
  return error.problems.map((problem) => problem.replaceAll(/\S*\/(?=rollout\.yaml|schema)/g, ''));
}

describe('a spec without mistakes', () => {
  test('is read with every default filled in, and its schema by namespace', async () => {
    const file = await readSpecFile(
      await write({
        'rollout.yaml': GOOD,
        'schema/public/orders.sql': 'CREATE TABLE orders (id bigint);',
        'schema/public/README.md': 'not SQL',
        'schema/audit/log.sql': 'CREATE TABLE log (id bigint);',
        'schema/.hidden/x.sql': 'ignored',
      }),
    );
    expect(file.spec.deployments).toEqual([
      { name: 'eu', target: 'orders_eu', queue: 'skein' },
      { name: 'us', target: 'orders_us', queue: 'skein-us' },
    ]);
    expect(file.spec.rollout).toEqual({
      maxConcurrency: '50%',
      onFailure: 'halt',
      failureTolerance: 0,
      cutover: 'rolling',
      inFlight: 'finish',
      waves: [],
    });
    expect(file.schemaFiles).toEqual({
      audit: { 'log.sql': 'CREATE TABLE log (id bigint);' },
      public: { 'orders.sql': 'CREATE TABLE orders (id bigint);' },
    });
  });
});

describe('a spec with mistakes', () => {
  test('five mistakes are five problems, each with its line, all at once', async () => {
    const problems = await problemsOf(
      await write({
        'rollout.yaml': `database: orders
type: postgres
environment: "pro duction"
schema: ./schema
deployments:
  - { name: eu, target: orders_eu }
  - { name: eu, target: orders_us }
  - name: ap
rollout:
  onFailure: explode
  maxConcurrency: 0
`,
        'schema/public/orders.sql': 'CREATE TABLE orders (id bigint);',
      }),
    );
    expect(problems).toHaveLength(5);
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
      'rollout.yaml:3:1 environment',
      'rollout.yaml:7:7 deployments[1].name',
      'rollout.yaml:8:5 deployments[2].target',
      'rollout.yaml:10:3 rollout.onFailure',
      'rollout.yaml:11:3 rollout.maxConcurrency',
    ]);
  });

  test('problems of the spec and of its schema folder are listed together', async () => {
    const problems = await problemsOf(
      await write({
        'rollout.yaml': GOOD.replace('database: orders\n', ''),
        'schema/orders.sql': 'CREATE TABLE orders (id bigint);',
        'schema/public/empty.sql': '  \n',
        'schema/audit/latin1.sql': new Uint8Array([0x43, 0xe9]),
      }),
    );
    expect(problems).toEqual([
      'rollout.yaml:1:1 database: is missing',
      'schema/audit/latin1.sql: is not UTF-8 text',
      expect.stringMatching(/^schema\/orders\.sql: must be in a folder named after its namespace/),
      expect.stringMatching(/^schema\/public: has no \*\.sql file with a statement in it/),
    ]);
  });

  test('a namespace of comments alone is as empty as one without files: it would drop all of its tables', async () => {
    for (const empty of ['', ' \n', '-- CREATE TABLE orders (id int);', '/* later */ ;\n;']) {
      const path = await write({ 'rollout.yaml': GOOD, 'schema/public/orders.sql': empty });
      expect(await problemsOf(path), empty).toEqual([
        expect.stringMatching(/^schema\/public: has no \*\.sql file with a statement in it/),
      ]);
    }
    const commented = '-- ours\nCREATE TABLE orders (id int);';
    const path = await write({ 'rollout.yaml': GOOD, 'schema/public/orders.sql': commented });
    expect((await readSpecFile(path)).schemaFiles).toEqual({ public: { 'orders.sql': commented } });
  });

  test('a wave with a deployment that the spec does not have is shown with the line of the wave', async () => {
    const problems = await problemsOf(
      await write({
        'rollout.yaml': GOOD.replace(
          'maxConcurrency: "50%"',
          'waves: [{ name: canary, deployments: [eu, mars] }, { name: rest, match: "u*", gate: maybe }]',
        ),
        'schema/public/orders.sql': 'SELECT 1;',
      }),
    );
    expect(problems).toEqual([
      expect.stringMatching(/^rollout\.yaml:8:\d+ rollout\.waves\[0\]\.deployments\[1\]: "mars" is no deployment/),
      expect.stringMatching(/^rollout\.yaml:8:\d+ rollout\.waves\[1\]\.gate: must be one of auto, manual, got "maybe"/),
    ]);
  });

  test('text that is not YAML is one problem with its line, and nothing is guessed about the rest', async () => {
    const problems = await problemsOf(await write({ 'rollout.yaml': 'database: [orders\ntype: postgres\n' }));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(/^rollout\.yaml:\d+:\d+: /);
    expect(problems.some((problem) => problem.includes('is missing'))).toBe(false);
  });

  test('a key written twice is a problem beside the others', async () => {
    const problems = await problemsOf(
      await write({
        'rollout.yaml': `${GOOD}type: mysql\nenviroment: staging\n`,
        'schema/public/orders.sql': 'SELECT 1;',
      }),
    );
    expect(problems).toEqual([
      expect.stringMatching(/^rollout\.yaml:9:1: .*unique/),
      expect.stringMatching(/^rollout\.yaml:10:1 enviroment: is not a known setting/),
    ]);
  });

  test('a file that is not there, a schema that is not named and a folder that is not there say so', async () => {
    expect(await problemsOf(join(folder, 'rollout.yaml'))).toEqual([
      'rollout.yaml: cannot be read: no such file or folder',
    ]);
    expect(await problemsOf(await write({ 'rollout.yaml': GOOD.replace('schema: ./schema\n', '') }))).toEqual([
      expect.stringMatching(/^rollout\.yaml:1:1 schema: must name the folder/),
    ]);
    expect(await problemsOf(await write({ 'rollout.yaml': GOOD }))).toEqual([
      'schema: cannot be read: no such file or folder',
    ]);
  });

  test('a schema above the limit names its size, the limit and its largest file', async () => {
    const problems = await problemsOf(
      await write({
        'rollout.yaml': GOOD,
        'schema/public/small.sql': 'SELECT 1;',
        'schema/public/large.sql': `-- ${'x'.repeat(1_048_576)}`,
      }),
    );
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /^schema: is \d+ bytes as JSON and the limit is 1048576; the largest file is .*large\.sql/,
    );
  });
});
