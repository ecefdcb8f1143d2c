/** One way in which a database can be another than its files say. */
export interface Deviation {
  readonly name: string;
  /** The files of a namespace, which were run there. */
  readonly files: string;
  /** What somebody, or a plan that went wrong, did to it afterwards. */
  readonly deviation: string;
  /** What the comparison has to say: a planned statement, or a difference that none is planned for. */
  readonly says: RegExp;
}

const T = 'CREATE TABLE t (id integer PRIMARY KEY, k text, n integer);';
const PARTITIONED = `
  CREATE TABLE p (id integer NOT NULL, k text) PARTITION BY LIST (k);
  CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a');`;

export const DEVIATIONS: readonly Deviation[] = [
  {
    name: 'a generated column is stored instead of virtual',
    files: 'CREATE TABLE g (q integer, d integer GENERATED ALWAYS AS (q * 2) VIRTUAL);',
    deviation: 'ALTER TABLE g DROP COLUMN d; ALTER TABLE g ADD COLUMN d integer GENERATED ALWAYS AS (q * 2) STORED;',
    says: /^-- d\d+\.g\.d: generated kind is STORED, the files say VIRTUAL$/m,
  },
  {
    name: 'the index of a partitioned table is invalid, and a partition has none',
    files: `${PARTITIONED} CREATE INDEX p_k ON p (id);`,
    deviation: 'DROP INDEX p_k; CREATE INDEX p_k ON ONLY p (id);',
    says: /p\.p_k: index on partition d\d+\.p_a is missing, the files say valid/,
  },
  {
    name: 'the unique index of a partitioned table enforces nothing',
    files: `${PARTITIONED} CREATE UNIQUE INDEX p_u ON p (id, k);`,
    deviation: 'DROP INDEX p_u; CREATE UNIQUE INDEX p_u ON ONLY p (id, k);',
    says: /p\.p_u: state is invalid, the files say valid/,
  },
  {
    name: 'the key of a partitioned table has no index on a partition',
    files: `CREATE TABLE p (id integer NOT NULL, k text NOT NULL, CONSTRAINT p_key PRIMARY KEY (id, k)) PARTITION BY LIST (k);
      CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a');`,
    deviation: `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'p_a_pkey'::regclass;`,
    says: /p\.p_key: index on partition d\d+\.p_a is invalid, the files say valid/,
  },
  {
    name: 'a replica identity is lost',
    files:
      'CREATE TABLE r (id integer NOT NULL, CONSTRAINT r_u UNIQUE (id)); ALTER TABLE r REPLICA IDENTITY USING INDEX r_u;',
    deviation: 'ALTER TABLE r REPLICA IDENTITY DEFAULT;',
    says: /REPLICA IDENTITY|replica identity/,
  },
  {
    name: 'the index of the replica identity is gone, and the identity with it',
    files: `CREATE TABLE r (id integer NOT NULL, k integer NOT NULL); CREATE UNIQUE INDEX r_u ON r (id);
      ALTER TABLE r REPLICA IDENTITY USING INDEX r_u;`,
    deviation: 'CREATE UNIQUE INDEX r_x ON r (id); DROP INDEX r_u; ALTER INDEX r_x RENAME TO r_u;',
    says: /REPLICA IDENTITY|replica identity is an index that is gone/,
  },
  {
    name: 'an index is invalid',
    files: `${T} CREATE INDEX t_k ON t (k);`,
    deviation: `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_k'::regclass;`,
    says: /CREATE INDEX CONCURRENTLY t_k/,
  },
  {
    name: 'a unique constraint stands on an invalid index',
    files: `${T} ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (k);`,
    deviation: `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_u'::regclass;`,
    says: /t\.t_u: index is invalid, the files say valid/,
  },
  {
    name: 'an index that the table is clustered on',
    files: `${T} CREATE INDEX t_k ON t (k); ALTER TABLE t CLUSTER ON t_k;`,
    deviation: 'ALTER TABLE t SET WITHOUT CLUSTER;',
    says: /t\.t_k: clustered on is none, the files say yes/,
  },
  {
    name: 'a statistics target of a column',
    files: `${T} ALTER TABLE t ALTER k SET STATISTICS 500;`,
    deviation: 'ALTER TABLE t ALTER k SET STATISTICS -1;',
    says: /t\.k: statistics target is the default, the files say 500/,
  },
  {
    name: 'a statistics target that only the database has',
    files: T,
    deviation: 'ALTER TABLE t ALTER k SET STATISTICS 500;',
    says: /t\.k: statistics target is 500, the files say the default/,
  },
  {
    name: 'the storage of a column',
    files: `${T} ALTER TABLE t ALTER k SET STORAGE EXTERNAL;`,
    deviation: 'ALTER TABLE t ALTER k SET STORAGE EXTENDED;',
    says: /t\.k: storage is the default, the files say EXTERNAL/,
  },
  {
    name: 'the compression of a column',
    files: 'CREATE TABLE t (k text COMPRESSION pglz);',
    deviation: 'ALTER TABLE t ALTER k SET COMPRESSION default;',
    says: /t\.k: compression is the default, the files say pglz/,
  },
  {
    name: 'the options of a column',
    files: `${T} ALTER TABLE t ALTER k SET (n_distinct = -0.5);`,
    deviation: 'ALTER TABLE t ALTER k RESET (n_distinct);',
    says: /t\.k: options is none, the files say n_distinct=-0\.5/,
  },
  {
    name: 'the options of a table',
    files: `${T} ALTER TABLE t SET (fillfactor = 70, autovacuum_enabled = off);`,
    deviation: 'ALTER TABLE t RESET (fillfactor);',
    says: /fillfactor/,
  },
  {
    name: 'the options of the toast table',
    files: `${T} ALTER TABLE t SET (toast.autovacuum_enabled = off);`,
    deviation: 'ALTER TABLE t RESET (toast.autovacuum_enabled);',
    says: /toast\.autovacuum_enabled/,
  },
  {
    name: 'a constraint that was never validated',
    files: `${T} ALTER TABLE t ADD CONSTRAINT t_n CHECK (n > 0);`,
    deviation: 'ALTER TABLE t DROP CONSTRAINT t_n; ALTER TABLE t ADD CONSTRAINT t_n CHECK (n > 0) NOT VALID;',
    says: /t_n/,
  },
  {
    name: 'a foreign key that is not enforced',
    files: `${T} CREATE TABLE c (t integer, CONSTRAINT c_t FOREIGN KEY (t) REFERENCES t (id));`,
    deviation: 'ALTER TABLE c ALTER CONSTRAINT c_t NOT ENFORCED;',
    says: /c_t/,
  },
  {
    name: 'a NOT NULL that was never validated',
    files: 'CREATE TABLE t (id integer PRIMARY KEY, k text NOT NULL);',
    deviation: `ALTER TABLE t ALTER k DROP NOT NULL; ALTER TABLE t ADD CONSTRAINT t_k_not_null NOT NULL k NOT VALID;`,
    says: /VALIDATE CONSTRAINT "t_k_not_null"/,
  },
  {
    name: 'the name of a NOT NULL that the files give',
    files: 'CREATE TABLE t (k text CONSTRAINT k_is_there NOT NULL);',
    deviation: 'ALTER TABLE t RENAME CONSTRAINT k_is_there TO something_else;',
    says: /t\.k: NOT NULL constraint is something_else, the files say k_is_there/,
  },
  {
    name: 'a NOT NULL that heirs do not inherit',
    files: 'CREATE TABLE t (k text NOT NULL NO INHERIT);',
    deviation: 'ALTER TABLE t ALTER CONSTRAINT t_k_not_null INHERIT;',
    says: /t\.k: NOT NULL is yes, the files say yes, no inherit/,
  },
  {
    name: 'identity by default instead of always',
    files: 'CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY);',
    deviation: 'ALTER TABLE t ALTER id SET GENERATED BY DEFAULT;',
    says: /IDENTITY|GENERATED|identity/,
  },
  {
    name: 'the options of an identity',
    files: 'CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY (INCREMENT 10 CACHE 5));',
    deviation: 'ALTER TABLE t ALTER id SET INCREMENT 1 SET CACHE 1;',
    says: /INCREMENT|identity sequence/,
  },
  {
    name: 'a sequence that no column owns any more',
    files: 'CREATE TABLE t (id bigserial);',
    deviation: 'ALTER SEQUENCE t_id_seq OWNED BY NONE;',
    says: /OWNED BY|owned by is none/,
  },
  {
    name: 'the options of a sequence',
    files: 'CREATE SEQUENCE s INCREMENT 2 CACHE 7 CYCLE;',
    deviation: 'ALTER SEQUENCE s CACHE 1 NO CYCLE;',
    says: /SEQUENCE|options/,
  },
  {
    name: 'row-level security that its owner passes',
    files: `${T} ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;`,
    deviation: 'ALTER TABLE t NO FORCE ROW LEVEL SECURITY;',
    says: /FORCE ROW LEVEL SECURITY/,
  },
  {
    name: 'a policy that permits instead of restricting',
    files: `${T} CREATE POLICY narrow ON t AS RESTRICTIVE FOR SELECT USING (n > 0);`,
    deviation: 'DROP POLICY narrow ON t; CREATE POLICY narrow ON t FOR SELECT USING (n > 0);',
    says: /narrow/,
  },
  {
    name: 'a trigger that is disabled',
    files: `${T} CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
      CREATE TRIGGER t_f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();`,
    deviation: 'ALTER TABLE t DISABLE TRIGGER t_f;',
    says: /t_f/,
  },
  {
    name: 'a rule that is disabled',
    files: `${T} CREATE RULE quiet AS ON DELETE TO t DO INSTEAD NOTHING;`,
    deviation: 'ALTER TABLE t DISABLE RULE quiet;',
    says: /quiet/,
  },
  {
    name: 'a table that does not survive a crash',
    files: T,
    deviation: 'ALTER TABLE t SET UNLOGGED;',
    says: /LOGGED|persistence is unlogged/,
  },
  {
    name: 'a partition that was detached',
    files: PARTITIONED,
    deviation: 'ALTER TABLE p DETACH PARTITION p_a;',
    says: /p_a/,
  },
  {
    name: 'a table that inherits no more',
    files: `${T} CREATE TABLE heir (more text) INHERITS (t);`,
    deviation: 'ALTER TABLE heir NO INHERIT t;',
    says: /heir/,
  },
  {
    name: 'a NOT NULL of a partition of its own',
    files: `${PARTITIONED} ALTER TABLE p_a ALTER k SET NOT NULL;`,
    deviation: 'ALTER TABLE p_a ALTER k DROP NOT NULL;',
    says: /p_a\.k: NOT NULL is no, the files say yes/,
  },
  {
    name: 'a default of a partition of its own',
    files: `${PARTITIONED} ALTER TABLE p_a ALTER id SET DEFAULT 3;`,
    deviation: 'ALTER TABLE p_a ALTER id DROP DEFAULT;',
    says: /p_a/,
  },
  {
    name: 'a default that only the database has, on a partition',
    files: PARTITIONED,
    deviation: 'ALTER TABLE p_a ALTER id SET DEFAULT 3;',
    says: /p_a/,
  },
  {
    name: 'a comment on the column of a partition',
    files: `${PARTITIONED} COMMENT ON COLUMN p_a.k IS 'only here';`,
    deviation: 'COMMENT ON COLUMN p_a.k IS NULL;',
    says: /p_a/,
  },
  {
    name: 'a comment on the column of a view',
    files: `${T} CREATE VIEW v AS SELECT id FROM t; COMMENT ON COLUMN v.id IS 'of the view';`,
    deviation: 'COMMENT ON COLUMN v.id IS NULL;',
    says: /v\.id: comment is none, the files say of the view|COMMENT ON COLUMN/,
  },
  {
    name: 'a default of the column of a view',
    files: `${T} CREATE VIEW v AS SELECT id, n FROM t; ALTER VIEW v ALTER n SET DEFAULT 5;`,
    deviation: 'ALTER VIEW v ALTER n DROP DEFAULT;',
    says: /v.*n/,
  },
  {
    name: 'a comment on the index of a constraint',
    files: `${T} COMMENT ON INDEX t_pkey IS 'the key';`,
    deviation: 'COMMENT ON INDEX t_pkey IS NULL;',
    says: /t\.t_pkey: index comment is none, the files say the key/,
  },
  {
    name: 'a comment on a schema',
    files: `${T} COMMENT ON SCHEMA public IS 'standard public schema';`,
    deviation: `DO $$ BEGIN EXECUTE format('COMMENT ON SCHEMA %I IS %L', current_schema(), 'ours'); END $$`,
    says: /^-- schema d\d+: comment is ours, the files say none$/m,
  },
  {
    name: 'a comment that only the database has',
    files: `${T} CREATE INDEX t_k ON t (k);`,
    deviation: `COMMENT ON INDEX t_k IS E'line\\nDROP TABLE t;'`,
    says: /COMMENT ON INDEX|t\.t_k: comment is line DROP TABLE t;, the files say none/,
  },
  {
    name: 'the option of a view that keeps rows from leaking',
    files: `${T} CREATE VIEW v WITH (security_barrier) AS SELECT id FROM t;`,
    deviation: 'ALTER VIEW v RESET (security_barrier);',
    says: /v/,
  },
  {
    name: 'another definition of a view',
    files: `${T} CREATE VIEW v AS SELECT id FROM t WHERE n > 0;`,
    deviation: 'CREATE OR REPLACE VIEW v AS SELECT id FROM t;',
    says: /VIEW/,
  },
  {
    name: 'a function that PostgreSQL may call less often',
    files: `CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT a';`,
    deviation: 'ALTER FUNCTION f(integer) STABLE;',
    says: /FUNCTION/,
  },
  {
    name: 'an aggregate that starts elsewhere',
    files: `CREATE AGGREGATE total (integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');`,
    deviation: `DROP AGGREGATE total (integer); CREATE AGGREGATE total (integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '7');`,
    says: /AGGREGATE|total/,
  },
  {
    name: 'an enum with another value',
    files: `CREATE TYPE mood AS ENUM ('sad', 'ok');`,
    deviation: `ALTER TYPE mood ADD VALUE 'happy';`,
    says: /mood/,
  },
  {
    name: 'a domain whose constraint was never validated',
    files: 'CREATE DOMAIN d AS integer CONSTRAINT d_positive CHECK (VALUE > 0);',
    deviation:
      'ALTER DOMAIN d DROP CONSTRAINT d_positive; ALTER DOMAIN d ADD CONSTRAINT d_positive CHECK (VALUE > 0) NOT VALID;',
    says: /d_positive/,
  },
  {
    name: 'an operator that is not there',
    files: 'CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);',
    deviation: 'DROP OPERATOR === (integer, integer);',
    says: /operator is missing/,
  },
  {
    name: 'a text search configuration that is not there',
    files: 'CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple);',
    deviation: 'DROP TEXT SEARCH CONFIGURATION ts;',
    says: /ts: text search configuration is missing/,
  },
  {
    name: 'a name that has to be quoted',
    files: 'CREATE TABLE "Odd: name" ("a.b" text, "q""x" integer GENERATED ALWAYS AS (1) VIRTUAL);',
    deviation: 'ALTER TABLE "Odd: name" ALTER "a.b" SET STATISTICS 7;',
    says: /^-- d\d+\."Odd: name"\."a\.b": statistics target is 7, the files say the default$/m,
  },
  {
    name: 'an operator that says less of itself',
    files: 'CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq, COMMUTATOR = ===, HASHES);',
    deviation: `DROP OPERATOR === (integer, integer);
      CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);`,
    says: /===.*options is /,
  },
  {
    name: 'a text search configuration that looks a word up elsewhere',
    files: 'CREATE TEXT SEARCH CONFIGURATION ts (COPY = english);',
    deviation: 'ALTER TEXT SEARCH CONFIGURATION ts ALTER MAPPING FOR asciiword WITH simple;',
    says: /\.ts: dictionaries is /,
  },
  {
    name: 'a text search dictionary of another template',
    files: `CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple);`,
    deviation:
      'DROP TEXT SEARCH DICTIONARY words; CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = snowball, LANGUAGE = english);',
    says: /\.words: .* is /,
  },
  {
    name: 'a base type of another category',
    files: baseType(''),
    deviation: `DROP TYPE word CASCADE; ${baseType(", CATEGORY = 'S'")}`,
    says: /\.word: definition is /,
  },
  {
    name: 'a foreign key whose triggers somebody disabled',
    files: 'CREATE TABLE u (id integer PRIMARY KEY); CREATE TABLE f (u integer CONSTRAINT f_u REFERENCES u);',
    deviation: 'ALTER TABLE f DISABLE TRIGGER ALL;',
    says: /\.f\.f_u: enforced is no, its triggers are disabled, the files say yes/,
  },
  {
    name: 'a foreign key whose triggers on the other table somebody disabled',
    files: 'CREATE TABLE u (id integer PRIMARY KEY); CREATE TABLE f (u integer CONSTRAINT f_u REFERENCES u);',
    deviation: 'ALTER TABLE u DISABLE TRIGGER ALL;',
    says: /\.f\.f_u: enforced is no, its triggers are disabled, the files say yes/,
  },
];

function baseType(more: string): string {
  return `CREATE TYPE word;
    CREATE FUNCTION word_in(cstring) RETURNS word LANGUAGE internal IMMUTABLE STRICT AS 'textin';
    CREATE FUNCTION word_out(word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
    CREATE TYPE word (INPUT = word_in, OUTPUT = word_out, LIKE = text${more});`;
}
