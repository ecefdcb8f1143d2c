import {
  enabled,
  facts,
  indexStatistics,
  isOwn,
  partitionIndexes,
  sequenceOptions,
  sorted,
  validity,
  yes,
  yesOrNo,
} from './sql-pieces.js';

export const RELATIONS = `
  SELECT 'relation', n.nspname, c.relname, NULL, ${facts({
    kind: `CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
      WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'composite type' END`,
    persistence: `CASE c.relpersistence WHEN 'u' THEN 'unlogged' END`,
    options: `NULLIF(concat_ws(', ', ${sorted('c.reloptions')},
      (SELECT string_agg('toast.' || o, ', ' ORDER BY o) FROM pg_class t, unnest(t.reloptions) o
        WHERE t.oid = c.reltoastrelid)), '')`,
    'row level security': `CASE WHEN c.relrowsecurity THEN 'enabled' END`,
    'row level security of its owner': `CASE WHEN c.relforcerowsecurity THEN 'forced' END`,
    'replica identity': `CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN
      coalesce((SELECT 'index ' || i.indexrelid::regclass::text FROM pg_index i
        WHERE i.indrelid = c.oid AND i.indisreplident), 'an index that is gone') END`,
    'partition key': 'pg_get_partkeydef(c.oid)',
    'partition bound': 'pg_get_expr(c.relpartbound, c.oid)',
    parent: `(SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i
      WHERE i.inhrelid = c.oid)`,
    'tables above': `(SELECT jsonb_agg(jsonb_build_array(pn.nspname, pc.relname)) FROM pg_inherits i
      JOIN pg_class pc ON pc.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = pc.relnamespace
      WHERE i.inhrelid = c.oid)`,
    'row type': `CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END`,
    'foreign server': `(SELECT s.srvname || coalesce(' ' || ft.ftoptions::text, '') FROM pg_foreign_table ft
      JOIN pg_foreign_server s ON s.oid = ft.ftserver WHERE ft.ftrelid = c.oid)`,
    definition: `CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END`,
    comment: `obj_description(c.oid, 'pg_class')`,
  })}
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND ${isOwn('pg_class', 'c.oid')}`;

/** NOT NULL is a property of its column; the constraint behind it (PostgreSQL 18) gives the name and what is special. */
export const columns = (serverMajor: number) => `
  SELECT 'column', n.nspname, c.relname, a.attname, ${facts({
    inherited: yes('NOT a.attislocal'),
    type: `CASE WHEN c.relkind NOT IN ('v', 'm') THEN format_type(a.atttypid, a.atttypmod) END`,
    'NOT NULL': `CASE WHEN c.relkind IN ('v', 'm', 'c') THEN NULL WHEN NOT a.attnotnull THEN 'no' ELSE ${
      serverMajor < 18
        ? `'yes'`
        : `concat(CASE WHEN nn.convalidated IS FALSE THEN 'not validated' ELSE 'yes' END,
             CASE WHEN nn.connoinherit THEN ', no inherit' END)`
    } END`,
    'NOT NULL constraint': serverMajor < 18 ? 'NULL' : `CASE WHEN nn.conislocal THEN nn.conname END`,
    'NOT NULL comment': serverMajor < 18 ? 'NULL' : `obj_description(nn.oid, 'pg_constraint')`,
    default: `CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END`,
    'generated kind': `CASE a.attgenerated WHEN 's' THEN 'STORED' WHEN 'v' THEN 'VIRTUAL' END`,
    'generation expression': `CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END`,
    identity: `CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END`,
    'identity sequence': `CASE WHEN a.attidentity <> '' THEN (SELECT ${sequenceOptions('s')} FROM pg_depend o
      JOIN pg_sequence s ON s.seqrelid = o.objid
      WHERE o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass
        AND o.refobjid = c.oid AND o.refobjsubid = a.attnum AND o.deptype = 'i') END`,
    collation: `CASE WHEN c.relkind NOT IN ('v', 'm') AND a.attcollation <> t.typcollation
      THEN a.attcollation::regcollation::text END`,
    storage: `CASE WHEN c.relkind NOT IN ('v', 'c') AND a.attstorage <> t.typstorage THEN CASE a.attstorage
      WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END`,
    compression: `CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END`,
    'statistics target': `CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END`,
    options: sorted('a.attoptions'),
    comment: 'col_description(c.oid, a.attnum)',
  })}
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    ${
      serverMajor < 18
        ? ''
        : `LEFT JOIN pg_constraint nn ON nn.conrelid = c.oid AND nn.contype = 'n' AND nn.conkey = ARRAY[a.attnum]`
    }
   WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
     AND ${isOwn('pg_class', 'c.oid')}`;

/** Not those that a partition or an heir has from above: their names are PostgreSQL's, and they follow their parent. */
export const CONSTRAINTS = `
  SELECT 'constraint', n.nspname, coalesce(c.relname, t.typname), con.conname,
    coalesce(${partitionIndexes('con.conindid', 'con.conrelid')}, '{}'::jsonb) || ${facts({
      definition: 'pg_get_constraintdef(con.oid)',
      validated: yesOrNo('con.convalidated'),
      enforced: `CASE WHEN con.contype IN ('f', 'p', 'u', 'x') THEN CASE WHEN EXISTS (SELECT FROM pg_trigger g
        WHERE g.tgconstraint = con.oid AND g.tgisinternal AND g.tgenabled <> 'O')
        THEN 'no, its triggers are disabled' ELSE 'yes' END END`,
      index: `CASE WHEN i.indexrelid IS NOT NULL THEN ${validity('i.indisvalid')} END`,
      'index clustered on': yes('i.indisclustered'),
      'index options': sorted('ic.reloptions'),
      'index comment': `CASE WHEN con.contype IN ('p', 'u', 'x') THEN obj_description(con.conindid, 'pg_class') END`,
      comment: `obj_description(con.oid, 'pg_constraint')`,
    })}
    FROM pg_constraint con
    JOIN pg_namespace n ON n.oid = con.connamespace
    LEFT JOIN pg_class c ON c.oid = con.conrelid
    LEFT JOIN pg_type t ON t.oid = con.contypid
    LEFT JOIN pg_index i ON i.indexrelid = con.conindid AND con.contype IN ('p', 'u', 'x')
    LEFT JOIN pg_class ic ON ic.oid = i.indexrelid
   WHERE n.nspname = ANY ($1) AND con.contype IN ('c', 'f', 'p', 'u', 'x') AND con.conparentid = 0
     AND (con.conislocal OR con.coninhcount = 0)
     AND ${isOwn('pg_class', 'con.conrelid')} AND ${isOwn('pg_type', 'con.contypid')}`;

/** Not those of constraints, and not those that hang on the index of a parent, which says of each whether it is there. */
export const INDEXES = `
  SELECT 'index', n.nspname, tc.relname, c.relname,
    coalesce(${partitionIndexes('i.indexrelid', 'i.indrelid')}, '{}'::jsonb) || ${facts({
      definition: 'pg_get_indexdef(i.indexrelid)',
      state: validity('i.indisvalid'),
      'clustered on': yes('i.indisclustered'),
      'statistics targets': indexStatistics('c.oid'),
      comment: `obj_description(c.oid, 'pg_class')`,
    })}
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class tc ON tc.oid = i.indrelid
   WHERE n.nspname = ANY ($1)
     AND NOT EXISTS (SELECT FROM pg_constraint con WHERE con.conindid = i.indexrelid AND con.conrelid = i.indrelid
       AND con.contype IN ('p', 'u', 'x'))
     AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
     AND ${isOwn('pg_class', 'tc.oid')}`;

export const TRIGGERS = `
  SELECT 'trigger', n.nspname, c.relname, t.tgname, ${facts({
    definition: 'pg_get_triggerdef(t.oid)',
    enabled: enabled('t.tgenabled'),
    comment: `obj_description(t.oid, 'pg_trigger')`,
  })}
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND NOT t.tgisinternal AND t.tgparentid = 0 AND ${isOwn('pg_class', 'c.oid')}`;

export const POLICIES = `
  SELECT 'policy', n.nspname, c.relname, p.polname, ${facts({
    kind: `CASE WHEN NOT p.polpermissive THEN 'restrictive' END`,
    command: `CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
      ELSE 'ALL' END`,
    roles: `(SELECT string_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END, ', '
      ORDER BY CASE WHEN r = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END) FROM unnest(p.polroles) r)`,
    using: 'pg_get_expr(p.polqual, p.polrelid)',
    check: 'pg_get_expr(p.polwithcheck, p.polrelid)',
    comment: `obj_description(p.oid, 'pg_policy')`,
  })}
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_class', 'c.oid')}`;

export const RULES = `
  SELECT 'rule', n.nspname, c.relname, r.rulename, ${facts({
    definition: 'pg_get_ruledef(r.oid)',
    enabled: enabled('r.ev_enabled'),
    comment: `obj_description(r.oid, 'pg_rewrite')`,
  })}
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND r.rulename <> '_RETURN' AND ${isOwn('pg_class', 'c.oid')}`;
