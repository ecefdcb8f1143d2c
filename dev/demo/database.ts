import { Client } from 'pg';
import type { EmbeddedPostgres } from '../postgres.js';

/** Questions to the demo's databases, asked past the product, so that what it shows can be believed. */

/** The rows of one statement; values as PostgreSQL's driver gives them. */
export async function query<Row extends Record<string, unknown>>(
  dsn: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new Client({ connectionString: dsn });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/**
 * Makes `names` as databases with the same content: it is written once and the files are copied, which for three million
 * rows takes a fraction of the time. `content` is a list of SQL statements.
 */
export async function makeCopies(
  postgres: EmbeddedPostgres,
  names: readonly string[],
  content: readonly string[],
): Promise<void> {
  const original = await postgres.createDatabase('demo_original');
  for (const statement of content) await query(original, statement);
  for (const name of names) {
    await query(postgres.dsn(), `create database ${name} template demo_original strategy file_copy`);
  }
  await query(postgres.dsn(), 'drop database demo_original');
}

export interface IndexRecord {
  readonly isValid: boolean;
  readonly definition: string;
  readonly megabytes: number;
}

/** What the catalog says of an index; null when there is none of this name. */
export async function readIndex(dsn: string, name: string): Promise<IndexRecord | null> {
  const [row] = await query<{ valid: boolean; definition: string; bytes: string }>(
    dsn,
    `select i.indisvalid as valid, pg_get_indexdef(c.oid) as definition, pg_relation_size(c.oid) as bytes
       from pg_class c join pg_index i on i.indexrelid = c.oid
      where c.relname = $1 and c.relnamespace = 'public'::regnamespace`,
    [name],
  );
  if (row === undefined) return null;
  return { isValid: row.valid, definition: row.definition, megabytes: Math.round(Number(row.bytes) / 1e6) };
}

/** The type of a column as the catalog writes it; null when there is no such column. */
export async function readColumn(dsn: string, table: string, column: string): Promise<string | null> {
  const [row] = await query<{ type: string }>(
    dsn,
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = $1::regclass and attname = $2 and not attisdropped`,
    [table, column],
  );
  return row?.type ?? null;
}

export interface EngineRecord {
  readonly remoteApplyId: string;
  readonly state: string;
  readonly createdAt: Date;
  /** When the last step that nobody can see was done; null where none is. */
  readonly preparedAt: Date | null;
  /** When it first waited for its cutover. */
  readonly parkedAt: Date | null;
  /** From when the engine was told to until it was over, or null while it is not; null before it was told. */
  readonly cutover: { readonly askedAt: Date; readonly settledAt: Date | null } | null;
}

/** Every apply that an engine ever accepted for this database, from the engine's own durable record. */
export async function readEngineRecords(dsn: string): Promise<readonly EngineRecord[]> {
  // The engine makes its tables when it first has something to record.
  const [table] = await query<{ exists: boolean }>(dsn, "select to_regclass('_skein.applies') is not null as exists");
  if (table?.exists !== true) return [];
  const rows = await query<Omit<EngineRecord, 'cutover'> & { askedAt: Date | null; settledAt: Date | null }>(
    dsn,
    `select a.apply_id as "remoteApplyId", a.state, a.created_at as "createdAt",
            (select max(s.completed_at) from _skein.steps s
              where s.apply_id = a.apply_id and s.step ->> 'waitsBecause' is null) as "preparedAt",
            (select min(l.created_at) from _skein.logs l
              where l.apply_id = a.apply_id and l.new_state = 'waiting_for_cutover') as "parkedAt",
            c.requested_at as "askedAt", c.settled_at as "settledAt"
       from _skein.applies a
       left join _skein.control_requests c on c.apply_id = a.apply_id and c.operation = 'cutover'
      order by a.created_at`,
  );
  return rows.map(({ askedAt, settledAt, ...record }) => ({
    ...record,
    cutover: askedAt === null ? null : { askedAt, settledAt },
  }));
}

export interface IndexBuild {
  readonly phase: string;
  readonly blockerPid: number | null;
  /** What the blocker is: application name, state, how long its transaction is open. Empty when nothing blocks. */
  readonly blocker: string;
}

/** The index build that runs in this database, if any, and who it waits for. */
export async function readIndexBuild(dsn: string): Promise<IndexBuild | null> {
  const [row] = await query<{
    phase: string;
    pid: string | null;
    name: string | null;
    state: string | null;
    age: string | null;
  }>(
    dsn,
    `select p.phase, nullif(p.current_locker_pid, 0) as pid, a.application_name as name, a.state,
            extract(epoch from clock_timestamp() - a.xact_start)::numeric(9, 1) as age
       from pg_stat_progress_create_index p left join pg_stat_activity a on a.pid = nullif(p.current_locker_pid, 0)
      where p.datname = current_database()`,
  );
  if (row === undefined) return null;
  const blocker =
    row.pid === null ? '' : `process ${row.pid} (${row.name ?? '?'}), ${row.state ?? '?'} for ${row.age ?? '?'} s`;
  return { phase: row.phase, blockerPid: row.pid === null ? null : Number(row.pid), blocker };
}

/** A transaction that keeps its snapshot open, as a forgotten report or a backup does, until it is closed. */
export class OpenSnapshot {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(dsn: string, applicationName: string): Promise<OpenSnapshot> {
    const client = new Client({ connectionString: dsn, application_name: applicationName });
    client.on('error', () => undefined); // The server ends before this connection when the demo is interrupted.
    await client.connect();
    await client.query('begin isolation level repeatable read');
    await client.query('select count(*) from pg_class');
    return new OpenSnapshot(client);
  }

  async close(): Promise<void> {
    await this.#client.query('commit');
    await this.#client.end();
  }

  /** For the end of the demo, when the server may be gone already. */
  async abandon(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }
}
