import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../../../client/cli/program.js';
import type { ApplyStatus } from '../../../client/index.js';
import { writeRolloutFiles } from '../../../dev/rollout-files.js';
import { type Stack, startStack } from '../../../dev/stack.js';
import { until } from '../../support/until.js';
import { recordedTerminal } from './terminal.js';

/** Every command against the real thing: Temporal server, worker process, engine processes, PostgreSQL. */

const DEPLOYMENTS = ['eu', 'us'] as const;
const COLUMNS = 'id bigint PRIMARY KEY, customer bigint NOT NULL, note text';
const ROWS = 2_000;

let stack: Stack;
let folder: string;
/** Statements that some test has rolled out everywhere; every later spec keeps them. */
const done: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-cli-'));
  stack = await startStack({ deployments: DEPLOYMENTS.map((name) => ({ name, target: `orders_${name}` })) });
  for (const name of DEPLOYMENTS) {
    await sql(name, `CREATE TABLE orders (${COLUMNS})`);
    await sql(name, `INSERT INTO orders SELECT n, n % 100, 'note ' || n FROM generate_series(1, ${ROWS}) n`);
  }
});

afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Every test begins with what the tests before it rolled out everywhere, and nothing else. */
afterEach(async () => {
  for (const release of holders) await release();
  for (const name of DEPLOYMENTS) {
    await sql(name, 'DROP TABLE IF EXISTS stray');
    await sql(name, 'DELETE FROM orders WHERE id = 0');
    const indexes = await sql(name, "SELECT indexname FROM pg_indexes WHERE tablename = 'orders'");
    for (const { indexname } of indexes) {
      const index = String(indexname);
      if (index !== 'orders_pkey' && !done.some((statement) => statement.includes(` ${index} `)))
        await sql(name, `DROP INDEX ${index}`);
    }
  }
});

async function sql(deployment: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Postgres({ connectionString: stack.deployment(deployment).dsn });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function hasIndex(deployment: string, name: string): Promise<boolean> {
  const rows = await sql(
    deployment,
    `SELECT 1 FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname = '${name}' AND i.indisvalid`,
  );
  return rows.length === 1;
}

/** What holds something up at the moment. */
const holders = new Set<() => Promise<void>>();

/** An index build of this deployment waits as long as this transaction is open. */
async function hold(deployment: string): Promise<() => Promise<void>> {
  const client = new Postgres({ connectionString: stack.deployment(deployment).dsn });
  // The server may be gone before the connection is, when a test fails in between.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT count(*) FROM orders');
  const release = async () => {
    if (holders.delete(release)) await client.end();
  };
  holders.add(release);
  return release;
}

/** A spec of everything that is there and the statements given, in a folder of its own. */
async function specFile(statements: readonly string[], rollout: Record<string, string | number> = {}): Promise<string> {
  const files = await writeRolloutFiles({
    folder: await mkdtemp(join(folder, 'spec-')),
    database: 'orders',
    environment: 'test',
    deployments: DEPLOYMENTS.map((name) => ({ name, target: `orders_${name}` })),
    rollout,
    schema: { 'orders.sql': [`CREATE TABLE orders (${COLUMNS});`, ...done, ...statements, ''].join('\n') },
  });
  return files.path;
}

/** Starts an apply of one new index that `us` holds up until it is let go; `eu` runs first and is done. */
async function startHeld(apply: string, index: string): Promise<{ path: string; release: () => Promise<void> }> {
  const statement = `CREATE INDEX ${index} ON orders (note);`;
  const path = await specFile([statement]);
  const release = await hold('us');
  const started = await skein('apply', '-f', path, '-y', '--detach', '--id', apply);
  expect(started).toMatchObject({ exitCode: 0, out: expect.stringMatching(new RegExp(`^${apply}$`, 'm')) });
  await untilRunning(apply, 'us');
  return {
    path,
    release: async () => {
      await release();
      done.push(statement);
    },
  };
}

async function skein(...commandLine: readonly string[]) {
  const terminal = recordedTerminal(stack.environment);
  const exitCode = await runProgram(commandLine, terminal);
  return { exitCode, out: terminal.out(), errors: terminal.errors() };
}

/** The one object that a command prints with `-o json`. */
async function skeinJson(...commandLine: readonly string[]): Promise<{ exitCode: number; answer: unknown }> {
  const { exitCode, out } = await skein(...commandLine, '-o', 'json');
  const lines = out.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  return { exitCode, answer: JSON.parse(lines[0] ?? '') };
}

/** For the commands that print the status of an apply at its end. */
async function skeinStatus(...commandLine: readonly string[]): Promise<{ exitCode: number; answer: ApplyStatus }> {
  const { exitCode, answer } = await skeinJson(...commandLine);
  return { exitCode, answer: answer as ApplyStatus }; // the contract of these commands
}

async function statusOf(apply: string): Promise<ApplyStatus> {
  return (await skeinStatus('status', apply)).answer;
}

function statesOf(status: ApplyStatus): Record<string, string> {
  return Object.fromEntries(status.operations.map(({ deployment, state }) => [deployment, state]));
}

/** Running, and said so by its watch, which knows the remote apply. */
async function untilRunning(apply: string, deployment: string): Promise<ApplyStatus> {
  return await until(async () => {
    const status = await statusOf(apply);
    const operation = status.operations.find((candidate) => candidate.deployment === deployment);
    return operation?.state === 'running' && operation.remoteApplyId !== null ? status : null;
  });
}

describe('plan and apply', () => {
  const statement = 'CREATE INDEX orders_customer ON orders (customer);';

  test('a reviewed plan is written to a file, applied from there, and really there afterwards', async () => {
    const path = await specFile([statement]);
    const planFile = join(folder, 'plan.json');
    const planned = await skein('plan', '-f', path, '--out', planFile);
    expect(planned).toMatchObject({ exitCode: 0 });
    expect(planned.out).toContain('eu, us  plan ');
    expect(planned.out).toContain('CREATE INDEX CONCURRENTLY orders_customer');
    expect(await hasIndex('eu', 'orders_customer')).toBe(false);

    const applied = await skein('apply', planFile, '-y', '--id', 'first');
    expect(applied).toMatchObject({ exitCode: 0 });
    expect(applied.errors).toMatch(/^apply first$/m);
    expect(await hasIndex('eu', 'orders_customer')).toBe(true);
    expect(await hasIndex('us', 'orders_customer')).toBe(true);

    const again = await skein('apply', '-f', path, '-y', '--id', 'first');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.errors).toContain('attached');
    done.push(statement);
  });

  test('another spec under an id that is taken is a conflict that shows the difference, and starts nothing', async () => {
    const path = await specFile(['CREATE INDEX orders_other ON orders (note);'], { onFailure: 'pause' });
    const refused = await skein('apply', '-f', path, '-y', '--id', 'first');
    expect(refused).toMatchObject({ exitCode: 65, out: '' });
    expect(refused.errors).toContain('rollout.onFailure: - "halt", + "pause"');
    expect(refused.errors).toContain('+ CREATE INDEX orders_other ON orders (note);');
    expect(await hasIndex('eu', 'orders_other')).toBe(false);
  });

  test('where every schema is there already, nothing is dispatched and the apply is completed', async () => {
    const { exitCode, answer } = await skeinStatus('apply', '-f', await specFile([]), '-y');
    expect(exitCode).toBe(0);
    expect(answer.apply).toMatch(/^orders-[0-9a-z]{8}$/);
    expect(answer.operations.map(({ started, reason }) => [started, reason])).toEqual([
      [false, 'nothing_to_do'],
      [false, 'nothing_to_do'],
    ]);
  });

  test('a dry run and a plan that is refused start nothing', async () => {
    const path = await specFile(['CREATE INDEX orders_dry ON orders (note);']);
    expect(await skein('apply', '-f', path, '--dry-run', '--id', 'dry')).toMatchObject({ exitCode: 0 });
    expect(await skein('status', 'dry')).toMatchObject({ exitCode: 64 });

    await sql('us', 'CREATE TABLE stray (id bigint PRIMARY KEY)');
    const drifted = await skein('apply', '-f', path, '-y', '--id', 'dry');
    expect(drifted).toMatchObject({ exitCode: 1 });
    expect(drifted.errors).toContain('DROP TABLE');
    expect(await skein('plan', '-f', path)).toMatchObject({ exitCode: 1 });
    expect(await skein('status', 'dry')).toMatchObject({ exitCode: 64 });
  });

  test('an apply that has ended can be looked at in every way', async () => {
    expect(await statusOf('first')).toMatchObject({
      apply: 'first',
      state: 'completed',
      detail: 'full',
      waitingFor: null,
      database: 'orders',
      environment: 'test',
      counts: { completed: 2 },
      interrupted: null,
      resumableUntil: expect.any(String),
    });
    expect(await skein('watch', 'first')).toMatchObject({ exitCode: 0, out: expect.stringContaining('2 of 2 ended') });
    expect((await skein('why', 'first')).out).toContain('first is completed');
    const { answer } = await skeinJson('list');
    expect(answer).toEqual({
      applies: expect.arrayContaining([expect.objectContaining({ apply: 'first', state: 'completed' })]),
    });
    const logs = await skein('logs', 'first', '--deployment', 'eu');
    expect(logs.exitCode).toBe(0);
    expect(logs.out).toContain('CREATE INDEX CONCURRENTLY orders_customer');
    expect(logs.out).not.toMatch(/ us /);
    expect(await skein('stop', 'first')).toMatchObject({ exitCode: 0, out: expect.stringContaining('nothing left') });
    expect(await skein('start', 'first')).toMatchObject({ exitCode: 1 });
  });
});

test('the example program starts an apply with the library and follows it to its end', async () => {
  const statement = 'CREATE INDEX orders_example ON orders (note);';
  const path = await specFile([statement]);
  const program = fileURLToPath(new URL('../../../examples/start-apply.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, path, 'example'], {
    env: stack.environment,
  });
  expect(stdout).toContain('started example');
  expect(stdout).toContain('completed: eu completed, us completed');
  expect(await hasIndex('us', 'orders_example')).toBe(true);
  done.push(statement);
});

describe('a rollout that fails', () => {
  test('halts with exit code 1, and one retry finishes all that is left once the cause is gone', async () => {
    await sql('eu', "INSERT INTO orders VALUES (0, 0, 'note 1')");
    const statement = 'CREATE UNIQUE INDEX orders_note ON orders (note);';
    const path = await specFile([statement]);
    const failed = await skein('apply', '-f', path, '-y', '--id', 'halted');
    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.out).toContain('is duplicated');
    expect(statesOf(await statusOf('halted'))).toEqual({ eu: 'failed', us: 'stopped' });

    const refused = await skein('start', 'halted');
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.errors).toContain('retry halted --deployment eu');
    expect((await skein('why', 'halted')).out).toContain('skein retry halted --deployment eu');

    await sql('eu', 'DELETE FROM orders WHERE id = 0');
    const { exitCode, answer } = await skeinStatus('retry', 'halted');
    expect(exitCode).toBe(0);
    expect(answer.operations.map(({ state, attempt }) => [state, attempt])).toEqual([
      ['completed', 1],
      ['completed', 0],
    ]);
    expect(await hasIndex('us', 'orders_note')).toBe(true);
    done.push(statement);
  });

  test('paused, it waits for a human with exit code 4 until it is released', async () => {
    await sql('eu', "INSERT INTO orders VALUES (0, 0, 'x')");
    const path = await specFile(['CREATE UNIQUE INDEX orders_customer_key ON orders (customer);'], {
      onFailure: 'pause',
    });
    const waiting = await skein('apply', '-f', path, '-y', '--id', 'paused');
    expect(waiting).toMatchObject({ exitCode: 4 });
    expect(waiting.out).toContain('skein release paused');
    expect(await skein('why', 'paused')).toMatchObject({ exitCode: 4 });

    expect(await skein('start', 'paused')).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('paused, not stopped'),
    });
    expect(await skein('stop', 'paused', '--environment', 'production')).toMatchObject({ exitCode: 1 });
    const skipped = await skein('skip', 'paused', '--deployment', 'us', '--reason', 'not now');
    expect(skipped).toMatchObject({ exitCode: 0, out: expect.stringContaining('skipped') });
    expect(await skein('watch', 'paused')).toMatchObject({ exitCode: 1 });
    expect(statesOf(await statusOf('paused'))).toEqual({ eu: 'failed', us: 'stopped' });
    expect(await skein('release', 'paused')).toMatchObject({ exitCode: 1 });
  });
});

describe('stop, start and cancel', () => {
  test('what runs is stopped on its engine, and start goes on with the same remote apply', async () => {
    const { release } = await startHeld('held', 'orders_held');
    const before = await statusOf('held');
    const stopped = await skeinStatus('stop', 'held', '--wait');
    expect(stopped.exitCode).toBe(3);
    expect(statesOf(stopped.answer)).toEqual({ eu: 'completed', us: 'stopped' });
    expect(stopped.answer.controls).toEqual([expect.objectContaining({ name: 'stop', settledAt: expect.any(String) })]);

    await release();
    const resumed = await skeinStatus('start', 'held');
    expect(resumed.exitCode).toBe(0);
    expect(resumed.answer.operations.map(({ remoteApplyId }) => remoteApplyId)).toEqual(
      before.operations.map(({ remoteApplyId }) => remoteApplyId),
    );
  });

  test('cancel ends it for good, and a retry is a new attempt', async () => {
    const { release } = await startHeld('ended', 'orders_ended');
    const { answer: report } = await skeinJson('cancel', 'ended');
    expect(report).toMatchObject({ answer: 'accepted', deployments: { eu: 'ended', us: 'stopping' } });
    // The engine removes the unfinished index before it calls the apply cancelled, and the open transaction blocks that too.
    await until(async () =>
      (await statusOf('ended')).operations.some(({ waitingOn }) => waitingOn.includes('cleaning up')),
    );
    await release();
    expect(await skein('watch', 'ended')).toMatchObject({ exitCode: 3 });
    expect(statesOf(await statusOf('ended'))).toEqual({ eu: 'completed', us: 'cancelled' });
    expect(await skein('start', 'ended')).toMatchObject({ exitCode: 1 });
    const { exitCode, answer } = await skeinStatus('retry', 'ended', '--deployment', 'us');
    expect(exitCode).toBe(0);
    expect(answer.operations.map(({ attempt }) => attempt)).toEqual([0, 1]);
  });

  test('an apply that was terminated says so, is not started by apply, and is taken up where it was by start', async () => {
    const { path, release } = await startHeld('lost', 'orders_lost');
    const before = await statusOf('lost');
    const connection = await Connection.connect({ address: stack.temporal.address });
    await new Client({ connection }).workflow.getHandle('lost').terminate('a mistake');
    await connection.close();

    const interrupted = await skeinStatus('status', 'lost');
    expect(interrupted).toMatchObject({ exitCode: 1, answer: { interrupted: 'terminated' } });
    expect((await skein('why', 'lost')).out).toContain('skein start lost');
    expect(await skein('apply', '-f', path, '-y', '--id', 'lost')).toMatchObject({ exitCode: 1 });
    expect(await skein('stop', 'lost')).toMatchObject({ exitCode: 1 });

    await release();
    const { exitCode, answer } = await skeinStatus('start', 'lost');
    expect(exitCode).toBe(0);
    expect(answer.operations.map(({ remoteApplyId }) => remoteApplyId)).toEqual(
      before.operations.map(({ remoteApplyId }) => remoteApplyId),
    );
  });
});

describe('what is not there exits with 69 and says what to start', () => {
  test('a namespace that does not exist', async () => {
    const terminal = recordedTerminal({ ...stack.environment, TEMPORAL_NAMESPACE: 'nowhere' });
    expect(await runProgram(['list'], terminal)).toBe(69);
    expect(terminal.errors()).toContain('no namespace "nowhere"');
  });

  test('an engine that is down, by the name of its deployment', async () => {
    const path = await specFile(['CREATE INDEX orders_down ON orders (note);']);
    await stack.deployment('us').engine.stop();
    const { exitCode, errors } = await skein('plan', '-f', path);
    await stack.deployment('us').engine.start();
    expect(exitCode).toBe(69);
    expect(errors).toContain('us could not be asked for a plan');
    expect(errors).toContain('skein engine');
  });

  test('a queue that no worker serves, by its name', async () => {
    const path = await specFile(['CREATE INDEX orders_far ON orders (note);']);
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replace('target: orders_us', 'target: orders_us\n    queue: far'),
    );
    const { exitCode, errors } = await skein('plan', '-f', path);
    expect(exitCode).toBe(69);
    expect(errors).toContain('no worker answers on task queue far-calls');
  });

  test('no worker: the status is told from history, a stop is recorded, and takes effect when a worker runs', async () => {
    const { path, release } = await startHeld('alone', 'orders_alone');
    await stack.worker.crash();

    const status = await statusOf('alone');
    expect(status).toMatchObject({ detail: 'coarse', state: 'running', counts: { completed: 1 } });
    expect(statesOf(status)).toEqual({ eu: 'completed', us: 'running' });
    const stopped = await skeinJson('stop', 'alone');
    expect(stopped).toEqual({ exitCode: 69, answer: expect.objectContaining({ answer: 'recorded' }) });
    // Side by side: each waits in vain for an answer, which takes seconds.
    const [why, released, refused] = await Promise.all([
      skein('why', 'alone'),
      skein('release', 'alone'),
      skein('plan', '-f', path),
    ]);
    expect(why.out).toContain('alone is stopping');
    expect(why.out).toContain('skein worker');
    expect(released).toMatchObject({ exitCode: 69, errors: expect.stringContaining('cannot be told') });
    expect(refused).toMatchObject({ exitCode: 69 });
    expect(refused.errors).toContain('skein worker');

    await stack.worker.start();
    expect(await skein('watch', 'alone')).toMatchObject({ exitCode: 3 });
    expect(statesOf(await statusOf('alone'))).toEqual({ eu: 'completed', us: 'stopped' });
    await release();
    expect(await skein('start', 'alone')).toMatchObject({ exitCode: 0 });
  }, 120_000);
});
