import { Client } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { State } from '../../proto/gen/tern.js';
import type { EmbeddedPostgres } from '../../dev/postgres.js';
import { testPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';
import { type EngineProcess, startEngineProcess } from './engine-process.js';
import { RawClient } from './raw-client.js';
import { watchEffects } from './watched-database.js';

const ROWS = 400_000;
const LIVE = `CREATE TABLE accounts (id bigint PRIMARY KEY, email text, age integer);`;
const DESIRED = {
  public: {
    'accounts.sql': `
      CREATE TABLE accounts (
        id bigint PRIMARY KEY, email text UNIQUE, age integer NOT NULL CHECK (age >= 0), nick text DEFAULT 'none');
      CREATE INDEX accounts_age ON accounts (age);`,
  },
};
/** Milliseconds an engine is left to live, counted from the acceptance, before it is killed: one after the other, and then it is left alone. */
const LIFETIMES_MS = [1, 20, 60, 120, 200, 300];

let postgres: EmbeddedPostgres;

beforeAll(async () => {
  postgres = await testPostgres();
});

async function connected(dsn: string): Promise<Client> {
  const connection = new Client({ connectionString: dsn });
  await connection.connect();
  return connection;
}

/** Kills the engine again and again while it works on one apply, until that apply has ended. */
async function applyUnderKills(database: string, orphansLive: boolean) {
  const dsn = await postgres.createDatabase(database);
  const admin = await connected(dsn);
  await admin.query(`
    ${LIVE}
    INSERT INTO accounts SELECT n, 'user' || n, n % 90 FROM generate_series(1, ${ROWS}) n;
    ANALYZE accounts;`);
  if (orphansLive) await admin.query(`ALTER DATABASE ${database} SET client_connection_check_interval = 0`);
  await watchEffects(admin);
  let engine: EngineProcess | null = await startEngineProcess({ [database]: dsn });
  let client = new RawClient(engine.address);
  const { planId } = await client.plan(database, DESIRED);
  const request = { planId, target: database, idempotencyKey: `kill/${database}` };
  let kills = 0;
  let applyId = '';
  for (;;) {
    // A caller that heard nothing sends the same request again: it is the same apply.
    const answer = await until(() => client.apply(request).catch(() => null));
    expect(answer.errorMessage).toBe('');
    if (applyId !== '') expect(answer.applyId).toBe(applyId);
    ({ applyId } = answer);
    const lifetimeMs = LIFETIMES_MS[kills] ?? 30_000;
    const ended = await client
      .untilState(applyId, [State.STATE_COMPLETED, State.STATE_FAILED], lifetimeMs)
      .catch(() => null);
    if (ended !== null) {
      expect(ended.errorMessage).toBe('');
      expect(ended.state).toBe(State.STATE_COMPLETED);
      break;
    }
    await engine.kill();
    kills += 1;
    client.close();
    engine = await startEngineProcess({ [database]: dsn });
    client = new RawClient(engine.address);
  }
  const { rows: effects } = await admin.query<{ query: string }>('SELECT query FROM watch.effects ORDER BY at');
  const { rows: attempts } = await admin.query<{ attempts: number; applies: number }>(
    `SELECT sum(attempts)::int AS attempts, count(DISTINCT apply_id)::int AS applies FROM _skein.steps`,
  );
  const { rows: invalid } = await admin.query(`SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid`);
  const { changes } = await client.planDiff(database, DESIRED);
  client.close();
  await engine.kill();
  await admin.end();
  return { kills, effects: effects.map(({ query }) => query), ...attempts[0], invalid, changes };
}

describe('an engine that is killed again and again', { timeout: 120_000 }, () => {
  it.each([
    { database: 'orphans_die', orphansLive: false },
    { database: 'orphans_live', orphansLive: true },
  ])('loses nothing and runs nothing twice ($database)', async ({ database, orphansLive }) => {
    const outcome = await applyUnderKills(database, orphansLive);
    expect(outcome.kills).toBeGreaterThanOrEqual(2);
    expect(outcome.applies).toBe(1);
    expect(outcome.changes).toEqual([]);
    expect(outcome.invalid).toEqual([]);
    // Eight statements make the plan's five changes. A build that was cut short leaves no effect, only an attempt.
    expect(outcome.effects).toHaveLength(8);
    expect(new Set(outcome.effects).size).toBe(8);
    expect(outcome.attempts).toBeGreaterThanOrEqual(8);
  });
});

describe('an engine that is killed around a deferred cutover', { timeout: 120_000 }, () => {
  it('stays parked, goes on with the cutover that was permitted, and runs nothing twice', async () => {
    const database = 'killed_in_cutover';
    const dsn = await postgres.createDatabase(database);
    const admin = await connected(dsn);
    await admin.query(`
      ${LIVE} CREATE INDEX accounts_email ON accounts (email);
      INSERT INTO accounts SELECT n, 'user' || n, n % 90 FROM generate_series(1, ${ROWS / 4}) n;
      ANALYZE accounts;`);
    await watchEffects(admin);
    let engine = await startEngineProcess({ [database]: dsn });
    let client = new RawClient(engine.address);
    const killed = async () => {
      await engine.kill();
      client.close();
      engine = await startEngineProcess({ [database]: dsn });
      client = new RawClient(engine.address);
    };
    const desired = {
      public: {
        'accounts.sql': `
          CREATE TABLE accounts (id bigint PRIMARY KEY, email text, age integer CHECK (age >= 0), nick text);
          CREATE INDEX accounts_email ON accounts (email, age);
          CREATE INDEX accounts_age ON accounts (age);`,
      },
    };
    const { planId } = await client.plan(database, desired);
    const options = { defer_cutover: 'true' };
    const { applyId } = await client.apply({ planId, target: database, idempotencyKey: 'kill/cutover', options });
    await killed();
    await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);

    await killed();
    expect((await client.progress(applyId)).state).toBe(State.STATE_WAITING_FOR_CUTOVER);
    const { changes } = await client.planDiff(database, desired);
    // The index that nobody sees is there; the column, the rule and the swap of the other index are not.
    expect(changes.flatMap(({ tableChanges }) => tableChanges)).toHaveLength(3);

    const reader = await connected(dsn);
    await reader.query('BEGIN; SELECT count(*) FROM accounts');
    expect((await client.cutover(applyId)).accepted).toBe(true);
    await client.untilState(applyId, [State.STATE_CUTTING_OVER]);
    await killed();
    // Its answer may have been lost with the engine.
    expect((await client.cutover(applyId)).accepted).toBe(true);
    expect([State.STATE_CUTTING_OVER, State.STATE_FAILED_RETRYABLE]).toContain((await client.progress(applyId)).state);
    await reader.query('COMMIT');
    await reader.end();
    for (const lifetimeMs of [5, 20]) {
      await client.untilState(applyId, [State.STATE_COMPLETED], lifetimeMs).catch(() => null);
      await killed();
    }
    const completed = await client.untilState(applyId, [State.STATE_COMPLETED]);
    expect(completed.settledControlRequests).toMatchObject([{ operation: 'cutover', status: 'completed' }]);
    expect((await client.planDiff(database, desired)).changes).toEqual([]);
    const { rows } = await admin.query<{ query: string }>('SELECT query FROM watch.effects ORDER BY at');
    // A build, the column, the rule and its validation. What names an index of the engine's own is not counted.
    expect(rows).toHaveLength(4);
    expect(new Set(rows.map(({ query }) => query)).size).toBe(4);
    client.close();
    await engine.kill();
    await admin.end();
  });
});
