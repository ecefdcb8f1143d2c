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

/** Keeps the loaded catalogue of a desired schema, so that it is loaded into a scratch database once per digest. */
export async function storeCatalogue(database: Queryable, digest: string, catalogue: string): Promise<void> {
  await database.query(
    'INSERT INTO _skein.catalogues (digest, catalogue) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING',
    [digest, catalogue],
  );
}

export async function findCatalogue(database: Queryable, digest: string): Promise<string | null> {
  const { rows } = await database.query<{ catalogue: string }>(
    'SELECT catalogue FROM _skein.catalogues WHERE digest = $1',
    [digest],
  );
  return rows[0]?.catalogue ?? null;
}

export async function hasCatalogue(database: Queryable, digest: string): Promise<boolean> {
  const { rowCount } = await database.query('SELECT FROM _skein.catalogues WHERE digest = $1', [digest]);
  return rowCount === 1;
}
