import type { Queryable } from '../database.js';
import { quoteIdentifier } from '../planning/sql.js';

/**
 * Owner and privileges of an object that a plan drops and creates again. They are of the deployment, so no plan names them and no
 * file has them; whoever makes an object anew gives them back, in the transaction that creates it. Between the drop and
 * the creation, which may be steps apart, they are kept in the storage, by the digest of the desired schema: a later apply
 * of the same schema gives back what an earlier one took.
 */
export interface Rights {
  /** The word that ALTER and GRANT have for it. */
  readonly kind: 'TABLE' | 'SEQUENCE' | 'ROUTINE' | 'TYPE';
  readonly oid: string;
  /** As SQL addresses it: qualified, quoted, a routine with the types of its arguments. */
  readonly name: string;
  readonly owner: string;
  readonly grants: readonly Grant[];
}

interface Grant {
  /** Null for the object itself. */
  readonly column: string | null;
  /** Null for PUBLIC. */
  readonly grantee: string | null;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** Every object of a user with its owner and its privileges, also those that nobody ever granted. */
const RIGHTS = `
  WITH objects AS (
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, 'pg_class'::regclass AS catalogue, c.oid,
           format('%I.%I', n.nspname, c.relname) AS name, c.relname AS bare, c.relowner AS owner,
           coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner)) AS acl
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^(pg_|information_schema$|_skein$)'
    UNION ALL
    -- The types alone: another name of an argument makes no other routine.
    SELECT 'ROUTINE', 'pg_proc'::regclass, p.oid, format('%I.%I(%s)', n.nspname, p.proname,
             oidvectortypes(p.proargtypes)), p.proname, p.proowner,
           coalesce(p.proacl, acldefault('f', p.proowner))
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname !~ '^(pg_|information_schema$|_skein$)'
    UNION ALL
    SELECT 'TYPE', 'pg_type'::regclass, t.oid, format('%I.%I', n.nspname, t.typname), t.typname, t.typowner,
           coalesce(t.typacl, acldefault('T', t.typowner))
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typrelid = 0 AND t.typtype IN ('d', 'e', 'r') AND n.nspname !~ '^(pg_|information_schema$|_skein$)'
  )
  SELECT o.kind, o.oid::text, o.name, pg_get_userbyid(o.owner)::text AS owner,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('column', g.attname, 'privilege', g.privilege_type,
              'grantee', CASE WHEN g.grantee <> 0 THEN pg_get_userbyid(g.grantee) END, 'grantable', g.is_grantable)), '[]')
       FROM (SELECT NULL AS attname, e.* FROM aclexplode(o.acl) e
             UNION ALL
             SELECT a.attname, e.* FROM pg_attribute a, aclexplode(a.attacl) e
              WHERE o.kind = 'TABLE' AND a.attrelid = o.oid AND NOT a.attisdropped) g) AS grants
    FROM objects o`;

/** Whether a statement can take rights away that its plan gives back. */
export function mayMakeAnew(statement: string): boolean {
  return /\b(?:DROP|CREATE)\s+(?:OR\s+REPLACE\s+)?(?:MATERIALIZED\s+VIEW|VIEW|TABLE|FUNCTION|PROCEDURE|AGGREGATE|SEQUENCE|TYPE|DOMAIN)\b/.test(
    statement,
  );
}

/** What is there now of all that a statement names. */
export async function readRights(client: Queryable, statement: string): Promise<readonly Rights[]> {
  const { rows } = await client.query<Rights>(`${RIGHTS} WHERE position(replace(o.bare::text, '"', '""') IN $1) > 0`, [
    statement,
  ]);
  return rows;
}

/**
 * Keeps the rights of what a statement has dropped, and gives those back that are kept for what it has created. `before` is
 * what `readRights` said before the statement ran; all of it is one transaction.
 */
export async function carryRights(
  client: Queryable,
  {
    applyId,
    before,
    statement,
  }: { readonly applyId: string; readonly before: readonly Rights[]; readonly statement: string },
): Promise<void> {
  const after = new Map((await readRights(client, statement)).map((rights) => [keyOf(rights), rights]));
  for (const rights of before) {
    if (after.get(keyOf(rights))?.oid !== rights.oid) await keep(client, applyId, rights);
  }
  for (const rights of after.values()) {
    if (before.some(({ oid, kind }) => oid === rights.oid && kind === rights.kind)) continue;
    const kept = await takeKept(client, applyId, rights);
    if (kept !== null) await giveBack(client, rights, kept);
  }
}

function keyOf({ kind, name }: Pick<Rights, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

async function keep(client: Queryable, applyId: string, { kind, name, owner, grants }: Rights): Promise<void> {
  await client.query(
    `INSERT INTO _skein.kept_rights (schema_digest, kind, name, owner, grants) 
       SELECT schema_digest, $2, $3, $4, $5 FROM _skein.applies WHERE apply_id = $1
     ON CONFLICT (schema_digest, kind, name) DO UPDATE SET owner = excluded.owner, grants = excluded.grants`,
    [applyId, kind, name, owner, JSON.stringify(grants)],
  );
}

type Kept = Pick<Rights, 'owner' | 'grants'>;

async function takeKept(client: Queryable, applyId: string, { kind, name }: Rights): Promise<Kept | null> {
  const { rows } = await client.query<Kept>(
    `DELETE FROM _skein.kept_rights k USING _skein.applies a
      WHERE a.apply_id = $1 AND k.schema_digest = a.schema_digest AND k.kind = $2 AND k.name = $3
      RETURNING k.owner, k.grants`,
    [applyId, kind, name],
  );
  return rows[0] ?? null;
}

async function giveBack(client: Queryable, made: Rights, kept: Kept): Promise<void> {
  const { kind, name } = made;
  if (made.owner !== kept.owner) await client.query(`ALTER ${kind} ${name} OWNER TO ${quoteIdentifier(kept.owner)}`);
  // The grants of the new owner are now those that the old one had.
  const given = made.grants.map((grant) => (grant.grantee === made.owner ? { ...grant, grantee: kept.owner } : grant));
  const [wanted, has] = [new Set(kept.grants.map(textOf)), new Set(given.map(textOf))];
  for (const grant of given.filter((one) => !wanted.has(textOf(one)))) {
    await client.query(`REVOKE ${privilegeOn(grant)} ON ${kind} ${name} FROM ${grantee(grant)}`);
  }
  for (const grant of kept.grants.filter((one) => !has.has(textOf(one)))) {
    const option = grant.grantable ? ' WITH GRANT OPTION' : '';
    await client.query(`GRANT ${privilegeOn(grant)} ON ${kind} ${name} TO ${grantee(grant)}${option}`);
  }
}

function textOf({ column, grantee: to, privilege, grantable }: Grant): string {
  return JSON.stringify([column, to, privilege, grantable]);
}

function privilegeOn({ privilege, column }: Grant): string {
  return column === null ? privilege : `${privilege} (${quoteIdentifier(column)})`;
}

function grantee({ grantee: to }: Grant): string {
  return to === null ? 'PUBLIC' : quoteIdentifier(to);
}
