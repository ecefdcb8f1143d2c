import type { FactBase, StableId } from '@supabase/pg-delta/core';
import type pg from 'pg';
import { readCatalogue, type Catalogue } from './catalogue.js';
import type { TableSize } from '../../target.js';
import type { LiveFacts } from './live-facts.js';

/** The schema of a target as it is, with what planning needs beyond it. */
export interface LiveCatalogue extends Catalogue {
  readonly serverMajor: number;
  /** NOT NULL constraints that exist but were never validated, by `schema.table.column` (PostgreSQL 18). */
  readonly unvalidatedNotNull: ReadonlyMap<string, string>;
  /** Estimates for showing, by `schema.table`; they are not part of what plans are compared by. */
  readonly sizes: ReadonlyMap<string, TableSize>;
}

/** Reads the live side. Reads only, and takes no lock that anyone could notice. */
export async function readLiveCatalogue(pool: pg.Pool): Promise<LiveCatalogue> {
  const catalogue = await readCatalogue(pool);
  const unvalidated = await pool.query<{ place: string; name: string }>(
    `SELECT n.nspname || '.' || c.relname || '.' || a.attname AS place, con.conname AS name
       FROM pg_constraint con
       JOIN pg_class c ON c.oid = con.conrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
      WHERE con.contype = 'n' AND NOT con.convalidated`,
  );
  const sizes = await pool.query<{ place: string; rows: number; bytes: string }>(
    `SELECT n.nspname || '.' || c.relname AS place, c.reltuples AS rows, pg_table_size(c.oid) AS bytes
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^(pg_|information_schema$|_skein$)'`,
  );
  return {
    ...catalogue,
    serverMajor: Number.parseInt(catalogue.serverVersion, 10),
    unvalidatedNotNull: new Map(unvalidated.rows.map((row) => [row.place, row.name])),
    sizes: new Map(
      sizes.rows.map((row) => [
        row.place,
        { rows: row.rows < 0 ? null : Math.round(row.rows), bytes: Number(row.bytes) },
      ]),
    ),
  };
}

/** The facts about the live side that the rules for single statements ask for. */
export function liveFactsOf(live: LiveCatalogue, facts: FactBase, newTables: ReadonlySet<string>): LiveFacts {
  const payload = (id: StableId) => facts.get(id)?.payload;
  const index = (schema: string, name: string) => live.facts.get({ kind: 'index', schema, name });
  return {
    serverMajor: live.serverMajor,
    isNewTable: (schema, table) => newTables.has(`${schema}.${table}`),
    isPartitioned: (schema, table) =>
      textOrNull(payload({ kind: 'table', schema, name: table })?.['partitionKey']) !== null,
    tableOfIndex: (schema, name) => {
      const parent = index(schema, name)?.parent;
      return parent !== undefined && 'name' in parent ? parent.name : null;
    },
    isValidIndex: (schema, name) => index(schema, name)?.payload['valid'] === true,
    columnType: (schema, table, column) =>
      textOrNull(payload({ kind: 'column', schema, table, name: column })?.['type']),
    hasDefault: (schema, table, column) => facts.has({ kind: 'default', schema, table, name: column }),
    typeChangeObstacle: (schema, table, column) =>
      typeChangeObstacle(facts, { kind: 'column', schema, table, name: column }),
    isDomain: (schema, name) => facts.has({ kind: 'domain', schema, name }),
    isSequence: (schema, name) => facts.has({ kind: 'sequence', schema, name }),
    unvalidatedNotNull: (schema, table, column) => live.unvalidatedNotNull.get(`${schema}.${table}.${column}`) ?? null,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function typeChangeObstacle(facts: FactBase, column: StableId): string | null {
  for (const { from } of facts.incomingEdges(column)) {
    const definition = facts.get(from)?.payload['def'];
    if (typeof definition !== 'string') continue;
    if (from.kind === 'constraint' && definition.startsWith('CHECK')) {
      return `constraint ${from.name} would be checked again on every row under an exclusive lock`;
    }
    if (from.kind === 'index' && / WHERE |\(.*\(/.test(definition)) {
      return `index ${from.name} has an expression or a condition, so it would be rebuilt under an exclusive lock`;
    }
  }
  return null;
}
