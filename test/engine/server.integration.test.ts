import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startPostgres, type EmbeddedPostgres } from '../../dev/postgres.js';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import { FENCE_LOCK_KEY } from '../../engine/postgres/storage/install.js';
import { State } from '../../proto/gen/tern.js';
import { until } from '../support/until.js';
import { runEngineProcess, startEngineProcess } from './engine-process.js';
import { type InterruptibleNetwork, interruptibleNetwork } from './interruptible-network.js';
import { type Files, RawClient, statusOf } from './raw-client.js';
import { watchEffects } from './watched-database.js';

const TABLE = 'CREATE TABLE notes (id bigint PRIMARY KEY, text text);';
const WITH_COLUMN: Files = { public: { 'notes.sql': TABLE.replace('text text', 'text text, at timestamptz') } };
const WITH_INDEX: Files = { public: { 'notes.sql': `${TABLE} CREATE INDEX notes_text ON notes (text);` } };

let steady: EmbeddedPostgres;

beforeAll(async () => {
  steady = await startPostgres();
});
afterAll(() => steady.stop());

async function networkTo(dsn: string): Promise<InterruptibleNetwork> {
  const network = await interruptibleNetwork(dsn);
  onTestFinished(() => network.close());
  return network;
}

async function database(name: string): Promise<{ dsn: string; admin: Client }> {
  const dsn = await steady.createDatabase(name);
  const admin = new Client({ connectionString: dsn, application_name: 'admin' });
  admin.on('error', () => undefined);
  await admin.connect();
  onTestFinished(() => admin.end());
  await admin.query(`${TABLE} INSERT INTO notes SELECT n, 'note' FROM generate_series(1, 1000) n;`);
  return { dsn, admin };
}

async function engineOn(targets: Record<string, string>): Promise<{ engine: RunningEngine; client: RawClient }> {
  const engine = await startEngine({ listen: '127.0.0.1:0', targets });
  const client = new RawClient(engine.address);
  onTestFinished(async () => {
    client.close();
    await engine.stop();
  });
  return { engine, client };
}

async function applyTo(client: RawClient, target: string, files: Files): Promise<string> {
  const { planId, errors } = await client.plan(target, files);
  expect(errors).toEqual([]);
  const answer = await client.apply({ planId, target, idempotencyKey: `${target}/${planId}` });
  expect(answer.errorMessage).toBe('');
  return answer.applyId;
}

describe('an engine with several targets', () => {
  it('keeps them apart, and finds an apply by its id alone', async () => {
    const [one, two] = [await database('several_one'), await database('several_two')];
    const { client } = await engineOn({ one: one.dsn, two: two.dsn });
    const ids = [await applyTo(client, 'one', WITH_COLUMN), await applyTo(client, 'two', WITH_COLUMN)];
    for (const id of ids) await client.untilState(id, [State.STATE_COMPLETED]);
    expect(new Set(ids).size).toBe(2);
    const { rows } = await one.admin.query<{ apply_id: string }>('SELECT apply_id FROM _skein.applies');
    expect(rows.map((row) => row.apply_id)).toEqual([ids[0]]);
    // A plan of one target is not a plan of the other.
    const { planId } = await client.plan('one', WITH_INDEX);
    expect(await client.apply({ planId, target: 'two' })).toMatchObject({
      accepted: false,
      errorMessage: 'plan not found',
    });
  });

  it('serves the others while the database of one is away, says UNAVAILABLE for that one, and recovers without a restart', async () => {
    const away = await database('away');
    const near = await database('near');
    const network = await networkTo(away.dsn);
    const { client } = await engineOn({ away: network.dsn, near: near.dsn });
    const awayId = await applyTo(client, 'away', WITH_COLUMN);
    const before = await client.untilState(awayId, [State.STATE_COMPLETED]);
    network.cut();
    expect(await statusOf(client.plan('away', WITH_INDEX))).toBe('UNAVAILABLE');
    expect(await statusOf(client.progress(awayId))).toBe('UNAVAILABLE');
    // Nobody can say that an unknown id does not exist while one target cannot be asked.
    expect(await statusOf(client.progress('apply-0000000000000000'))).toBe('UNAVAILABLE');
    expect(await statusOf(client.findApply('unknown key'))).toBe('UNAVAILABLE');
    expect(await client.findApply('unknown key', 'near')).toMatchObject({ found: false });
    expect((await client.health()).status).toBe('ok');
    await client.untilState(await applyTo(client, 'near', WITH_COLUMN), [State.STATE_COMPLETED]);
    network.mend();
    expect(await until(() => client.progress(awayId))).toEqual(before);
    expect(await statusOf(client.progress('apply-0000000000000000'))).toBe('NOT_FOUND');
  });

  it('is unhealthy while no database answers, and goes on with its work when one does again', async () => {
    const { dsn, admin } = await database('back_again');
    await watchEffects(admin);
    const network = await networkTo(dsn);
    const { client } = await engineOn({ back: network.dsn });
    const reporting = new Client({ connectionString: dsn });
    onTestFinished(() => reporting.end());
    await reporting.connect();
    await reporting.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    const applyId = await applyTo(client, 'back', WITH_INDEX);
    await client.untilState(applyId, [State.STATE_RUNNING]);
    network.cut();
    expect(await statusOf(client.health())).toBe('UNAVAILABLE');
    network.mend();
    await until(async () => (await client.health()).status === 'ok');
    await reporting.query('COMMIT');
    const ended = await client.untilState(applyId, [State.STATE_COMPLETED, State.STATE_FAILED]);
    expect(ended.errorMessage).toBe('');
    expect(ended.state).toBe(State.STATE_COMPLETED);
    const { rows } = await admin.query<{ valid: boolean }>(
      `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'notes_text'::regclass`,
    );
    expect(rows).toEqual([{ valid: true }]);
  });
});

/** Resolves once some engine holds the fence, which it takes a moment after it listens. */
async function untilFenced(admin: Client): Promise<void> {
  await until(async () => (await countFences(admin)) === 1);
}

async function countFences(admin: Client): Promise<number | null> {
  const { rowCount } = await admin.query(
    `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (classid::bigint << 32) + objid::bigint = $1`,
    [FENCE_LOCK_KEY],
  );
  return rowCount;
}

describe('a target with a publication for all tables', () => {
  it('gets its storage and its changes like any other', async () => {
    const { dsn, admin } = await database('published');
    // It takes logical WAL to decode anything, and none to publish.
    await admin.query('CREATE PUBLICATION everything FOR ALL TABLES');
    const { client } = await engineOn({ published: dsn });
    await client.untilState(await applyTo(client, 'published', WITH_COLUMN), [State.STATE_COMPLETED]);
    expect((await client.plan('published', WITH_COLUMN)).changes).toEqual([]);
  });
});

describe('two engines on one target', () => {
  it('take turns behind the fence: one works, both answer, and the second takes over when the first is gone', async () => {
    const { dsn, admin } = await database('shared');
    await watchEffects(admin);
    const first = await startEngineProcess({ shared: dsn });
    await untilFenced(admin);
    const { client } = await engineOn({ shared: dsn });
    const reporting = new Client({ connectionString: dsn });
    await reporting.connect();
    await reporting.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    const applyId = await applyTo(client, 'shared', WITH_INDEX);
    await client.untilState(applyId, [State.STATE_RUNNING]);
    expect(await countFences(admin)).toBe(1);
    expect((await client.progress(applyId)).metadata['adopted']).toBe('true');
    await first.kill();
    await reporting.query('COMMIT');
    await reporting.end();
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    const { rows } = await admin.query<{ query: string }>('SELECT query FROM watch.effects');
    expect(rows).toHaveLength(1);
  });

  it('carry out a stop that was asked of the one that does not work', async () => {
    const { dsn, admin } = await database('shared_stop');
    const first = await startEngineProcess({ shared: dsn });
    onTestFinished(() => first.kill());
    await untilFenced(admin);
    const { client } = await engineOn({ shared: dsn });
    const reporting = new Client({ connectionString: dsn });
    await reporting.connect();
    onTestFinished(() => reporting.end());
    await reporting.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    const applyId = await applyTo(client, 'shared', WITH_INDEX);
    await client.untilState(applyId, [State.STATE_RUNNING]);
    await client.stop(applyId);
    await client.untilState(applyId, [State.STATE_STOPPED], 5_000);
  });
});

describe('the engine as a process', () => {
  it('ends on SIGTERM within a moment and leaves its work to the next one', async () => {
    const { dsn } = await database('handed_over');
    const first = await startEngineProcess({ notes: dsn });
    const client = new RawClient(first.address);
    const reporting = new Client({ connectionString: dsn });
    await reporting.connect();
    await reporting.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    const applyId = await applyTo(client, 'notes', WITH_INDEX);
    await client.untilState(applyId, [State.STATE_RUNNING]);
    const before = Date.now();
    expect(await first.terminate()).toBe(0);
    expect(Date.now() - before).toBeLessThan(3_000);
    client.close();
    const { client: next } = await engineOn({ notes: dsn });
    expect((await next.progress(applyId)).state).not.toBe(State.STATE_COMPLETED);
    await reporting.query('COMMIT');
    await reporting.end();
    await next.untilState(applyId, [State.STATE_COMPLETED]);
  });

  it.each([
    { args: [], code: 64, says: /--target/ },
    { args: ['--target', 'x=postgres://h/d', '--nonsense'], code: 64, says: /unknown option/ },
    { args: ['--target', 'no-dsn'], code: 78, says: /must be of the form name=postgres/ },
    { args: ['--target', 'x=mysql://root:s3cret@localhost/db'], code: 78, says: /not of the form postgres/ },
    { args: ['--target', 'bad name=postgres://localhost/db'], code: 78, says: /1 to 63 of the characters/ },
    {
      args: ['--target', 'x=postgres://user:s3cret@127.0.0.1:1/db'],
      code: 69,
      says: /target x: its database does not answer/,
    },
  ])('exits with $code for $args and says why without the password', async ({ args, code, says }) => {
    const run = runEngineProcess(args);
    const exit = await new Promise((resolve) => run.process.once('close', resolve));
    expect(run.log()).toMatch(says);
    expect(run.log()).not.toContain('s3cret');
    expect(exit).toBe(code);
  });

  it.each([
    { change: (dsn: URL) => void (dsn.password = 's3cret'), says: /target x: password authentication failed/ },
    { change: (dsn: URL) => void (dsn.pathname = '/nowhere'), says: /target x: database "nowhere" does not exist/ },
  ])('exits with 78 when the server says no: $says', async ({ change, says }) => {
    const dsn = new URL(steady.dsn());
    change(dsn);
    const run = runEngineProcess(['--target', `x=${dsn.toString()}`]);
    const exit = await new Promise((resolve) => run.process.once('close', resolve));
    expect(run.log()).toMatch(says);
    expect(run.log().trim().split('\n')).toHaveLength(1);
    expect(run.log()).not.toContain(dsn.password);
    expect(exit).toBe(78);
  });

  it('never logs a password', async () => {
    const { dsn } = await database('quiet');
    const password = new URL(dsn).password;
    expect(password.length).toBeGreaterThan(8);
    const engine = await startEngineProcess({ quiet: dsn });
    const client = new RawClient(engine.address);
    await statusOf(client.plan('quiet', { public: { 'x.sql': 'nonsense' } }));
    await statusOf(client.plan('mars', WITH_COLUMN));
    client.close();
    await engine.terminate();
    expect(engine.log()).toContain('"msg":"listening"');
    expect(engine.log()).not.toContain(password);
  });
});
