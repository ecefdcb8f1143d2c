import type { StoredPlan } from '../../target.js';
import { type Change, planned } from '../planning/change.js';
import type { Queryable } from '../database.js';

export async function storePlan(
  database: Queryable,
  plan: Omit<StoredPlan, 'changes'> & { readonly changes: readonly Change[] },
): Promise<void> {
  await database.query(
    `INSERT INTO _skein.plans
       (plan_id, database_name, type, environment, target, schema_digest, namespaces, ignore_tables, changes)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      plan.planId,
      plan.database,
      plan.type,
      plan.environment,
      plan.target,
      plan.schemaDigest,
      plan.namespaces,
      plan.ignoreTables,
      JSON.stringify(plan.changes),
    ],
  );
}

export async function findPlan(database: Queryable, planId: string): Promise<StoredPlan | null> {
  const { rows } = await database.query<{
    plan_id: string;
    database_name: string;
    type: string;
    environment: string;
    target: string;
    schema_digest: string;
    namespaces: string[];
    ignore_tables: string[];
    changes: Change[];
  }>('SELECT * FROM _skein.plans WHERE plan_id = $1', [planId]);
  const [row] = rows;
  if (row === undefined) return null;
  return {
    planId: row.plan_id,
    database: row.database_name,
    type: row.type,
    environment: row.environment,
    target: row.target,
    schemaDigest: row.schema_digest,
    namespaces: row.namespaces,
    ignoreTables: row.ignore_tables,
    changes: row.changes.map(planned),
  };
}

/** A desired schema as its two readings are written down. */
export interface DesiredSchemaText {
  readonly catalogue: string;
  readonly signature: string;
}

/** Keeps a loaded desired schema, so that it is loaded into a scratch database once per digest. */
export async function storeDesiredSchema(database: Queryable, digest: string, text: DesiredSchemaText): Promise<void> {
  await database.query(
    'INSERT INTO _skein.catalogues (digest, catalogue, signature) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING',
    [digest, text.catalogue, text.signature],
  );
}

/** Null also for one that an older engine kept without its signature: what it says cannot be verified. */
export async function findDesiredSchema(database: Queryable, digest: string): Promise<DesiredSchemaText | null> {
  const { rows } = await database.query<DesiredSchemaText>(
    'SELECT catalogue, signature FROM _skein.catalogues WHERE digest = $1 AND signature IS NOT NULL',
    [digest],
  );
  return rows[0] ?? null;
}

export async function hasDesiredSchema(database: Queryable, digest: string): Promise<boolean> {
  const { rowCount } = await database.query('SELECT FROM _skein.catalogues WHERE digest = $1', [digest]);
  return rowCount === 1;
}
