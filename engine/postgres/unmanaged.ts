import type { Queryable } from './database.js';

/** Names told per kind; the number of the rest is told with them. */
const NAMES_MAX = 5;

/**
 * What is there beside the schema and no plan manages, because deployments differ in it on purpose or it belongs to the
 * database. One line per kind that there is, for whoever reviews a plan. Reads only.
 */
export async function readUnmanaged(database: Queryable, namespaces: readonly string[]): Promise<readonly string[]> {
  const { rows } = await database.query<{ kind: string; names: string[] }>(QUERY, [namespaces]);
  return rows.map(({ kind, names }) => `${kind} ${listed(names)}`);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX).join(', ');
  return names.length > NAMES_MAX ? `${shown} and ${names.length - NAMES_MAX} more` : shown;
}

const QUERY = `
  WITH relations AS (
    SELECT c.oid, c.relowner, c.relacl, c.reltablespace, format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  ), found AS (
    SELECT 1 AS position, 'objects owned by' AS kind, pg_get_userbyid(relowner)::text AS name FROM relations
      WHERE pg_get_userbyid(relowner) <> current_user
    UNION SELECT 2, 'privileges on', r.name FROM relations r
      WHERE EXISTS (SELECT FROM aclexplode(r.relacl) a WHERE a.grantee <> r.relowner)
         OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attacl IS NOT NULL)
    UNION SELECT 3, 'default privileges for', format('%s in %s', pg_get_userbyid(d.defaclrole),
        coalesce(d.defaclnamespace::regnamespace::text, 'every schema'))
      FROM pg_default_acl d WHERE d.defaclnamespace = 0
        OR (SELECT n.nspname FROM pg_namespace n WHERE n.oid = d.defaclnamespace) = ANY ($1)
    UNION SELECT 4, 'publications', p.pubname::text FROM pg_publication p
      WHERE p.puballtables OR EXISTS (SELECT FROM pg_publication_rel pr JOIN relations r ON r.oid = pr.prrelid
        WHERE pr.prpubid = p.oid)
         OR EXISTS (SELECT FROM pg_publication_tables t WHERE t.pubname = p.pubname AND t.schemaname = ANY ($1))
    UNION SELECT 5, 'event triggers', e.evtname::text FROM pg_event_trigger e
    UNION SELECT 6, 'foreign servers', s.srvname::text FROM pg_foreign_server s
    UNION SELECT 7, 'tablespaces', t.spcname::text FROM relations r JOIN pg_tablespace t ON t.oid = r.reltablespace
    UNION SELECT 8, 'security labels on', l.objname FROM pg_seclabels l 
      WHERE (SELECT n.nspname FROM pg_namespace n WHERE n.oid = l.objnamespace) = ANY ($1)
  )
  SELECT kind, array_agg(name ORDER BY name) AS names FROM found GROUP BY position, kind ORDER BY position`;
