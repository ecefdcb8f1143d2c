import { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EmbeddedPostgres } from '../../dev/postgres.js';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import { FENCE_LOCK_KEY } from '../../engine/postgres/storage/install.js';
import { State } from '../../proto/gen/tern.js';
import { testPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';
import { ENDED, type Files, onWire, RawClient, statusOf } from './raw-client.js';
import { watchEffects } from './watched-database.js';

const LIVE = 'CREATE TABLE readers (id bigint PRIMARY KEY, name text, age integer);';
const OLD_INDEX = 'CREATE INDEX readers_age ON readers (age);';

/** The desired schema with this after the last column, and these statements after the table. */
function schema(tail: string, ...statements: readonly string[]): Files {
  const table = LIVE.replace('age integer', `age integer${tail}`);
  return { public: { 'readers.sql': [table, ...statements].join('\n') } };
}

const INDEX = 'CREATE INDEX readers_name ON readers (name);';
const COLUMN_AND_INDEX = schema(', nick text', OLD_INDEX, INDEX);
const COLUMN = schema(', nick text', OLD_INDEX);

let postgres: EmbeddedPostgres;
let engine: RunningEngine;
let client: RawClient;
let admin: Client;
let databases = 0;

beforeAll(async () => {
  postgres = await testPostgres();
});

beforeEach(async () => {
  const dsn = await postgres.createDatabase(`cutover_${(databases += 1)}`);
  admin = await connect(dsn, 'admin');
  await admin.query(`${LIVE} ${OLD_INDEX}
    INSERT INTO readers SELECT n, 'reader ' || n, n % 50 FROM generate_series(1, 5000) n; ANALYZE readers;`);
  await watchEffects(admin);
  await startOver();
});

afterEach(async () => {
  client.close();
  await engine.stop();
  await admin.end();
});

async function startOver(): Promise<void> {
  const targets = { readers: postgres.dsn(`cutover_${databases}`) };
  engine = await startEngine({ listen: '127.0.0.1:0', targets, lockPatienceMs: 500 });
  client = new RawClient(engine.address);
}

async function connect(dsn: string, name: string): Promise<Client> {
  const connection = new Client({ connectionString: dsn, application_name: name });
  await connection.connect();
  return connection;
}

/** Another session that has begun a transaction with these statements and leaves it open. */
async function openTransaction(statements: string): Promise<Client> {
  const session = await connect(postgres.dsn(`cutover_${databases}`), 'reporting');
  onTestFinished(() => session.end());
  await session.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; ${statements}`);
  return session;
}

/** Applies with a deferred cutover. */
async function apply(files: Files): Promise<string> {
  const { planId, errors } = await client.plan('readers', files);
  expect(errors).toEqual([]);
  const options = { defer_cutover: 'true', allow_unsafe: 'true' };
  const answer = await client.apply({ planId, target: 'readers', idempotencyKey: `key ${Math.random()}`, options });
  expect(answer.errorMessage).toBe('');
  return answer.applyId;
}

async function parked(files: Files): Promise<string> {
  const applyId = await apply(files);
  await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
  return applyId;
}

async function indexes(): Promise<readonly string[]> {
  const { rows } = await admin.query<{ definition: string }>(
    `SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index
      WHERE indrelid = 'readers'::regclass AND NOT indisprimary ORDER BY 1`,
  );
  return rows.map(({ definition }) => definition.replace(/^CREATE (UNIQUE )?INDEX (.*) ON .* USING btree /, '$1$2 '));
}

async function columns(): Promise<readonly string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'readers'::regclass AND attnum > 0 AND NOT attisdropped`,
  );
  return rows.map(({ name }) => name);
}

async function settled(applyId: string): Promise<readonly string[]> {
  const { settledControlRequests } = await client.progress(applyId);
  return settledControlRequests.map(({ operation, status }) => `${operation} ${status}`).toSorted();
}

describe('an apply with a deferred cutover', () => {
  it('builds what nobody sees, and parks before the first statement that somebody would', async () => {
    const applyId = await parked(COLUMN_AND_INDEX);
    const answer = await client.progress(applyId);
    expect(
      answer.tables.map(({ tableName, status, percentComplete }) => ({ tableName, status, percentComplete })),
    ).toEqual([
      { tableName: 'readers', status: 'waiting_for_cutover', percentComplete: 0 },
      { tableName: 'readers', status: 'completed', percentComplete: 100 },
    ]);
    expect(answer.tables[0]?.progressDetail).toMatch(
      /^waiting for cutover: ALTER TABLE "public"\."readers" ADD COLUMN "nick" text \(clients notice it at once\)$/,
    );
    expect(answer.summary).toBe('1 of 2 changes done; waiting for cutover');
    expect(answer.startedAt).not.toBe('');
    expect(answer.completedAt).toBe('');
    expect(await indexes()).toEqual(['readers_age (age)', 'readers_name (name)']);
    expect(await columns()).not.toContain('nick');
    const difference = await client.planDiff('readers', COLUMN_AND_INDEX);
    expect(difference.changes.flatMap((change) => change.tableChanges.map(({ ddl }) => ddl))).toEqual([
      'ALTER TABLE "public"."readers" ADD COLUMN "nick" text',
    ]);

    expect(await client.cutover(applyId)).toEqual({ accepted: true, errorMessage: '' });
    const completed = await client.untilState(applyId, ENDED);
    expect(completed.state).toBe(State.STATE_COMPLETED);
    expect(completed.settledControlRequests).toMatchObject([
      { operation: 'cutover', status: 'completed', errorMessage: '', requestedBy: 'tester' },
    ]);
    expect(completed.startedAt).toBe(answer.startedAt);
    expect((await client.planDiff('readers', COLUMN_AND_INDEX)).changes).toEqual([]);
  });

  it('holds nothing but its fence while it is parked', async () => {
    await parked(COLUMN_AND_INDEX);
    const { rows } = await admin.query<{ state: string; open: boolean; locks: string[] | null }>(
      `SELECT a.state, a.xact_start IS NOT NULL AS open,
              array_agg(DISTINCT l.locktype) FILTER (WHERE l.pid IS NOT NULL) AS locks
         FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid
        WHERE a.application_name = 'skein-engine executor' AND a.datname = current_database() GROUP BY a.pid, a.state, a.xact_start`,
    );
    expect(rows).toEqual([{ state: 'idle', open: false, locks: ['advisory'] }]);
    const written = () => admin.query('SELECT xmin, ctid, * FROM _skein.applies');
    const before = (await written()).rows;
    await admin.query('SELECT pg_sleep(2.5)');
    expect((await written()).rows).toEqual(before);
  });

  it('builds the successor of an index, and swaps the two in the cutover', async () => {
    const files = schema('', 'CREATE INDEX readers_age ON readers (age, name);');
    const applyId = await parked(files);
    expect(await indexes()).toEqual(['readers_age (age)', 'readers_age_skein_new (age, name)']);
    const answer = await client.progress(applyId);
    expect(answer.tables).toMatchObject([{ status: 'waiting_for_cutover', percentComplete: 99, etaSeconds: '0' }]);
    await client.cutover(applyId);
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(await indexes()).toEqual(['readers_age (age, name)']);
  });

  it('parks at once when there is nothing to do before', async () => {
    const applyId = await parked(COLUMN);
    expect((await client.progress(applyId)).startedAt).not.toBe('');
    expect(await columns()).not.toContain('nick');
    await client.cutover(applyId);
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(await columns()).toContain('nick');
  });

  it('completes without a cutover when nobody sees any of it', async () => {
    const applyId = await apply(schema('', OLD_INDEX, INDEX));
    expect((await client.untilState(applyId, ENDED)).state).toBe(State.STATE_COMPLETED);
    const late = await client.cutover(applyId);
    expect(late).toEqual({
      accepted: false,
      errorMessage: 'cutover needs waiting_for_cutover (current state: completed)',
    });
  });

  it('keeps an index that needs a new column behind that column', async () => {
    const files = schema(', nick text', OLD_INDEX, 'CREATE INDEX readers_nick ON readers (nick);', INDEX);
    const applyId = await parked(files);
    expect(await indexes()).toEqual(['readers_age (age)', 'readers_name (name)']);
    const details = (await client.progress(applyId)).tables.map(({ progressDetail }) => progressDetail);
    expect(details.filter((detail) => detail.includes('it rests on another change that waits'))).toHaveLength(1);
    await client.cutover(applyId);
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect((await client.planDiff('readers', files)).changes).toEqual([]);
  });

  it('finishes the validation of a constraint that was there already before it parks', async () => {
    await admin.query('ALTER TABLE readers ADD CONSTRAINT readers_age_not_null NOT NULL age NOT VALID');
    const files = schema(' NOT NULL', OLD_INDEX);
    const applyId = await apply(files);
    expect((await client.untilState(applyId, ENDED)).state).toBe(State.STATE_COMPLETED);
    expect((await client.planDiff('readers', files)).changes).toEqual([]);
  });
});

describe('a cutover', () => {
  it('is refused before the apply is parked, and does not happen later by itself', async () => {
    const reporting = await openTransaction('SELECT 1');
    const applyId = await apply(COLUMN_AND_INDEX);
    await client.untilState(applyId, [State.STATE_RUNNING]);
    expect(await client.cutover(applyId)).toEqual({
      accepted: false,
      errorMessage: 'cutover needs waiting_for_cutover (current state: running)',
    });
    await reporting.query('COMMIT');
    await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
    await admin.query('SELECT pg_sleep(1.5)');
    expect((await client.progress(applyId)).state).toBe(State.STATE_WAITING_FOR_CUTOVER);
    expect(await columns()).not.toContain('nick');
  });

  it('is refused for an apply that does not defer it', async () => {
    const reporting = await openTransaction('SELECT 1');
    const { planId } = await client.plan('readers', schema('', OLD_INDEX, INDEX));
    const { applyId } = await client.apply({ planId, target: 'readers' });
    const answer = await client.cutover(applyId);
    expect(answer).toMatchObject({ accepted: false });
    expect(answer.errorMessage).toContain('applied without defer_cutover');
    await reporting.query('COMMIT');
    await client.untilState(applyId, [State.STATE_COMPLETED]);
  });

  it('has one effect however often it is asked for, also while it is going on and after it', async () => {
    const applyId = await parked(COLUMN_AND_INDEX);
    const reporting = await openTransaction('SELECT count(*) FROM readers');
    const together = await Promise.all([client.cutover(applyId), client.cutover(applyId), client.cutover(applyId)]);
    expect(together.map(({ accepted }) => accepted)).toEqual([true, true, true]);
    const going = await client.untilState(applyId, [State.STATE_CUTTING_OVER]);
    expect(going.tables.map(({ status }) => status)).toEqual(['cutting_over', 'completed']);
    expect(await client.cutover(applyId)).toMatchObject({ accepted: true });
    await reporting.query('COMMIT');
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(await client.cutover(applyId)).toMatchObject({ accepted: true });
    const { rows } = await admin.query<{ command: string }>('SELECT command FROM watch.effects ORDER BY at');
    expect(rows.map(({ command }) => command)).toEqual(['CREATE INDEX', 'ALTER TABLE']);
    expect(await settled(applyId)).toEqual(['cutover completed']);
  });

  it('goes on where it was when a lock kept it waiting for long', async () => {
    const applyId = await parked(COLUMN);
    const reporting = await openTransaction('SELECT count(*) FROM readers');
    await client.cutover(applyId);
    const waiting = await client.untilState(applyId, [State.STATE_FAILED_RETRYABLE]);
    expect(waiting.errorMessage).toContain('waiting for lock, blocker pid');
    expect(waiting.tables.map(({ status }) => status)).toEqual(['failed_retryable']);
    await reporting.query('COMMIT');
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(await settled(applyId)).toEqual(['cutover completed']);
  });

  it('that fails says why, and takes back what belongs to the change that failed', async () => {
    const applyId = await parked(schema(' CHECK (age > 0)', 'CREATE INDEX readers_age ON readers (age, name);', INDEX));
    await client.cutover(applyId);
    const failed = await client.untilState(applyId, ENDED);
    expect(failed.state).toBe(State.STATE_FAILED);
    expect(failed.errorMessage).toContain('is violated by some row');
    expect(failed.settledControlRequests).toMatchObject([
      { operation: 'cutover', status: 'failed', errorMessage: failed.errorMessage },
    ]);
    await expect(admin.query('INSERT INTO readers VALUES (-1, NULL, -1)')).resolves.toBeDefined();
    expect((await indexes()).join()).not.toContain('skein_new');
  });
});

describe('a stop', () => {
  it('beats a cutover that was accepted and has not begun, which does not outlive it', async () => {
    const applyId = await parked(COLUMN_AND_INDEX);
    // Another engine holds the fence, so that this one can record what is asked and carry nothing out.
    client.close();
    await engine.stop();
    await admin.query('SELECT pg_advisory_lock($1)', [FENCE_LOCK_KEY]);
    await startOver();
    expect(await client.cutover(applyId)).toMatchObject({ accepted: true });
    expect(await client.stop(applyId)).toMatchObject({ accepted: true });
    expect((await client.progress(applyId)).settledControlRequests).toMatchObject([
      { operation: 'cutover', status: 'failed', errorMessage: 'a stop was requested before it could take effect' },
    ]);
    expect(await client.cutover(applyId)).toEqual({
      accepted: false,
      errorMessage: 'a stop of this schema change is pending, and goes before a cutover',
    });
    await admin.query('SELECT pg_advisory_unlock($1)', [FENCE_LOCK_KEY]);
    await client.untilState(applyId, [State.STATE_STOPPED]);
    await client.start(applyId);
    await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
    await admin.query('SELECT pg_sleep(1.5)');
    expect((await client.progress(applyId)).state).toBe(State.STATE_WAITING_FOR_CUTOVER);
    expect(await columns()).not.toContain('nick');
  });

  it('of a parked apply withdraws nothing that was built, and the cutover works after a start', async () => {
    const applyId = await parked(COLUMN_AND_INDEX);
    await client.stop(applyId);
    const stopped = await client.untilState(applyId, [State.STATE_STOPPED]);
    expect(stopped.tables.map(({ status }) => status)).toEqual(['stopped', 'completed']);
    expect(await indexes()).toContain('readers_name (name)');
    expect((await client.cutover(applyId)).accepted).toBe(false);
    await client.start(applyId);
    await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
    await client.cutover(applyId);
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(await settled(applyId)).toEqual(['cutover completed', 'start completed', 'stop completed']);
  });

  it('during a cutover ends it between two steps, and a start parks before the rest', async () => {
    const applyId = await parked(COLUMN_AND_INDEX);
    const reporting = await openTransaction('SELECT count(*) FROM readers');
    await client.cutover(applyId);
    await client.untilState(applyId, [State.STATE_CUTTING_OVER]);
    await client.stop(applyId);
    await client.untilState(applyId, [State.STATE_STOPPED]);
    expect(await settled(applyId)).toEqual(['cutover failed', 'stop completed']);
    await client.start(applyId);
    await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
    await reporting.query('COMMIT');
    await admin.query('SELECT pg_sleep(1.5)');
    expect(await columns()).not.toContain('nick');
    await client.cutover(applyId);
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(await columns()).toContain('nick');
  });
});

describe('a cancel', () => {
  it('after a part of the cutover keeps what is complete, and takes back what is not', async () => {
    await admin.query(
      'CREATE TABLE shelves (id bigint PRIMARY KEY, place text); CREATE INDEX shelves_place ON shelves (place)',
    );
    const shelves = 'CREATE TABLE shelves (id bigint PRIMARY KEY, place text);';
    const applyId = await parked(
      schema(', nick text', OLD_INDEX, INDEX, shelves, 'CREATE INDEX shelves_place ON shelves (place, id);'),
    );
    const reporting = await openTransaction('SELECT count(*) FROM shelves');
    await client.cutover(applyId);
    await until(async () => (await columns()).includes('nick'));
    await client.stop(applyId);
    const stopped = await client.untilState(applyId, [State.STATE_STOPPED]);
    expect(stopped.tables.map(({ status }) => status).toSorted()).toEqual(['completed', 'completed', 'stopped']);
    await client.start(applyId);
    await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
    await reporting.query('COMMIT');
    await client.cancel(applyId);
    await client.untilState(applyId, [State.STATE_CANCELLED]);
    expect(await columns()).toContain('nick');
    expect(await indexes()).toEqual(['readers_age (age)', 'readers_name (name)']);
    const { rows } = await admin.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'i' AND relname LIKE 'shelves%' ORDER BY 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(['shelves_pkey', 'shelves_place']);
  });

  it('of an apply that is still building takes back what it has built', async () => {
    const reporting = await openTransaction('SELECT 1');
    const applyId = await apply(COLUMN_AND_INDEX);
    await client.untilState(applyId, [State.STATE_RUNNING]);
    await client.cancel(applyId);
    await client.untilState(applyId, [State.STATE_CANCELLED]);
    await reporting.query('COMMIT');
    expect(await indexes()).toEqual(['readers_age (age)']);
  });

  it.each(['parked', 'stopped while it was parked'])(
    'of an apply that is %s leaves the database as it was',
    async (how) => {
      const before = await indexes();
      const applyId = await parked(
        schema(
          ', nick text',
          'CREATE INDEX readers_age ON readers (age, name);',
          INDEX,
          'CREATE TABLE later (id bigint);',
        ),
      );
      expect(await indexes()).toHaveLength(3);
      if (how !== 'parked') {
        await client.stop(applyId);
        await client.untilState(applyId, [State.STATE_STOPPED]);
      }
      expect((await client.cancel(applyId)).accepted).toBe(true);
      const cancelled = await client.untilState(applyId, [State.STATE_CANCELLED]);
      expect(cancelled.tables.map(({ status }) => status)).toEqual(cancelled.tables.map(() => 'cancelled'));
      expect(await indexes()).toEqual(before);
      expect(await columns()).toEqual(['id', 'name', 'age']);
      expect((await client.cutover(applyId)).accepted).toBe(false);
    },
  );
});

describe('an installation from before there was a deferred cutover', () => {
  it('is brought up to date when the engine starts, with its applies as they were', async () => {
    const early = await client.plan('readers', schema('', OLD_INDEX));
    const { planId } = await client.plan('readers', schema('', OLD_INDEX, INDEX));
    const before = await client.apply({ planId, target: 'readers', idempotencyKey: 'old' });
    const ended = await client.untilState(before.applyId, [State.STATE_COMPLETED]);
    client.close();
    await engine.stop();
    await admin.query(`
      ALTER TABLE _skein.applies DROP COLUMN defer_cutover, DROP CONSTRAINT applies_state_check;
      ALTER TABLE _skein.applies ADD CONSTRAINT applies_state_check CHECK (state IN
        ('pending', 'running', 'failed_retryable', 'stopped', 'completed', 'failed', 'cancelled'));
      DROP INDEX _skein.applies_one_live;
      CREATE UNIQUE INDEX applies_one_live ON _skein.applies ((true))
        WHERE state IN ('pending', 'running', 'failed_retryable');
      ALTER TABLE _skein.control_requests DROP CONSTRAINT control_requests_operation_check;
      ALTER TABLE _skein.control_requests ADD CONSTRAINT control_requests_operation_check
        CHECK (operation IN ('stop', 'start', 'cancel'));
      ALTER TABLE _skein.catalogues DROP COLUMN signature;
      DROP TABLE _skein.kept_rights;
      UPDATE _skein.storage_version SET version = 1;`);
    await startOver();
    expect(await client.progress(before.applyId)).toEqual(ended);
    // What was planned then is planned anew, from what the request brings along.
    expect(await statusOf(client.apply({ planId: early.planId, target: 'readers' }))).toBe('FAILED_PRECONDITION');
    const drifted = await client.apply({
      planId: early.planId,
      target: 'readers',
      schemaFiles: onWire(schema('', OLD_INDEX)),
    });
    expect(drifted).toMatchObject({ accepted: false, errorMessage: expect.stringContaining('reviewed: nothing') });
    const applyId = await parked(schema(', nick text', OLD_INDEX, INDEX));
    // What is parked holds the target.
    const other = await client.plan('readers', schema('', OLD_INDEX));
    const busy = await client.apply({ planId: other.planId, target: 'readers', options: { allow_unsafe: 'true' } });
    expect(busy).toMatchObject({ accepted: false, conflict: { blockingState: 'waiting_for_cutover' } });
    await client.cutover(applyId);
    await client.untilState(applyId, [State.STATE_COMPLETED]);
  });
});
