/**
 * The second reading of a database's catalogues. It shares nothing with the library that plans, so that what the one does
 * not see the other does: a plan is only as good as the reading it was made from, and must not be verified by it.
 *
 * Each query gives rows of (kind, namespace, object, part, facts): `facts` is a JSON object of texts, in which what is
 * absent, or has the value that PostgreSQL gives by itself, is left out. `$1` is the list of namespaces. Left out are
 * members of extensions, owners, privileges, roles, publications and tablespaces, which are not managed, and the order of
 * columns. Reads PostgreSQL 14 and newer. The session's settings are those of `SETTINGS`.
 */

/** What the printing of definitions depends on: fixed, so that two sessions print one text. */
export const SETTINGS: Readonly<Record<string, string>> = {
  search_path: '',
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  quote_all_identifiers: 'off',
};

const isOwn = (catalogue: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend e
     WHERE e.classid = '${catalogue}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;

const facts = (pairs: Readonly<Record<string, string>>) =>
  `jsonb_strip_nulls(jsonb_build_object(${Object.entries(pairs)
    .map(([name, value]) => `'${name}', (${value})::text`)
    .join(', ')}))`;

const sorted = (list: string) => `(SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(${list}) o)`;

const yes = (condition: string) => `CASE WHEN ${condition} THEN 'yes' END`;
const yesOrNo = (condition: string) => `CASE WHEN ${condition} THEN 'yes' ELSE 'no' END`;
const validity = (condition: string) => `CASE WHEN ${condition} THEN 'valid' ELSE 'invalid' END`;

const enabled = (column: string) =>
  `CASE ${column} WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replicas' WHEN 'A' THEN 'always' ELSE 'yes' END`;

/** The options of a sequence, as one text. */
const sequenceOptions = (s: string) =>
  `format('%s start %s increment %s min %s max %s cache %s%s', format_type(${s}.seqtypid, NULL), ${s}.seqstart,
     ${s}.seqincrement, ${s}.seqmin, ${s}.seqmax, ${s}.seqcache, CASE WHEN ${s}.seqcycle THEN ' cycle' ELSE '' END)`;

/** Whether each partition that exists has its own, valid, index below a partitioned one. */
const partitionIndexes = (index: string, table: string) =>
  `(SELECT jsonb_object_agg('index on partition ' || p.inhrelid::regclass::text,
      coalesce((SELECT CASE WHEN ci.indisvalid THEN 'valid' ELSE 'invalid' END
         FROM pg_inherits ii JOIN pg_index ci ON ci.indexrelid = ii.inhrelid
        WHERE ii.inhparent = ${index} AND ci.indrelid = p.inhrelid), 'missing'))
     FROM pg_inherits p WHERE p.inhparent = ${table}
      AND EXISTS (SELECT FROM pg_class pi WHERE pi.oid = ${index} AND pi.relkind = 'I'))`;

const indexStatistics = (index: string) =>
  `(SELECT string_agg(attnum || ': ' || attstattarget, ', ' ORDER BY attnum) FROM pg_attribute
     WHERE attrelid = ${index} AND attstattarget >= 0)`;

const RELATIONS = `
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
    'row type': `CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END`,
    'foreign server': `(SELECT s.srvname || coalesce(' ' || ft.ftoptions::text, '') FROM pg_foreign_table ft
      JOIN pg_foreign_server s ON s.oid = ft.ftserver WHERE ft.ftrelid = c.oid)`,
    definition: `CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END`,
    comment: `obj_description(c.oid, 'pg_class')`,
  })}
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND ${isOwn('pg_class', 'c.oid')}`;

/** NOT NULL is a property of its column; the constraint behind it (PostgreSQL 18) gives the name and what is special. */
const columns = (serverMajor: number) => `
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
const CONSTRAINTS = `
  SELECT 'constraint', n.nspname, coalesce(c.relname, t.typname), con.conname,
    coalesce(${partitionIndexes('con.conindid', 'con.conrelid')}, '{}'::jsonb) || ${facts({
      definition: 'pg_get_constraintdef(con.oid)',
      validated: yesOrNo('con.convalidated'),
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
const INDEXES = `
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

const TRIGGERS = `
  SELECT 'trigger', n.nspname, c.relname, t.tgname, ${facts({
    definition: 'pg_get_triggerdef(t.oid)',
    enabled: enabled('t.tgenabled'),
    comment: `obj_description(t.oid, 'pg_trigger')`,
  })}
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND NOT t.tgisinternal AND t.tgparentid = 0 AND ${isOwn('pg_class', 'c.oid')}`;

const POLICIES = `
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

const RULES = `
  SELECT 'rule', n.nspname, c.relname, r.rulename, ${facts({
    definition: 'pg_get_ruledef(r.oid)',
    enabled: enabled('r.ev_enabled'),
    comment: `obj_description(r.oid, 'pg_rewrite')`,
  })}
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND r.rulename <> '_RETURN' AND ${isOwn('pg_class', 'c.oid')}`;

const ROUTINES = `
  SELECT 'routine', n.nspname, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), NULL, ${facts({
    kind: `CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function'
      ELSE 'function' END`,
    definition: `CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE (SELECT concat_ws(' ',
      a.aggkind, a.aggtransfn::regprocedure, a.aggtranstype::regtype, a.aggfinalfn::regproc, a.aggcombinefn::regproc,
      a.aggserialfn::regproc, a.aggdeserialfn::regproc, a.aggmtransfn::regproc, a.aggminvtransfn::regproc,
      a.aggmfinalfn::regproc, a.aggsortop::regoper, a.agginitval, p.proparallel) FROM pg_aggregate a
      WHERE a.aggfnoid = p.oid) END`,
    comment: `obj_description(p.oid, 'pg_proc')`,
  })}
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_proc', 'p.oid')}
     AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')`;

const TYPES = `
  SELECT 'type', n.nspname, t.typname, NULL, ${facts({
    kind: `CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' WHEN 'p' THEN 'shell'
      ELSE 'base type' END`,
    labels: `(SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e
      WHERE e.enumtypid = t.oid)`,
    'base type': `CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END`,
    'NOT NULL': `CASE WHEN t.typtype = 'd' THEN ${yesOrNo('t.typnotnull')} END`,
    default: `CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) END`,
    collation: `CASE WHEN t.typtype = 'd' AND t.typcollation <> (SELECT b.typcollation FROM pg_type b
      WHERE b.oid = t.typbasetype) THEN t.typcollation::regcollation::text END`,
    range: `(SELECT concat_ws(' ', r.rngsubtype::regtype, NULLIF(r.rngcollation, 0)::regcollation, o.opcname,
      NULLIF(r.rngcanonical, 0)::regproc, NULLIF(r.rngsubdiff, 0)::regproc) FROM pg_range r
      JOIN pg_opclass o ON o.oid = r.rngsubopc WHERE r.rngtypid = t.oid)`,
    comment: `obj_description(t.oid, 'pg_type')`,
  })}
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE n.nspname = ANY ($1) AND t.typrelid = 0
     AND (t.typtype IN ('d', 'e', 'r') OR t.typtype IN ('b', 'p') AND t.typelem = 0 AND t.typcategory <> 'A')
     AND ${isOwn('pg_type', 't.oid')}`;

/** Not those of identity columns, which are a property of their column. */
const SEQUENCES = `
  SELECT 'sequence', n.nspname, c.relname, NULL, ${facts({
    options: sequenceOptions('s'),
    persistence: `CASE c.relpersistence WHEN 'u' THEN 'unlogged' END`,
    'owning table': `(SELECT r.relname FROM pg_depend o JOIN pg_class r ON r.oid = o.refobjid
      WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.deptype = 'a'
        AND o.refclassid = 'pg_class'::regclass AND o.refobjsubid > 0)`,
    'owned by': `(SELECT o.refobjid::regclass || '.' || quote_ident(a.attname) FROM pg_depend o
      JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
      WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.deptype = 'a'
        AND o.refclassid = 'pg_class'::regclass AND o.refobjsubid > 0)`,
    comment: `obj_description(c.oid, 'pg_class')`,
  })}
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_class', 'c.oid')}
     AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid AND i.deptype = 'i')`;

const STATISTICS = `
  SELECT 'statistics', n.nspname, s.stxname, NULL, ${facts({
    definition: 'pg_get_statisticsobjdef(s.oid)',
    target: `CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END`,
    comment: `obj_description(s.oid, 'pg_statistic_ext')`,
  })}
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_statistic_ext', 's.oid')}`;

/** PostgreSQL itself comments on `public`, and a restored database may have lost that comment. */
const SCHEMAS = `
  SELECT 'schema', n.nspname, n.nspname, NULL, ${facts({
    comment: `NULLIF(obj_description(n.oid, 'pg_namespace'), 'standard public schema')`,
  })}
    FROM pg_namespace n WHERE n.nspname = ANY ($1)`;

/** Kinds of object of which only the existence is compared: no statement for them is ever planned. */
const OTHERS = `
  SELECT 'operator', n.nspname, format('%s(%s, %s)', o.oprname, format_type(NULLIF(o.oprleft, 0), NULL),
      format_type(NULLIF(o.oprright, 0), NULL)), NULL, ${facts({ function: 'o.oprcode::regprocedure' })}
    FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_operator', 'o.oid')}
  UNION ALL
  SELECT 'collation', n.nspname, c.collname, NULL, ${facts({
    provider: 'c.collprovider',
    deterministic: yesOrNo('c.collisdeterministic'),
    comment: `obj_description(c.oid, 'pg_collation')`,
  })}
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_collation', 'c.oid')}
  UNION ALL
  SELECT 'text search configuration', n.nspname, t.cfgname, NULL, '{}'::jsonb
    FROM pg_ts_config t JOIN pg_namespace n ON n.oid = t.cfgnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_ts_config', 't.oid')}
  UNION ALL
  SELECT 'text search dictionary', n.nspname, t.dictname, NULL, ${facts({ options: 't.dictinitoption' })}
    FROM pg_ts_dict t JOIN pg_namespace n ON n.oid = t.dictnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_ts_dict', 't.oid')}
  UNION ALL
  SELECT 'text search parser', n.nspname, t.prsname, NULL, '{}'::jsonb
    FROM pg_ts_parser t JOIN pg_namespace n ON n.oid = t.prsnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_ts_parser', 't.oid')}
  UNION ALL
  SELECT 'text search template', n.nspname, t.tmplname, NULL, '{}'::jsonb
    FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_ts_template', 't.oid')}
  UNION ALL
  SELECT 'operator class', n.nspname, format('%s using %s', o.opcname, m.amname), NULL, '{}'::jsonb
    FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am m ON m.oid = o.opcmethod
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_opclass', 'o.oid')}
  UNION ALL
  SELECT 'conversion', n.nspname, c.conname, NULL, '{}'::jsonb
    FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_conversion', 'c.oid')}`;

/** All of it as one query. */
export function signatureQuery(serverMajor: number): string {
  return [
    RELATIONS,
    columns(serverMajor),
    CONSTRAINTS,
    INDEXES,
    TRIGGERS,
    POLICIES,
    RULES,
    ROUTINES,
    TYPES,
    SEQUENCES,
    STATISTICS,
    SCHEMAS,
    OTHERS,
  ].join('\nUNION ALL');
}
