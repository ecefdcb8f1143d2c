import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import { State } from '../../proto/gen/tern.js';
import { testPostgres } from '../support/postgres.js';
import { type Files, RawClient } from './raw-client.js';

const LIVE = `
  CREATE ROLE owner_of_views;
  CREATE ROLE reader;
  CREATE ROLE "Odd role";
  GRANT CREATE ON SCHEMA public TO owner_of_views;
  CREATE TABLE t (id integer PRIMARY KEY, code varchar(4), n integer);
  CREATE VIEW v AS SELECT id, code FROM t;
  ALTER VIEW v OWNER TO owner_of_views;
  GRANT SELECT ON t TO owner_of_views;
  GRANT SELECT ON v TO reader WITH GRANT OPTION;
  GRANT UPDATE (code) ON v TO "Odd role";
  GRANT SELECT ON v TO PUBLIC;
  CREATE MATERIALIZED VIEW m AS SELECT DISTINCT code FROM t;
  GRANT SELECT ON m TO reader;
  CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a';
  REVOKE EXECUTE ON FUNCTION f(integer) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION f(integer) TO reader;
  CREATE FUNCTION named(a integer, OUT b integer) LANGUAGE sql AS 'SELECT a';
  REVOKE EXECUTE ON FUNCTION named(integer) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION named(integer) TO reader;
  CREATE PROCEDURE filed(a text) LANGUAGE sql AS '';
  REVOKE EXECUTE ON PROCEDURE filed(text) FROM PUBLIC;
  CREATE VIEW plain AS SELECT n FROM t;
  CREATE PUBLICATION changes FOR TABLE t;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT DELETE ON TABLES TO "Odd role";
`;

/** The view and the matview have to go for the type, the function for its result, others for the name of an argument. */
const DESIRED: Files = {
  public: {
    'all.sql': `
      CREATE TABLE t (id integer PRIMARY KEY, code varchar(8), n integer);
      CREATE VIEW v AS SELECT id, code FROM t WHERE id > 0;
      CREATE MATERIALIZED VIEW m AS SELECT DISTINCT code FROM t;
      CREATE FUNCTION f(a integer) RETURNS bigint LANGUAGE sql AS 'SELECT a::bigint';
      CREATE FUNCTION named(a integer, OUT c integer) LANGUAGE sql AS 'SELECT a';
      CREATE PROCEDURE filed(b text) LANGUAGE sql AS '';
      CREATE VIEW plain AS SELECT n FROM t;`,
  },
};

let engine: RunningEngine;
let client: RawClient;
let admin: Client;

beforeAll(async () => {
  const postgres = await testPostgres();
  const dsn = await postgres.createDatabase('rights');
  admin = new Client({ connectionString: dsn });
  await admin.connect();
  await admin.query(LIVE);
  engine = await startEngine({ listen: '127.0.0.1:0', targets: { orders: dsn } });
  client = new RawClient(engine.address);
});

afterAll(async () => {
  client.close();
  await engine.stop();
  await admin.end();
});

async function rights(): Promise<readonly unknown[]> {
  const { rows } = await admin.query<{ line: string }>(`
    SELECT 'relation ' || c.relname || ' owner ' || pg_get_userbyid(c.relowner) AS line FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm', 'r')
    UNION ALL SELECT 'grant ' || c.relname || ' ' || coalesce(nullif(e.grantee, 0)::regrole::text, 'PUBLIC') || ' '
        || e.privilege_type || ' ' || e.is_grantable
      FROM pg_class c, aclexplode(c.relacl) e WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'column ' || a.attname || ' ' || e.grantee::regrole || ' ' || e.privilege_type
      FROM pg_attribute a, aclexplode(a.attacl) e WHERE a.attrelid = 'v'::regclass
    UNION ALL SELECT 'routine ' || p.proname || ' ' || coalesce(nullif(e.grantee, 0)::regrole::text, 'PUBLIC')
      FROM pg_proc p, aclexplode(p.proacl) e WHERE p.pronamespace = 'public'::regnamespace
    ORDER BY 1`);
  return rows.map(({ line }) => line);
}

async function oids(): Promise<unknown> {
  const { rows } = await admin.query(
    `SELECT 'v'::regclass::oid AS v, 'm'::regclass::oid AS m, 'plain'::regclass::oid AS plain, 'f'::regproc::oid AS f`,
  );
  return rows[0];
}

describe('what a plan drops and creates again', () => {
  it('keeps its owner and its privileges, and no plan names them', async () => {
    const before = { rights: await rights(), oids: (await oids()) as Record<string, number> };
    const plan = await client.plan('orders', DESIRED);
    const statements = plan.changes.flatMap(({ tableChanges }) => tableChanges.map(({ ddl }) => ddl));
    expect(statements.join('\n')).not.toMatch(/\b(?:GRANT|REVOKE|OWNER)\b/);
    expect(plan.lintViolations.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'info: not managed, left as it is: objects owned by owner_of_views',
      'info: not managed, left as it is: privileges on public.m, public.t, public.v',
      'info: not managed, left as it is: default privileges for postgres in public',
      'info: not managed, left as it is: publications changes',
    ]);

    const { applyId } = await client.apply({
      planId: plan.planId,
      target: 'orders',
      options: { allow_unsafe: 'true' },
    });
    await client.untilState(applyId, [State.STATE_COMPLETED]);
    const after = (await oids()) as Record<string, number>;
    for (const name of ['v', 'm', 'f']) expect(after[name], `${name} was made anew`).not.toBe(before.oids[name]);
    expect(after['plain']).toBe(before.oids['plain']);
    expect(await rights()).toEqual(before.rights);
    expect((await client.plan('orders', DESIRED)).changes).toEqual([]);
    const { rows } = await admin.query('SELECT FROM _skein.kept_rights');
    expect(rows).toEqual([]);
  });
});
