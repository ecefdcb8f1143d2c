import { Client } from 'pg';
import type { EmbeddedPostgres } from '../../dev/postgres.js';
import type { ConformanceSubject } from './conformance.js';
import type { Files } from './raw-client.js';
import { watchEffects } from './watched-database.js';

const TABLES = `
CREATE TABLE items (id bigint PRIMARY KEY, name text, size integer);
CREATE TABLE extras (id bigint PRIMARY KEY);
`;

const WITH_COLUMN = TABLES.replace('size integer', 'size integer, note text');

function schema(...more: readonly string[]): Files {
  return { public: { 'tables.sql': TABLES, 'more.sql': more.join('\n') } };
}

export const SCHEMAS = {
  base: schema(),
  additive: schema('CREATE INDEX items_name ON items (name);'),
  other: schema('CREATE INDEX items_size ON items (size);'),
  further: schema('CREATE INDEX items_name ON items (name);', 'CREATE INDEX items_size ON items (size);'),
  visible: { public: { 'tables.sql': WITH_COLUMN } },
  additiveAndVisible: {
    public: { 'tables.sql': WITH_COLUMN, 'more.sql': 'CREATE INDEX items_name ON items (name);' },
  },
  destructive: { public: { 'tables.sql': 'CREATE TABLE items (id bigint PRIMARY KEY, name text, size integer);' } },
  invalid: { public: { 'broken.sql': 'CREATE TABLE items (\n  id bigint,,\n  name text);' } },
  blocked: { public: { 'tables.sql': TABLES.replace('size integer', 'size bigint') } },
  failing: schema('CREATE UNIQUE INDEX items_size ON items (size);'),
} as const satisfies Record<string, Files>;

/**
 * What the conformance suite needs around an engine on a real PostgreSQL. An event trigger in the target counts what
 * really happened there, whatever the engine believes.
 */
export async function postgresSurroundings(
  postgres: EmbeddedPostgres,
  database: string,
): Promise<
  { readonly dsn: string } & Pick<ConformanceSubject, 'schemas' | 'fresh' | 'hold' | 'effects' | 'drift'> & {
      end(): Promise<void>;
    }
> {
  const dsn = await postgres.createDatabase(database);
  const admin = new Client({ connectionString: dsn });
  await admin.connect();
  await watchEffects(admin);
  const holders = new Set<Client>();
  return {
    dsn,
    schemas: SCHEMAS,
    async fresh() {
      await Promise.all([...holders].map((holder) => holder.end()));
      holders.clear();
      await admin.query(`
        DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${TABLES}
        INSERT INTO items SELECT n, 'item ' || n, n / 2 FROM generate_series(1, 1000) n;
        TRUNCATE watch.effects;
        DO $$ BEGIN
          IF to_regclass('_skein.applies') IS NOT NULL THEN TRUNCATE _skein.applies, _skein.plans CASCADE; END IF;
        END $$;
      `);
    },
    async hold() {
      // An open snapshot: a concurrent index build cannot finish before it is gone.
      const holder = new Client({ connectionString: dsn, application_name: 'reporting' });
      holders.add(holder);
      await holder.connect();
      await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
      return async () => {
        if (!holders.delete(holder)) return;
        await holder.end();
      };
    },
    async effects() {
      // A build leaves its mark when it is complete; one that was cut short and dropped counts for nothing.
      const { rows } = await admin.query<{ count: string }>('SELECT count(*) FROM watch.effects');
      return Number(rows[0]?.count);
    },
    async drift() {
      await admin.query('ALTER TABLE extras ADD COLUMN surprise integer');
    },
    async end() {
      await Promise.all([...holders].map((holder) => holder.end()));
      await admin.end();
    },
  };
}
