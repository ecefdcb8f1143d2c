import { randomBytes } from 'node:crypto';
import { DatabaseError } from 'pg';
import type pg from 'pg';
import { openClient, openPool, withDatabase, APPLICATION_NAME } from '../database.js';
import { failedPrecondition } from '../../errors.js';
import { databaseText } from '../errors.js';
import { readSignature } from '../signature/signature.js';
import { readCatalogue } from './catalogue.js';
import type { DesiredSchema } from './desired-schemas.js';
import type { SchemaStatement } from './schema-files.js';
import { lineAndColumn, quoteIdentifier } from './sql.js';

/** Names of scratch databases begin so; what follows is the second they were made in, and chance. */
const NAME_PREFIX = 'skein_scratch_';
/** A scratch database this old belongs to a process that was killed. */
const STALE_AFTER_SECONDS = 3_600;
const STATEMENT_TIMEOUT_MS = 30_000;

/** A desired schema as PostgreSQL understands it, or what is wrong with its files. */
export type LoadedSchema =
  | { readonly kind: 'schema'; readonly schema: DesiredSchema }
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

/** Where scratch databases are made. */
export interface ScratchServer {
  /** Stands in messages, such as `--scratch` or `target orders_eu`. */
  readonly name: string;
  readonly dsn: string;
}

/**
 * Loads a desired schema into an empty database that lives only for this call, and reads it back from the catalogue.
 * Rejects with FAILED_PRECONDITION when the role may not create databases there.
 */
export async function loadSchema(
  server: ScratchServer,
  namespaces: readonly string[],
  statements: readonly SchemaStatement[],
): Promise<LoadedSchema> {
  const admin = openClient(server.name, server.dsn, APPLICATION_NAME);
  await admin.connect();
  try {
    await assertMayCreateDatabases(server, admin);
    await dropStale(admin);
    const database = `${NAME_PREFIX}${Math.floor(Date.now() / 1_000)}_${randomBytes(6).toString('hex')}`;
    await admin.query(`CREATE DATABASE ${quoteIdentifier(database)} TEMPLATE template0`);
    try {
      return await loadInto(openPool(server.name, withDatabase(server.dsn, database), 1), namespaces, statements);
    } finally {
      await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(database)} WITH (FORCE)`);
    }
  } finally {
    await admin.end().catch(() => undefined);
  }
}

async function assertMayCreateDatabases(server: ScratchServer, admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{ role: string; allowed: boolean }>(
    'SELECT rolname AS role, rolcreatedb OR rolsuper AS allowed FROM pg_roles WHERE rolname = current_user',
  );
  const [row] = rows;
  if (row?.allowed === true) return;
  throw failedPrecondition(
    `${server.name}: planning loads the desired schema into a scratch database, and role ${row?.role ?? 'unknown'} may not create one there. Grant it CREATEDB, or start the engine with --scratch and a server where it may`,
  );
}

async function dropStale(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database
      WHERE datname ~ $1 AND split_part(datname, '_', 3)::bigint < extract(epoch FROM now()) - $2`,
    [`^${NAME_PREFIX}[0-9]+_`, STALE_AFTER_SECONDS],
  );
  for (const { name } of rows) {
    // Another engine may be faster, and one that is in use is no leftover.
    await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`).catch(() => undefined);
  }
}

async function loadInto(
  pool: pg.Pool,
  namespaces: readonly string[],
  statements: readonly SchemaStatement[],
): Promise<LoadedSchema> {
  try {
    const client = await pool.connect();
    try {
      await client.query(
        `SET check_function_bodies = off; SET synchronous_commit = off; SET statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
      );
      for (const namespace of namespaces)
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(namespace)}`);
      const problems = await runAll(client, statements);
      if (problems.length > 0) return { kind: 'problems', problems };
      await client.query('RESET ALL');
    } finally {
      client.release();
    }
    const catalogue = await readCatalogue(pool);
    return { kind: 'schema', schema: { catalogue, signature: await readSignature(pool, namespaces) } };
  } finally {
    await pool.end();
  }
}

/** Statements that are sent together: a commit and a way to the server for each would take most of the time. */
const BATCH_STATEMENTS = 50;

interface FailedStatement {
  readonly statement: SchemaStatement;
  readonly problem: string;
}

/**
 * Runs the statements in rounds until a round gets nowhere, so that files may come in any order. What is left then are
 * the problems, each with its file and position.
 */
async function runAll(client: pg.PoolClient, statements: readonly SchemaStatement[]): Promise<readonly string[]> {
  let waiting = statements;
  for (;;) {
    const failed: FailedStatement[] = [];
    for (const batch of batchesOf(waiting)) failed.push(...(await runTogether(client, batch)));
    if (failed.length === 0) return [];
    if (failed.length === waiting.length) return failed.map(({ problem }) => problem);
    waiting = failed.map(({ statement }) => statement);
  }
}

/** Neighbours of one namespace. */
function batchesOf(statements: readonly SchemaStatement[]): readonly (readonly SchemaStatement[])[] {
  const batches: SchemaStatement[][] = [];
  for (const statement of statements) {
    const last = batches.at(-1);
    const fits = last !== undefined && last.length < BATCH_STATEMENTS && last[0]?.namespace === statement.namespace;
    if (fits) last.push(statement);
    else batches.push([statement]);
  }
  return batches;
}

/**
 * Runs a batch as one transaction. One that fails leaves nothing behind and is run again in halves, so that the statements
 * take effect as if they had come one by one, and the ones that fail are found.
 */
async function runTogether(
  client: pg.PoolClient,
  batch: readonly SchemaStatement[],
): Promise<readonly FailedStatement[]> {
  const [first, ...others] = batch;
  if (first === undefined) return [];
  const path = `SET search_path = ${quoteIdentifier(first.namespace)}, public`;
  try {
    if (others.length === 0) {
      await client.query(path);
      await client.query(first.text);
    } else {
      await client.query([path, ...batch.map(({ text }) => text)].join('\n;\n'));
    }
    return [];
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (others.length === 0) {
      return [{ statement: first, problem: `${place(first, error)}: ${databaseText(error)}` }];
    }
    const half = Math.ceil(batch.length / 2);
    return [...(await runTogether(client, batch.slice(0, half))), ...(await runTogether(client, batch.slice(half)))];
  }
}

function place(statement: SchemaStatement, error: DatabaseError): string {
  const within = error.position === undefined ? 0 : Number(error.position) - 1;
  return `${statement.namespace}/${statement.file}:${lineAndColumn(statement.fileText, statement.offset + within)}`;
}
