import { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EmbeddedPostgres } from '../../dev/postgres.js';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import { State } from '../../proto/gen/tern.js';
import { testPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';
import { RawClient } from './raw-client.js';

const LIVE = 'CREATE TABLE readers (id bigint PRIMARY KEY, name text, age integer);';
const WITH_INDEX = { public: { 'readers.sql': `${LIVE} CREATE INDEX readers_name ON readers (name);` } };
const WITH_COLUMN = { public: { 'readers.sql': LIVE.replace('age integer', 'age integer, nick text') } };
const WITH_UNIQUE = {
  public: { 'readers.sql': LIVE.replace('age integer', 'age integer UNIQUE, nick text') },
};

let postgres: EmbeddedPostgres;
let engine: RunningEngine;
let client: RawClient;
let admin: Client;
let databases = 0;

beforeAll(async () => {
  postgres = await testPostgres();
});

beforeEach(async () => {
  const dsn = await postgres.createDatabase(`stop_${(databases += 1)}`);
  admin = await connect(dsn, 'admin');
  await admin.query(
    `${LIVE} INSERT INTO readers SELECT n, 'reader ' || n, n % 50 FROM generate_series(1, 20000) n; ANALYZE readers;`,
  );
  engine = await startEngine({ listen: '127.0.0.1:0', targets: { readers: dsn }, lockPatienceMs: 500 });
  client = new RawClient(engine.address);
});

afterEach(async () => {
  client.close();
  await engine.stop();
  await admin.end();
});

async function connect(dsn: string, name: string): Promise<Client> {
  const connection = new Client({ connectionString: dsn, application_name: name });
  // A test may end it from the server's side.
  connection.on('error', () => undefined);
  await connection.connect();
  return connection;
}

/** Another session that has begun a transaction with these statements and leaves it open. */
async function openTransaction(statements: string): Promise<Client> {
  const session = await connect(postgres.dsn(`stop_${databases}`), 'reporting');
  onTestFinished(() => session.end());
  await session.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; ${statements}`);
  return session;
}

async function apply(files: typeof WITH_INDEX, options: Record<string, string> = {}): Promise<string> {
  const { planId, errors } = await client.plan('readers', files);
  expect(errors).toEqual([]);
  const answer = await client.apply({ planId, target: 'readers', idempotencyKey: `key ${Math.random()}`, options });
  expect(answer.errorMessage).toBe('');
  return answer.applyId;
}

async function invalidIndexes(): Promise<readonly string[]> {
  const { rows } = await admin.query<{ name: string }>(
    'SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid',
  );
  return rows.map(({ name }) => name);
}

describe('an index build that waits for an old snapshot', () => {
  it('names the session it waits for, and a stop ends it in about a second with nothing left behind', async () => {
    const reporting = await openTransaction('SELECT 1');
    const applyId = await apply(WITH_INDEX);
    const waiting = await until(async () => {
      const answer = await client.progress(applyId);
      return answer.metadata['blocker_pid'] === undefined ? null : answer;
    });
    const { rows } = await reporting.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect(waiting.state).toBe(State.STATE_RUNNING);
    expect(waiting.metadata).toMatchObject({
      phase: 'waiting for old snapshots',
      blocker_pid: String(rows[0]?.pid),
      blocker_application: 'reporting',
      blocker_state: 'idle in transaction',
    });
    expect(waiting.tables[0]?.progressDetail).toContain(
      `waiting for old snapshots, blocked by pid ${rows[0]?.pid} (reporting`,
    );
    expect(waiting.tables[0]?.percentComplete).toBeGreaterThanOrEqual(98);

    const before = Date.now();
    expect((await client.stop(applyId)).accepted).toBe(true);
    const stopped = await client.untilState(applyId, [State.STATE_STOPPED]);
    expect(Date.now() - before).toBeLessThan(3_000);
    expect(stopped.tables[0]?.status).toBe('stopped');
    expect(await invalidIndexes()).toEqual([]);

    await reporting.query('COMMIT');
    expect((await client.start(applyId)).accepted).toBe(true);
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect((await client.planDiff('readers', WITH_INDEX)).changes).toEqual([]);
  });

  it('is stopped also while the unfinished index cannot be dropped, which then happens as soon as it can', async () => {
    // The session has read the table, so nobody gets the lock that dropping the index needs.
    const reporting = await openTransaction('SELECT count(*) FROM readers');
    const applyId = await apply(WITH_INDEX);
    await until(async () => (await client.progress(applyId)).metadata['blocker_pid'] !== undefined);
    await client.stop(applyId);
    await client.untilState(applyId, [State.STATE_STOPPED], 5_000);
    expect(await invalidIndexes()).toEqual(['readers_name']);
    const { logs } = await client.logs(applyId);
    expect(logs.find((line) => line.eventType === 'leftover')?.message).toContain('reporting');
    // What is unfinished counts as missing: the plan is the one that was reviewed.
    const difference = await client.planDiff('readers', WITH_INDEX);
    expect(difference.changes[0]?.tableChanges.map(({ ddl }) => ddl)).toEqual([
      'CREATE INDEX CONCURRENTLY readers_name ON public.readers USING btree (name)',
    ]);
    expect(difference.existingCopies).toMatchObject([
      { namespace: 'public', tables: ['readers'], disposition: 'discard' },
    ]);

    await reporting.query('COMMIT');
    await until(async () => (await invalidIndexes()).length === 0);
    expect((await client.progress(applyId)).state).toBe(State.STATE_STOPPED);
  });

  it('leaves no unfinished index when it is cancelled, however long that takes', async () => {
    const reporting = await openTransaction('SELECT count(*) FROM readers');
    const applyId = await apply(WITH_INDEX);
    await until(async () => (await client.progress(applyId)).metadata['blocker_pid'] !== undefined);
    await client.cancel(applyId);
    await until(
      async () => (await client.progress(applyId)).tables[0]?.progressDetail.startsWith('cleaning up') === true,
    );
    expect((await client.progress(applyId)).state).toBe(State.STATE_RUNNING);
    await reporting.query('COMMIT');
    await client.untilState(applyId, [State.STATE_CANCELLED]);
    expect(await invalidIndexes()).toEqual([]);
  });
});

describe('a brief step that does not get its lock', () => {
  it('never makes writers wait for long, says who holds the lock, and goes on when it is free', async () => {
    const reporting = await openTransaction('SELECT count(*) FROM readers');
    const applyId = await apply(WITH_COLUMN);
    const waiting = await until(async () => {
      const [table] = (await client.progress(applyId)).tables;
      return table?.progressDetail.includes('attempt 3') === true ? table : null;
    });
    expect(waiting.progressDetail).toMatch(
      /^waiting for lock, attempt 3, blocker pid \d+ \(reporting, idle in transaction/,
    );
    // Writers queue behind the step for no longer than its lock time-out.
    let worstMs = 0;
    for (let write = 0; write < 20; write += 1) {
      const before = Date.now();
      await admin.query('UPDATE readers SET age = age + 1 WHERE id = $1', [write]);
      worstMs = Math.max(worstMs, Date.now() - before);
    }
    expect(worstMs).toBeLessThan(1_000);
    await reporting.query('COMMIT');
    await client.untilState(applyId, [State.STATE_COMPLETED]);
  });

  it('is shown as a pause when it has waited for long, and as running once it goes on', async () => {
    const reporting = await openTransaction('SELECT count(*) FROM readers');
    const applyId = await apply(WITH_COLUMN);
    // Between two tries nobody is in the way, so a look may come when there is no blocker to be named.
    await until(async () => {
      const { state, errorMessage } = await client.progress(applyId);
      return state === State.STATE_FAILED_RETRYABLE && errorMessage.includes('waiting for lock, blocker pid');
    });
    await reporting.query('COMMIT');
    await client.untilState(applyId, [State.STATE_COMPLETED]);
  });

  it('is stopped at once, and goes on from there', async () => {
    const reporting = await openTransaction('SELECT count(*) FROM readers');
    const applyId = await apply(WITH_COLUMN);
    await until(
      async () => (await client.progress(applyId)).tables[0]?.progressDetail.startsWith('waiting for lock') === true,
    );
    const before = Date.now();
    await client.stop(applyId);
    await client.untilState(applyId, [State.STATE_STOPPED]);
    expect(Date.now() - before).toBeLessThan(2_000);
    await reporting.query('COMMIT');
    expect((await client.planDiff('readers', WITH_COLUMN)).changes).toHaveLength(1);
    await client.start(applyId);
    await client.untilState(applyId, [State.STATE_COMPLETED]);
  });
});

describe('a failure', () => {
  it('names table, statement and the reason in the data, and leaves nothing of the change that failed', async () => {
    const applyId = await apply(WITH_UNIQUE);
    const failed = await client.untilState(applyId, [State.STATE_FAILED]);
    expect(failed.errorMessage).toMatch(
      /^table public\.readers: CREATE UNIQUE INDEX CONCURRENTLY "readers_age_key" .* failed: could not create unique index "readers_age_key": Key \(age\)=\(\d+\) is duplicated\.$/,
    );
    expect(failed.tables.map(({ status }) => status)).toEqual(['completed', 'failed']);
    expect(await invalidIndexes()).toEqual([]);
  });

  it('puts the old rule back when the data breaks the new one, and the same plan fits again', async () => {
    await admin.query('ALTER TABLE readers ADD CONSTRAINT old_enough CHECK (age >= 0)');
    const files = {
      public: { 'readers.sql': LIVE.replace('age integer', 'age integer CONSTRAINT old_enough CHECK (age > 0)') },
    };
    const { planId, changes } = await client.plan('readers', files);
    expect(changes.flatMap((change) => change.tableChanges.map((table) => table.isUnsafe))).toEqual([false]);
    const first = await client.apply({ planId, target: 'readers', idempotencyKey: 'attempt 0' });
    const failed = await client.untilState(first.applyId, [State.STATE_FAILED]);
    expect(failed.errorMessage).toContain(
      'check constraint "old_enough" of relation "readers" is violated by some row',
    );
    await expect(admin.query('INSERT INTO readers VALUES (-1, NULL, -1)')).rejects.toThrow(/old_enough/);
    await admin.query('INSERT INTO readers VALUES (-1, NULL, 0)');

    await admin.query('DELETE FROM readers WHERE age = 0');
    const second = await client.apply({ planId, target: 'readers', idempotencyKey: 'attempt 1' });
    expect(second.errorMessage).toBe('');
    await client.untilState(second.applyId, [State.STATE_COMPLETED]);
    await expect(admin.query('INSERT INTO readers VALUES (-2, NULL, 0)')).rejects.toThrow(/old_enough/);
    expect((await client.planDiff('readers', files)).changes).toEqual([]);
  });

  it('is mended by the same plan once the data is mended, without running again what had been done', async () => {
    const { planId } = await client.plan('readers', WITH_UNIQUE);
    const first = await client.apply({ planId, target: 'readers', idempotencyKey: 'attempt 0' });
    await client.untilState(first.applyId, [State.STATE_FAILED]);
    await admin.query('DELETE FROM readers a USING readers b WHERE a.age = b.age AND a.id > b.id');
    const second = await client.apply({ planId, target: 'readers', idempotencyKey: 'attempt 1' });
    expect(second).toMatchObject({ accepted: true, errorMessage: '' });
    expect(second.applyId).not.toBe(first.applyId);
    const completed = await client.untilState(second.applyId, [State.STATE_COMPLETED]);
    expect(completed.tables.map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect((await client.planDiff('readers', WITH_UNIQUE)).changes).toEqual([]);
  });
});

describe('a statement that somebody else cancels', () => {
  it('is tried again by the engine, which says so meanwhile', async () => {
    const reporting = await openTransaction('SELECT 1');
    const applyId = await apply(WITH_INDEX);
    await until(async () => (await client.progress(applyId)).metadata['blocker_pid'] !== undefined);
    await admin.query(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'skein-engine executor'`,
    );
    const retrying = await client.untilState(applyId, [State.STATE_FAILED_RETRYABLE]);
    expect(retrying.errorMessage).toContain('attempt 1 of 10 ended with: canceling statement due to user request');
    expect(retrying.tables[0]?.status).toBe('failed_retryable');
    await reporting.query('COMMIT');
    const completed = await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(completed.errorMessage).toBe('');
    expect(await invalidIndexes()).toEqual([]);
  });
});

describe('a lost connection', () => {
  it('is a pause that the engine ends by itself', async () => {
    const reporting = await openTransaction('SELECT 1');
    const applyId = await apply(WITH_INDEX);
    await until(async () => (await client.progress(applyId)).metadata['blocker_pid'] !== undefined);
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'skein-engine executor'`,
    );
    await until(async () =>
      (await client.logs(applyId)).logs.some(
        (line) => line.eventType === 'interrupted' && line.newState === 'failed_retryable',
      ),
    );
    await reporting.query('COMMIT');
    const completed = await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(completed.errorMessage).toBe('');
    expect(await invalidIndexes()).toEqual([]);
  });
});
