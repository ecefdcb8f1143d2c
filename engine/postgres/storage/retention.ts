import type { Queryable } from '../database.js';

/** Plans that nobody applied, catalogues that no plan needs, and rights that nobody took back are kept this long. Applies are kept for ever. */
const KEPT_DAYS = 90;

/** Removes what nothing refers to any more. Run when an engine starts on a target. */
export async function removeStale(database: Queryable): Promise<void> {
  await database.query(
    `DELETE FROM _skein.plans p WHERE p.created_at < now() - make_interval(days => $1)
        AND NOT EXISTS (SELECT FROM _skein.applies a WHERE a.plan_id = p.plan_id)`,
    [KEPT_DAYS],
  );
  await database.query(
    `DELETE FROM _skein.catalogues c WHERE c.created_at < now() - make_interval(days => $1)
        AND NOT EXISTS (SELECT FROM _skein.plans p WHERE p.schema_digest = c.digest)`,
    [KEPT_DAYS],
  );
  await database.query('DELETE FROM _skein.kept_rights WHERE kept_at < now() - make_interval(days => $1)', [KEPT_DAYS]);
}
