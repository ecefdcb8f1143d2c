import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedPostgres } from '../../dev/postgres.js';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import { State } from '../../proto/gen/tern.js';
import { testPostgres } from '../support/postgres.js';
import { type Files, RawClient, statusOf } from './raw-client.js';

const TYPES_AND_TEAMS = `
  CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE TABLE teams (id bigint PRIMARY KEY, name text);
`;
const AFTER_PEOPLE = `
  CREATE INDEX people_old ON people (age);
  CREATE VIEW adults AS SELECT id FROM people WHERE age >= 18;
  CREATE TABLE scribbles (id integer);
`;
const LIVE = `
  ${TYPES_AND_TEAMS}
  CREATE TABLE people (
    id bigserial PRIMARY KEY, email varchar(40), age integer, team bigint, feels mood DEFAULT 'ok', salary numeric(8,2));
  ${AFTER_PEOPLE}
`;
/** The same schema with another past: columns that came and went, in another order. */
const LIVE_WITH_ANOTHER_PAST = `
  ${TYPES_AND_TEAMS}
  CREATE TABLE people (
    id bigserial PRIMARY KEY, salary numeric(8,2), gone text, email varchar(40), feels mood DEFAULT 'ok', team bigint);
  ALTER TABLE people DROP COLUMN gone;
  ALTER TABLE people ADD COLUMN age integer;
  ${AFTER_PEOPLE}
  CREATE SCHEMA elsewhere;
  CREATE TABLE elsewhere.untouched (id integer);
`;

const DESIRED: Files = {
  public: {
    // Files in an order that cannot be executed, as people write them.
    '01-people.sql': `
      CREATE TABLE people (
        id bigserial PRIMARY KEY,
        email varchar(80) NOT NULL UNIQUE,
        age integer CHECK (age BETWEEN 0 AND 150),
        team bigint REFERENCES teams (id) ON DELETE SET NULL,
        feels mood DEFAULT 'ok',
        salary numeric(10,2),
        joined timestamptz NOT NULL DEFAULT now(),
        tags text[] NOT NULL DEFAULT '{}'
      );
      COMMENT ON COLUMN people.salary IS 'before tax';
      CREATE INDEX people_team ON people (team) WHERE team IS NOT NULL;
      CREATE INDEX people_lower_email ON people (lower(email));
      CREATE TRIGGER people_touch BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch();
      ALTER TABLE people ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON people USING (email = current_user);`,
    '02-types.sql': `CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');`,
    '03-teams.sql': `
      CREATE TABLE teams (id bigint PRIMARY KEY, name text NOT NULL, parent bigint REFERENCES teams);
      CREATE TABLE badges (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, team bigint NOT NULL REFERENCES teams, label text UNIQUE);
      CREATE INDEX badges_label ON badges (label);`,
    '04-code.sql': `
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.joined := now(); RETURN NEW; END $$;
      CREATE VIEW adults AS SELECT id FROM people WHERE age >= 18;`,
  },
};

let postgres: EmbeddedPostgres;
let engine: RunningEngine;
let client: RawClient;
const admins = new Map<string, Client>();

async function database(name: string, statements: string): Promise<string> {
  const dsn = await postgres.createDatabase(name);
  const admin = new Client({ connectionString: dsn });
  await admin.connect();
  admins.set(name, admin);
  await admin.query(statements);
  return dsn;
}

beforeAll(async () => {
  postgres = await testPostgres();
  const rows = `INSERT INTO people (email, age, feels) SELECT 'p' || n, n % 90, 'sad' FROM generate_series(1, 5000) n;
                UPDATE people SET email = email WHERE true; INSERT INTO teams SELECT n, 'team' FROM generate_series(1, 10) n;`;
  engine = await startEngine({
    listen: '127.0.0.1:0',
    targets: {
      eu: await database('people_eu', LIVE + rows),
      us: await database('people_us', LIVE_WITH_ANOTHER_PAST),
      poor: await database('people_poor', LIVE),
    },
  });
  client = new RawClient(engine.address);
});

afterAll(async () => {
  client.close();
  await engine.stop();
  await Promise.all([...admins.values()].map((admin) => admin.end()));
});

function query(name: string, statements: string) {
  const admin = admins.get(name);
  if (admin === undefined) throw new Error(`no connection to ${name}`);
  return admin.query<Record<string, unknown>>(statements);
}

function ddl(changes: Awaited<ReturnType<RawClient['plan']>>['changes']): readonly string[] {
  return changes.flatMap((change) => change.tableChanges.map((table) => table.ddl));
}

describe('a plan for a real schema', () => {
  it('is the same text on databases with another past, and carried out leaves nothing to do', async () => {
    const [eu, us] = [await client.plan('eu', DESIRED), await client.plan('us', DESIRED)];
    expect(eu.errors).toEqual([]);
    expect(
      eu.changes.flatMap((change) => change.tableChanges.filter((table) => table.executionMode === 'blocked')),
    ).toEqual([]);
    expect(ddl(us.changes)).toEqual(ddl(eu.changes));
    expect(ddl(eu.changes).length).toBeGreaterThan(15);
    for (const [target, plan] of [
      ['eu', eu],
      ['us', us],
    ] as const) {
      const { applyId, errorMessage } = await client.apply({
        planId: plan.planId,
        target,
        options: { allow_unsafe: 'true' },
      });
      expect(errorMessage).toBe('');
      const ended = await client.untilState(applyId, [State.STATE_COMPLETED, State.STATE_FAILED], 30_000);
      expect(ended.errorMessage).toBe('');
      expect(ddl((await client.planDiff(target, DESIRED)).changes)).toEqual([]);
    }
    const { rows } = await query('people_us', `SELECT to_regclass('elsewhere.untouched') IS NOT NULL AS kept`);
    expect(rows).toEqual([{ kept: true }]);
  });

  it('marks every drop unsafe, and drops only inside the namespaces that are given', async () => {
    const plan = await client.plan('poor', {
      public: { 'teams.sql': 'CREATE TABLE teams (id bigint PRIMARY KEY, name text);' },
    });
    const drops = plan.changes
      .flatMap((change) => change.tableChanges)
      .filter((table) => / DROP |^DROP /.test(` ${table.ddl}`));
    expect(drops.map(({ tableName }) => tableName)).toEqual(expect.arrayContaining(['people', 'scribbles', 'adults']));
    expect(drops.every((drop) => drop.isUnsafe && drop.unsafeReason !== '')).toBe(true);
    const other = await client.plan('poor', { audit: { 'log.sql': 'CREATE TABLE log (id bigint PRIMARY KEY);' } });
    expect(ddl(other.changes)).toEqual([
      'CREATE SCHEMA "audit"',
      'CREATE TABLE "audit"."log" ("id" bigint NOT NULL, CONSTRAINT "log_pkey" PRIMARY KEY (id))',
    ]);
  });

  it('leaves ignored tables alone and says which they are', async () => {
    const files = { public: { 'teams.sql': LIVE.replace('CREATE TABLE scribbles (id integer);', '') } };
    expect(ddl((await client.plan('poor', files)).changes)).toEqual(['DROP TABLE "public"."scribbles"']);
    const plan = await client.plan('poor', files, { ignoreTables: ['scribbles', 'people'] });
    expect(ddl(plan.changes)).toEqual([]);
    expect(plan.exemptTables).toEqual([
      { namespace: 'public', tables: ['people', 'scribbles'], reason: 'named by ignore_tables' },
    ]);
  });

  it('blocks what would rewrite or scan a table under a lock, with the reason', async () => {
    const files = {
      public: {
        'all.sql': LIVE.replace('age integer', 'age bigint').replace(
          'name text',
          'name text, token uuid DEFAULT gen_random_uuid()',
        ),
      },
    };
    const plan = await client.plan('poor', files);
    const blocked = plan.changes.flatMap((change) =>
      change.tableChanges.filter((table) => table.executionMode === 'blocked'),
    );
    expect(blocked.map(({ modeReason }) => modeReason)).toEqual([
      expect.stringContaining('the default of column token may differ from row to row'),
      expect.stringContaining('cannot change from integer to bigint'),
    ]);
  });

  it('keeps the default of a column while its type changes', async () => {
    const files = { public: { 'all.sql': LIVE.replace('email varchar(40)', `email varchar(60)`) } };
    expect(ddl((await client.plan('poor', files)).changes)).toEqual([
      'ALTER TABLE "public"."people" ALTER COLUMN "email" TYPE character varying(60)',
    ]);
  });

  it('answers problems that only the database sees with their place', async () => {
    const plan = await client.plan('eu', {
      public: {
        'a.sql': 'CREATE TABLE a (\n  id bigint,\n  other nonsense\n);',
        'b.sql': 'CREATE INDEX ON missing (id);',
      },
    });
    expect(plan.errors).toEqual([
      'public/a.sql:3:9: type "nonsense" does not exist',
      'public/b.sql:1:1: relation "missing" does not exist',
    ]);
    expect(plan.planId).toBe('');
  });

  it('leaves no scratch database behind', async () => {
    const { rows } = await query('people_eu', `SELECT datname FROM pg_database WHERE datname LIKE 'skein_scratch%'`);
    expect(rows).toEqual([]);
  });
});

const BEFORE = `
  CREATE TABLE books (id bigint PRIMARY KEY, title varchar(20), price integer,
    CONSTRAINT price_range CHECK (price > 0), CONSTRAINT one_title UNIQUE (title));
  CREATE INDEX books_price ON books (price);
  CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
  CREATE TRIGGER books_stamp BEFORE INSERT ON books FOR EACH ROW EXECUTE FUNCTION stamp();
  CREATE POLICY cheap ON books USING (price < 10);
  CREATE VIEW titles AS SELECT id, title FROM books;
  CREATE VIEW long_titles AS SELECT id FROM titles WHERE length(title) > 10;
`;
const AFTER = BEFORE.replace('varchar(20), price integer', 'varchar(40), price integer, year integer')
  .replace('price > 0', 'price >= 0')
  .replace('UNIQUE (title)', 'UNIQUE (title, year)')
  .replace('ON books (price)', 'ON books (price, year)')
  .replace('BEFORE INSERT', 'BEFORE INSERT OR UPDATE')
  .replace('price < 10', 'price < 20')
  .replace('SELECT id, title FROM', 'SELECT id, year, title FROM');

describe('what is replaced', () => {
  it('is never missing: the new one is made beside it, or both happen in one transaction', async () => {
    const dsn = await database(
      'replaced',
      `${BEFORE} INSERT INTO books SELECT n, 'b' || n, 5 FROM generate_series(1, 100) n;`,
    );
    const own = await startEngine({ listen: '127.0.0.1:0', targets: { books: dsn } });
    const asking = new RawClient(own.address);
    const files = { public: { 'books.sql': AFTER } };
    const plan = await asking.plan('books', files);
    const changes = plan.changes.flatMap((change) => change.tableChanges);
    expect(changes.filter((change) => change.executionMode === 'blocked')).toEqual([]);
    expect(changes.map((change) => change.ddl)).toEqual(
      expect.arrayContaining([
        'CREATE INDEX CONCURRENTLY "books_price_skein_new" ON public.books USING btree (price, year);\nDROP INDEX "public"."books_price";\nALTER INDEX "public"."books_price_skein_new" RENAME TO "books_price"',
        'CREATE UNIQUE INDEX CONCURRENTLY "one_title_skein_new" ON "public"."books" USING btree ("title", "year");\nALTER TABLE "public"."books" DROP CONSTRAINT "one_title";\nALTER TABLE "public"."books" ADD CONSTRAINT "one_title" UNIQUE USING INDEX "one_title_skein_new"',
        'ALTER TABLE "public"."books" DROP CONSTRAINT "price_range";\nALTER TABLE "public"."books" ADD CONSTRAINT "price_range" CHECK ((price >= 0)) NOT VALID;\nALTER TABLE "public"."books" VALIDATE CONSTRAINT "price_range"',
        expect.stringMatching(/^DROP POLICY "cheap".*;\nCREATE POLICY "cheap"/),
        expect.stringMatching(/^DROP TRIGGER "books_stamp".*;\nCREATE TRIGGER books_stamp/),
        expect.stringMatching(
          /^DROP VIEW "public"."long_titles";\nDROP VIEW "public"."titles";\n[^]*CREATE VIEW "public"."titles"[^]*CREATE VIEW "public"."long_titles"/,
        ),
      ]),
    );
    // Only the views lose something: their new definition may lack what somebody reads.
    const anew = 'is dropped and created again in one transaction: whoever relies on the old one may break';
    expect(changes.filter((change) => change.isUnsafe).map((change) => change.unsafeReason)).toEqual([
      `long_titles ${anew}; titles ${anew}`,
    ]);
    const { applyId, errorMessage } = await asking.apply({
      planId: plan.planId,
      target: 'books',
      options: { allow_unsafe: 'true' },
    });
    expect(errorMessage).toBe('');
    const ended = await asking.untilState(applyId, [State.STATE_COMPLETED, State.STATE_FAILED]);
    expect(ended.errorMessage).toBe('');
    expect(ddl((await asking.planDiff('books', files)).changes)).toEqual([]);
    asking.close();
    await own.stop();
  });

  it('says so where that cannot be', async () => {
    const dsn = await database('replaced_not', BEFORE);
    const own = await startEngine({ listen: '127.0.0.1:0', targets: { books: dsn } });
    const asking = new RawClient(own.address);
    // The index is on a column that goes away, so it has to go first.
    const files = {
      public: {
        'books.sql': BEFORE.replace('price integer,', 'cost integer,')
          .replaceAll('price', 'cost')
          .replaceAll('books_cost', 'books_price'),
      },
    };
    const changes = (await asking.plan('books', files)).changes.flatMap((change) => change.tableChanges);
    const drop = changes.find((change) => change.ddl === 'DROP INDEX CONCURRENTLY "public"."books_price"');
    expect(drop?.unsafeReason).toContain('it is created again later in this plan and is missing until then');
    asking.close();
    await own.stop();
  });
});

describe('a plan that is no longer true', () => {
  it('is refused when it is applied, naming both sides, and nothing is stored', async () => {
    const dsn = await database('drifted', LIVE);
    const own = await startEngine({ listen: '127.0.0.1:0', targets: { drifted: dsn } });
    const asking = new RawClient(own.address);
    const files = { public: { 'all.sql': LIVE.replace('name text', 'name text, motto text') } };
    const { planId } = await asking.plan('drifted', files);
    // In the desired direction, and still not what was reviewed: somebody else is at work here.
    await query('drifted', 'ALTER TABLE teams ADD COLUMN motto text');
    const answer = await asking.apply({ planId, target: 'drifted', idempotencyKey: 'drifted' });
    expect(answer).toMatchObject({ accepted: false, applyId: '' });
    expect(answer.errorMessage).toBe(
      `plan ${planId}: the live schema has drifted from the reviewed plan; reviewed: [ALTER TABLE "public"."teams" ADD COLUMN "motto" text]; now it would be: nothing; plan again`,
    );
    expect((await query('drifted', 'SELECT count(*)::int AS count FROM _skein.applies')).rows).toEqual([{ count: 0 }]);
    asking.close();
    await own.stop();
  });

  it('is refused for another database, environment or target than it was made for', async () => {
    const { planId } = await client.plan('poor', {
      public: { 'all.sql': LIVE.replace('name text', 'name text, motto text') },
    });
    for (const other of [{ database: 'stock' }, { environment: 'staging' }]) {
      const call = client.apply({ planId, target: 'poor', ...other });
      await expect(call).rejects.toThrow(
        /was made for (?:database orders|environment production); refusing to run it for/,
      );
    }
    expect(await client.apply({ planId, target: 'eu' })).toMatchObject({
      accepted: false,
      errorMessage: 'plan not found',
    });
  });
});

describe('a plan that cannot be made', () => {
  it('names the targets that are known when asked for another', async () => {
    const call = client.plan('mars', DESIRED);
    await expect(call).rejects.toThrow(/target mars is not served by this engine; it serves eu, poor, us/);
    expect(await statusOf(client.plan('', DESIRED))).toBe('INVALID_ARGUMENT');
    expect(await statusOf(client.plan('eu', DESIRED, { type: 'mysql' }))).toBe('INVALID_ARGUMENT');
    expect(await statusOf(client.plan('eu', DESIRED, { ignoredNamespaces: ['public'] }))).toBe('INVALID_ARGUMENT');
  });

  it('says that its role may not create a scratch database, and plans with --scratch', async () => {
    await query(
      'people_eu',
      `CREATE ROLE limited LOGIN PASSWORD 'secret'; GRANT CREATE ON DATABASE people_eu TO limited;`,
    );
    const limited = new URL(await database('people_limited', LIVE));
    await query('people_eu', 'GRANT ALL ON DATABASE people_limited TO limited');
    limited.username = 'limited';
    limited.password = 'secret';
    const without = await startEngine({ listen: '127.0.0.1:0', targets: { limited: limited.toString() } });
    const asking = new RawClient(without.address);
    await expect(asking.plan('limited', DESIRED)).rejects.toThrow(
      /role limited may not create one there\. Grant it CREATEDB, or start the engine with --scratch/,
    );
    asking.close();
    await without.stop();
    const having = await startEngine({
      listen: '127.0.0.1:0',
      targets: { limited: limited.toString() },
      scratch: postgres.dsn(),
    });
    const planning = new RawClient(having.address);
    const plan = await planning.plan('limited', DESIRED);
    expect(plan.errors).toEqual([]);
    expect(ddl(plan.changes).length).toBeGreaterThan(15);
    planning.close();
    await having.stop();
  });
});
