import type pg from 'pg';
import { inTransaction, type Queryable } from '../database.js';
import { ConfigurationError } from '../../errors.js';

/** Keys of the advisory locks. They are taken per database, so equal keys on other targets do not meet. */
export const STORAGE_LOCK_KEY = 7_353_346_001;
export const FENCE_LOCK_KEY = 7_353_346_002;

/**
 * The engine's bookkeeping, in the target itself, so that a DDL statement and its done mark commit together. Each entry
 * brings the storage one version further; entries are only ever appended.
 */
const VERSIONS: readonly string[] = [
  `
  CREATE TABLE _skein.catalogues (
    digest text PRIMARY KEY,
    catalogue text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE _skein.plans (
    plan_id text PRIMARY KEY,
    database_name text NOT NULL,
    type text NOT NULL,
    environment text NOT NULL,
    target text NOT NULL,
    schema_digest text NOT NULL REFERENCES _skein.catalogues,
    namespaces text[] NOT NULL,
    ignore_tables text[] NOT NULL,
    changes jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE _skein.applies (
    operation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    apply_id text NOT NULL CONSTRAINT applies_apply_id UNIQUE,
    idempotency_key text CONSTRAINT applies_idempotency_key UNIQUE,
    fingerprint text NOT NULL,
    plan_id text NOT NULL,
    schema_digest text NOT NULL,
    database_name text NOT NULL,
    type text NOT NULL,
    environment text NOT NULL,
    target text NOT NULL,
    caller text NOT NULL,
    state text NOT NULL CHECK (state IN
      ('pending', 'running', 'failed_retryable', 'stopped', 'completed', 'failed', 'cancelled')),
    error_message text NOT NULL DEFAULT '',
    superseded_by text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    completed_at timestamptz
  );
  CREATE UNIQUE INDEX applies_one_live ON _skein.applies ((true))
    WHERE state IN ('pending', 'running', 'failed_retryable');
  CREATE TABLE _skein.changes (
    apply_id text NOT NULL REFERENCES _skein.applies (apply_id) ON DELETE CASCADE,
    position integer NOT NULL,
    namespace text NOT NULL,
    table_name text NOT NULL,
    kind text NOT NULL,
    ddl text NOT NULL,
    instant boolean NOT NULL,
    estimated_rows bigint NOT NULL DEFAULT 0,
    error_message text NOT NULL DEFAULT '',
    PRIMARY KEY (apply_id, position)
  );
  CREATE TABLE _skein.steps (
    apply_id text NOT NULL,
    position integer NOT NULL,
    change_position integer NOT NULL,
    step jsonb NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'done')),
    attempts integer NOT NULL DEFAULT 0,
    percent integer NOT NULL DEFAULT 0,
    note text NOT NULL DEFAULT '',
    blocker jsonb,
    leftover boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    completed_at timestamptz,
    PRIMARY KEY (apply_id, position),
    FOREIGN KEY (apply_id, change_position) REFERENCES _skein.changes ON DELETE CASCADE
  );
  CREATE TABLE _skein.control_requests (
    apply_id text NOT NULL REFERENCES _skein.applies (apply_id) ON DELETE CASCADE,
    operation text NOT NULL CHECK (operation IN ('stop', 'start', 'cancel')),
    status text NOT NULL CHECK (status IN ('pending', 'completed', 'failed')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at timestamptz,
    error_message text NOT NULL DEFAULT '',
    PRIMARY KEY (apply_id, operation)
  );
  CREATE TABLE _skein.logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    apply_id text NOT NULL REFERENCES _skein.applies (apply_id) ON DELETE CASCADE,
    change_position integer,
    level text NOT NULL,
    event text NOT NULL,
    message text NOT NULL,
    old_state text NOT NULL DEFAULT '',
    new_state text NOT NULL DEFAULT '',
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX logs_by_apply ON _skein.logs (apply_id, id DESC);
  `,
  // Applies whose visible steps wait for a cutover.
  `
  ALTER TABLE _skein.applies ADD COLUMN defer_cutover boolean NOT NULL DEFAULT false;
  ALTER TABLE _skein.applies DROP CONSTRAINT applies_state_check;
  ALTER TABLE _skein.applies ADD CONSTRAINT applies_state_check CHECK (state IN
    ('pending', 'running', 'failed_retryable', 'waiting_for_cutover', 'cutting_over', 'stopped', 'completed', 'failed',
     'cancelled'));
  DROP INDEX _skein.applies_one_live;
  CREATE UNIQUE INDEX applies_one_live ON _skein.applies ((true))
    WHERE state IN ('pending', 'running', 'failed_retryable', 'waiting_for_cutover', 'cutting_over');
  ALTER TABLE _skein.control_requests DROP CONSTRAINT control_requests_operation_check;
  ALTER TABLE _skein.control_requests ADD CONSTRAINT control_requests_operation_check
    CHECK (operation IN ('stop', 'start', 'cancel', 'cutover'));
  `,
  // The second reading of a desired schema, by which an end is verified.
  'ALTER TABLE _skein.catalogues ADD COLUMN signature text',
  // Owner and privileges of what is dropped and created again, from the one to the other.
  `
  CREATE TABLE _skein.kept_rights (
    schema_digest text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    owner text NOT NULL,
    grants jsonb NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (schema_digest, kind, name)
  );
  `,
];

/**
 * Creates the engine's storage in a target, or brings it up to this build's version. Safe to repeat and to run from
 * several processes at once. Throws `ConfigurationError` when the storage is newer than this build or may not be created.
 */
export async function installStorage(target: string, pool: pg.Pool): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [STORAGE_LOCK_KEY]);
    const present = await client.query<{ present: boolean }>(
      `SELECT to_regclass('_skein.storage_version') IS NOT NULL AS present`,
    );
    if (present.rows[0]?.present !== true) {
      await client.query('CREATE SCHEMA IF NOT EXISTS _skein');
      await client.query('CREATE TABLE _skein.storage_version AS SELECT 0 AS version');
    }
    const read = await client.query<{ version: number }>('SELECT version FROM _skein.storage_version');
    const version = read.rows[0]?.version ?? 0;
    if (version > VERSIONS.length) {
      throw new ConfigurationError(
        `target ${target}: its storage has version ${version}, this engine knows up to ${VERSIONS.length}; run a newer engine`,
      );
    }
    for (const statements of VERSIONS.slice(version)) await client.query(statements);
    if (version < VERSIONS.length) await writeVersion(client);
  });
}

/** Where a publication is for all tables, a row that nothing identifies cannot be updated. */
async function writeVersion(client: Queryable): Promise<void> {
  await client.query('ALTER TABLE _skein.storage_version REPLICA IDENTITY FULL');
  await client.query('UPDATE _skein.storage_version SET version = $1', [VERSIONS.length]);
}
