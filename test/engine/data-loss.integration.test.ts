import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import { State } from '../../proto/gen/tern.js';
import { testPostgres } from '../support/postgres.js';
import { ENDED, RawClient } from './raw-client.js';

const TOUCH = `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';`;
const TRIGGER = 'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();';
const PARENT = 'CREATE TABLE parent (k text) PARTITION BY LIST (k);';
const PARTITION = `${PARENT} CREATE TABLE t PARTITION OF parent FOR VALUES IN ('a');`;
const TAKEN_OFF = `${PARENT} CREATE TABLE t (k text);`;

/**
 * What becomes of a table `t` with rows, whose column is `k`. `ends` is what the plan comes to when consent is given.
 * Every one of these plans deletes something.
 */
const CASES: readonly (readonly [what: string, live: string, desired: string, ends: 'completed' | 'blocked'])[] = [
  [
    'a collation under a default',
    `CREATE TABLE t (k text DEFAULT 'x');`,
    `CREATE TABLE t (k text COLLATE "C" DEFAULT 'x');`,
    'completed',
  ],
  [
    'a collation under a view',
    'CREATE TABLE t (k text); CREATE VIEW v AS SELECT k FROM t;',
    'CREATE TABLE t (k text COLLATE "C"); CREATE VIEW v AS SELECT k FROM t;',
    'completed',
  ],
  [
    'a collation under a materialized view',
    'CREATE TABLE t (k text); CREATE MATERIALIZED VIEW v AS SELECT k FROM t;',
    'CREATE TABLE t (k text COLLATE "C"); CREATE MATERIALIZED VIEW v AS SELECT k FROM t;',
    'completed',
  ],
  [
    'a collation under a check, an index and a comment',
    `CREATE TABLE t (k text CHECK (k > '')); CREATE INDEX i ON t (k); COMMENT ON COLUMN t.k IS 'x';`,
    `CREATE TABLE t (k text COLLATE "C" CHECK (k > '')); CREATE INDEX i ON t (k); COMMENT ON COLUMN t.k IS 'x';`,
    'completed',
  ],
  [
    'a collation of the owner of a sequence',
    'CREATE TABLE t (k text); CREATE SEQUENCE s OWNED BY t.k;',
    'CREATE TABLE t (k text COLLATE "C"); CREATE SEQUENCE s OWNED BY t.k;',
    'completed',
  ],
  [
    'a partitioned table, with a default',
    `CREATE TABLE t (k text, j int DEFAULT 4);`,
    `CREATE TABLE t (k text, j int DEFAULT 4) PARTITION BY LIST (k);`,
    'completed',
  ],
  [
    'a partitioned table, with a trigger',
    `${TOUCH} CREATE TABLE t (k text); ${TRIGGER}`,
    `${TOUCH} CREATE TABLE t (k text) PARTITION BY LIST (k); ${TRIGGER}`,
    'completed',
  ],
  [
    'a partitioned table, with a policy, a rule and comments',
    `CREATE TABLE t (k text); CREATE POLICY p ON t USING (true); CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING; COMMENT ON TABLE t IS 'x'; COMMENT ON COLUMN t.k IS 'y';`,
    `CREATE TABLE t (k text) PARTITION BY LIST (k); CREATE POLICY p ON t USING (true); CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING; COMMENT ON TABLE t IS 'x'; COMMENT ON COLUMN t.k IS 'y';`,
    'completed',
  ],
  [
    'a partitioned table, with a check',
    `CREATE TABLE t (k text CHECK (k > ''));`,
    `CREATE TABLE t (k text CHECK (k > '')) PARTITION BY LIST (k);`,
    'completed',
  ],
  [
    'a partitioned table, with a primary key that another table rests on',
    'CREATE TABLE t (k text PRIMARY KEY); CREATE TABLE u (k text REFERENCES t);',
    'CREATE TABLE t (k text PRIMARY KEY) PARTITION BY LIST (k); CREATE TABLE u (k text REFERENCES t);',
    'completed',
  ],
  [
    'a partitioned table, under views and a function',
    'CREATE TABLE t (k text); CREATE VIEW v AS SELECT k FROM t; CREATE VIEW w AS SELECT k FROM v; CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql AS $$ SELECT * FROM t $$;',
    'CREATE TABLE t (k text) PARTITION BY LIST (k); CREATE VIEW v AS SELECT k FROM t; CREATE VIEW w AS SELECT k FROM v; CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql AS $$ SELECT * FROM t $$;',
    'completed',
  ],
  [
    'a partitioned table, under a materialized view',
    'CREATE TABLE t (k text); CREATE MATERIALIZED VIEW v AS SELECT k FROM t;',
    'CREATE TABLE t (k text) PARTITION BY LIST (k); CREATE MATERIALIZED VIEW v AS SELECT k FROM t;',
    'completed',
  ],
  [
    'a partitioned table, with a sequence of its own',
    'CREATE TABLE t (k text, n serial);',
    'CREATE TABLE t (k text, n serial) PARTITION BY LIST (k);',
    'completed',
  ],
  [
    'a partitioned table, with an identity',
    'CREATE TABLE t (k text, n int GENERATED ALWAYS AS IDENTITY);',
    'CREATE TABLE t (k text, n int GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST (k);',
    'completed',
  ],
  [
    'two partitioned tables that rest on each other',
    'CREATE TABLE t (k text PRIMARY KEY); CREATE TABLE u (k text PRIMARY KEY REFERENCES t); ALTER TABLE t ADD FOREIGN KEY (k) REFERENCES u DEFERRABLE INITIALLY DEFERRED;',
    'CREATE TABLE t (k text PRIMARY KEY) PARTITION BY LIST (k); CREATE TABLE u (k text PRIMARY KEY REFERENCES t) PARTITION BY LIST (k); ALTER TABLE t ADD FOREIGN KEY (k) REFERENCES u DEFERRABLE INITIALLY DEFERRED;',
    'completed',
  ],
  [
    'a plain table again',
    `CREATE TABLE t (k text, j int DEFAULT 4) PARTITION BY LIST (k); CREATE TABLE t_all PARTITION OF t DEFAULT;`,
    `CREATE TABLE t (k text, j int DEFAULT 4);`,
    'completed',
  ],
  [
    'another partition key',
    `CREATE TABLE t (k text, j text DEFAULT 'x') PARTITION BY LIST (k); CREATE TABLE t_all PARTITION OF t DEFAULT;`,
    `CREATE TABLE t (k text, j text DEFAULT 'x') PARTITION BY LIST (j); CREATE TABLE t_all PARTITION OF t DEFAULT;`,
    'completed',
  ],
  ['another bound of a partition', PARTITION, PARTITION.replace(`IN ('a')`, `IN ('b')`), 'blocked'],
  [
    'a partition that is taken off, with a policy',
    `${PARTITION} CREATE POLICY p ON t USING (true);`,
    `${TAKEN_OFF} CREATE POLICY p ON t USING (true);`,
    'completed',
  ],
  [
    'a partition that is taken off, with a trigger',
    `${TOUCH} ${PARTITION} ${TRIGGER}`,
    `${TOUCH} ${TAKEN_OFF} ${TRIGGER}`,
    'completed',
  ],
  [
    'a partition that is taken off, under a view',
    `${PARTITION} CREATE VIEW v AS SELECT k FROM t;`,
    `${TAKEN_OFF} CREATE VIEW v AS SELECT k FROM t;`,
    'completed',
  ],
  ['a table that becomes a partition', TAKEN_OFF, PARTITION, 'blocked'],
  [
    'an heir that stands alone',
    'CREATE TABLE a (k text DEFAULT 3); CREATE TABLE t (j int DEFAULT 4) INHERITS (a);',
    'CREATE TABLE a (k text DEFAULT 3); CREATE TABLE t (k text DEFAULT 3, j int DEFAULT 4);',
    'completed',
  ],
  [
    'a table that becomes a view under a view',
    'CREATE TABLE t (k text); CREATE VIEW v AS SELECT k FROM t;',
    `CREATE VIEW t AS SELECT 'a'::text AS k; CREATE VIEW v AS SELECT k FROM t;`,
    'completed',
  ],
  [
    'a generated column that becomes a plain one under a view',
    'CREATE TABLE t (k text, g int GENERATED ALWAYS AS (length(k)) STORED); CREATE VIEW v AS SELECT g FROM t;',
    'CREATE TABLE t (k text, g int); CREATE VIEW v AS SELECT g FROM t;',
    'completed',
  ],
  [
    'a plain column that becomes a generated one',
    'CREATE TABLE t (k text, g int DEFAULT 3);',
    'CREATE TABLE t (k text, g int GENERATED ALWAYS AS (length(k)) STORED);',
    'blocked',
  ],
  [
    'a column that goes with its sequence',
    'CREATE TABLE t (k text, n serial);',
    'CREATE TABLE t (k text);',
    'completed',
  ],
  [
    'a serial column that becomes a plain one',
    'CREATE TABLE t (k text, n serial);',
    'CREATE TABLE t (k text, n int NOT NULL);',
    'completed',
  ],
  [
    'an identity that goes',
    'CREATE TABLE t (k text, n int GENERATED ALWAYS AS IDENTITY);',
    'CREATE TABLE t (k text, n int NOT NULL);',
    'completed',
  ],
  [
    'a column of its row type',
    'CREATE TABLE t (k text); CREATE TABLE u (c t);',
    'CREATE TABLE t (k text) PARTITION BY LIST (k); CREATE TABLE u (c t);',
    'blocked',
  ],
  [
    'a view elsewhere that rests on it',
    'CREATE TABLE t (k text); CREATE SCHEMA elsewhere; CREATE VIEW elsewhere.v AS SELECT k FROM t;',
    'CREATE TABLE t (k text) PARTITION BY LIST (k);',
    'blocked',
  ],
];

const DELETES = /\bDROP (?:TABLE|COLUMN|SEQUENCE|MATERIALIZED VIEW)\b|\bDROP IDENTITY\b/;

let engine: RunningEngine;
let client: RawClient;
const dsns: string[] = [];

async function query(position: number, statements: string): Promise<readonly Record<string, unknown>[]> {
  const admin = new Client({ connectionString: dsns[position] ?? '' });
  await admin.connect();
  try {
    return (await admin.query<Record<string, unknown>>(statements)).rows;
  } finally {
    await admin.end();
  }
}

beforeAll(async () => {
  const postgres = await testPostgres({ settings: { max_connections: '300' } });
  const targets: Record<string, string> = {};
  for (const [position, [, live]] of CASES.entries()) {
    const dsn = await postgres.createDatabase(`loss_${position}`);
    dsns.push(dsn);
    targets[`loss_${position}`] = dsn;
    await query(position, live);
    const twins = live.includes('REFERENCES u') ? `INSERT INTO u VALUES ('a');` : '';
    await query(position, `BEGIN; INSERT INTO t (k) VALUES ('a'); ${twins} COMMIT`);
  }
  engine = await startEngine({ listen: '127.0.0.1:0', targets });
  client = new RawClient(engine.address);
});

afterAll(async () => {
  client.close();
  await engine.stop();
});

describe('a plan that deletes something', () => {
  it.concurrent.each(CASES.map(([what, , desired, ends], position) => ({ what, desired, ends, position })))(
    'says so, and without consent the rows stay: $what',
    async ({ desired, ends, position }) => {
      const target = `loss_${position}`;
      const files = { public: { 'schema.sql': desired } };
      const plan = await client.plan(target, files);
      expect(plan.errors).toEqual([]);
      const changes = plan.changes.flatMap((change) => change.tableChanges);
      const deleting = changes.filter((change) => DELETES.test(change.ddl));
      expect(deleting).not.toEqual([]);
      for (const change of deleting) {
        const reason = `${change.unsafeReason}${change.modeReason}`;
        expect({ ddl: change.ddl, isTold: change.isUnsafe || change.executionMode === 'blocked' }).toEqual({
          ddl: change.ddl,
          isTold: true,
        });
        expect(reason).not.toBe('');
      }
      const refused = await client.apply({ planId: plan.planId, target });
      expect(refused).toMatchObject({ accepted: false });
      expect(await query(position, 'SELECT k FROM t')).toEqual([{ k: 'a' }]);

      const allowed = await client.apply({ planId: plan.planId, target, options: { allow_unsafe: 'true' } });
      expect(allowed.accepted, allowed.errorMessage).toBe(ends === 'completed');
      if (!allowed.accepted) {
        expect(await query(position, 'SELECT k FROM t')).toEqual([{ k: 'a' }]);
        return;
      }
      const ended = await client.untilState(allowed.applyId, ENDED);
      expect([ended.state, ended.errorMessage]).toEqual([State.STATE_COMPLETED, '']);
      expect((await client.planDiff(target, files)).changes).toEqual([]);
    },
  );
});
