-- What a database is, by its catalogues: a row per object, with its namespace (null: of the whole database), its kind and
-- name, and its properties. Two databases have the same schema when they have the same rows.
--
-- This reading is the test's own. It shares nothing with the engine, so that what the engine does not see shows here. It
-- runs with an empty search_path, so that every name in a definition has its namespace. What a version does not have is read
-- by way of to_jsonb, where a missing column is null.
WITH namespace AS (
  SELECT oid, nspname FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '_skein')
), relation AS (
  SELECT c.*, n.nspname, format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN namespace n ON n.oid = c.relnamespace
  WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), routine AS (
  SELECT p.*, n.nspname, p.oid::regprocedure::text AS name
  FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace
  WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
), type AS (
  SELECT t.*, n.nspname, format('%I.%I', n.nspname, t.typname) AS name
  FROM pg_type t JOIN namespace n ON n.oid = t.typnamespace
  WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
), constraints AS (
  SELECT con.*, coalesce(r.nspname, t.nspname) AS nspname, coalesce(r.name, t.name) AS owner,
         coalesce(r.relname, t.typname) AS owner_name, a.attname
  FROM pg_constraint con
  LEFT JOIN relation r ON r.oid = con.conrelid
  LEFT JOIN type t ON t.oid = con.contypid
  LEFT JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
  WHERE r.oid IS NOT NULL OR t.oid IS NOT NULL
), signature (namespace, object, properties) AS (

SELECT nspname::text, 'schema ' || nspname, '{}'::jsonb FROM namespace

UNION ALL
SELECT NULL, 'extension ' || extname, jsonb_build_object('schema', n.nspname)
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace

UNION ALL
SELECT nspname, 'relation ' || name, jsonb_build_object(
  'kind', CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
               WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'composite type' WHEN 'S' THEN 'sequence' ELSE relkind::text END,
  'persistence', relpersistence,
  'options', (SELECT jsonb_agg(o ORDER BY o) FROM unnest(reloptions) o),
  'toast options', (SELECT jsonb_agg(o ORDER BY o) FROM pg_class toast, unnest(toast.reloptions) o WHERE toast.oid = relation.reltoastrelid),
  'row security', relrowsecurity,
  'forced row security', relforcerowsecurity,
  'replica identity', CASE WHEN relkind IN ('r', 'p') THEN relreplident END,
  'partition key', pg_get_partkeydef(relation.oid),
  'partition bound', pg_get_expr(relpartbound, relation.oid),
  'parents', (SELECT jsonb_agg(inhparent::regclass::text ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = relation.oid),
  'of type', CASE WHEN reloftype <> 0 THEN reloftype::regtype::text END,
  'access method', (SELECT amname FROM pg_am WHERE pg_am.oid = relam),
  'tablespace', (SELECT spcname FROM pg_tablespace WHERE pg_tablespace.oid = reltablespace),
  'definition', CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(relation.oid) END,
  'populated', CASE WHEN relkind = 'm' THEN relispopulated END)
FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'c', 'f', 'S')

UNION ALL
SELECT nspname, format('column %s.%I', name, a.attname), jsonb_build_object(
  'type', format_type(a.atttypid, a.atttypmod),
  'not null', a.attnotnull,
  'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
  'generated', CASE a.attgenerated WHEN 's' THEN 'STORED' WHEN 'v' THEN 'VIRTUAL' END,
  'generated as', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
  'identity', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,
  'collation', (SELECT format('%I.%I', n.nspname, collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = collnamespace WHERE l.oid = a.attcollation),
  'storage', a.attstorage,
  'compression', nullif(a.attcompression, ''),
  'statistics target', nullif(to_jsonb(a) ->> 'attstattarget', '-1'),
  'options', (SELECT jsonb_agg(o ORDER BY o) FROM unnest(a.attoptions) o),
  'own', a.attislocal,
  'inherited from', a.attinhcount)
FROM relation JOIN pg_attribute a ON a.attrelid = relation.oid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE relkind IN ('r', 'p', 'v', 'm', 'c', 'f') AND a.attnum > 0 AND NOT a.attisdropped

UNION ALL
SELECT nspname, format('constraint %I on %s', conname, owner), jsonb_build_object(
  'definition', pg_get_constraintdef(constraints.oid),
  'validated', convalidated,
  'enforced', to_jsonb(constraints) -> 'conenforced',
  'own', conislocal,
  'inherited from', coninhcount,
  'not inherited', connoinherit,
  'index', CASE WHEN conindid <> 0 THEN conindid::regclass::text END,
  'part of', (SELECT format('%I on %s', parent.conname, parent.conrelid::regclass) FROM pg_constraint parent WHERE parent.oid = conparentid))
FROM constraints WHERE contype <> 'n' AND contype <> 't'

UNION ALL
-- A NOT NULL has a constraint since 18. Its name counts where the files give one, which is where it is not PostgreSQL's own.
SELECT nspname, 'not null ' || owner || coalesce('.' || quote_ident(attname), ''), jsonb_build_object(
  'name', conname,
  'named by PostgreSQL', conname ~ '_not_null\d*$' AND left(conname, least(20, length(owner_name))) = left(owner_name, 20),
  'validated', convalidated,
  'own', conislocal,
  'inherited from', coninhcount,
  'not inherited', connoinherit)
FROM constraints WHERE contype = 'n'

UNION ALL
SELECT nspname, 'index ' || name, jsonb_build_object(
  'definition', pg_get_indexdef(i.indexrelid),
  'valid', i.indisvalid,
  'ready', i.indisready,
  'unique', i.indisunique,
  'primary', i.indisprimary,
  'immediate', i.indimmediate,
  'clustered by', i.indisclustered,
  'replica identity', i.indisreplident,
  'options', (SELECT jsonb_agg(o ORDER BY o) FROM unnest(reloptions) o),
  'part of', (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = relation.oid),
  'statistics targets', (SELECT jsonb_object_agg(attnum, to_jsonb(a) -> 'attstattarget') FROM pg_attribute a
                         WHERE attrelid = relation.oid AND (to_jsonb(a) ->> 'attstattarget')::int >= 0),
  'tablespace', (SELECT spcname FROM pg_tablespace WHERE pg_tablespace.oid = reltablespace))
FROM relation JOIN pg_index i ON i.indexrelid = relation.oid

UNION ALL
SELECT nspname, format('trigger %I on %s', tgname, name), jsonb_build_object(
  'definition', pg_get_triggerdef(t.oid),
  'enabled', tgenabled,
  'part of', (SELECT format('%I on %s', parent.tgname, parent.tgrelid::regclass) FROM pg_trigger parent WHERE parent.oid = t.tgparentid))
FROM relation JOIN pg_trigger t ON t.tgrelid = relation.oid WHERE NOT tgisinternal

UNION ALL
SELECT schemaname, format('policy %I on %I.%I', policyname, schemaname, tablename), jsonb_build_object(
  'permissive', permissive, 'roles', roles::text, 'command', cmd, 'using', qual, 'with check', with_check)
FROM pg_policies JOIN namespace ON nspname = schemaname

UNION ALL
SELECT schemaname, format('rule %I on %I.%I', rulename, schemaname, tablename), jsonb_build_object('definition', definition)
FROM pg_rules JOIN namespace ON nspname = schemaname

UNION ALL
SELECT nspname, 'routine ' || name, jsonb_build_object('definition', pg_get_functiondef(oid)) FROM routine WHERE prokind <> 'a'

UNION ALL
SELECT nspname, 'aggregate ' || name, jsonb_build_object(
  'transition', g.aggtransfn::regproc, 'final', g.aggfinalfn::regproc, 'combine', g.aggcombinefn::regproc,
  'state', g.aggtranstype::regtype, 'start', g.agginitval, 'kind', g.aggkind, 'parallel', proparallel)
FROM routine JOIN pg_aggregate g ON g.aggfnoid = routine.oid

UNION ALL
SELECT nspname, 'type ' || name, jsonb_build_object(
  'kind', typtype,
  'base', CASE WHEN typtype = 'd' THEN format_type(typbasetype, typtypmod) END,
  'not null', typnotnull,
  'default', typdefault,
  'collation', CASE WHEN typtype = 'd' THEN (SELECT collname FROM pg_collation l WHERE l.oid = typcollation) END,
  'labels', (SELECT jsonb_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = type.oid),
  'range', (SELECT jsonb_build_object(
     'subtype', rngsubtype::regtype, 'multirange', (to_jsonb(g) ->> 'rngmultitypid')::oid::regtype, 'canonical', rngcanonical::text,
     'difference', rngsubdiff::text, 'collation', (SELECT collname FROM pg_collation l WHERE l.oid = rngcollation),
     'operator class', (SELECT opcname FROM pg_opclass o WHERE o.oid = rngsubopc)) FROM pg_range g WHERE rngtypid = type.oid),
  'input', CASE WHEN typtype = 'b' THEN typinput::text END,
  'length', CASE WHEN typtype = 'b' THEN typlen END)
FROM type
WHERE typtype IN ('d', 'e', 'r') OR (typtype = 'b' AND typcategory <> 'A')

UNION ALL
SELECT nspname, 'sequence ' || name, jsonb_build_object(
  'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement, 'max', s.seqmax, 'min', s.seqmin,
  'cache', s.seqcache, 'cycle', s.seqcycle,
  'owned by', (SELECT format('%s.%I (%s)', refobjid::regclass, a.attname, CASE deptype WHEN 'i' THEN 'identity' ELSE 'serial' END)
               FROM pg_depend d JOIN pg_attribute a ON a.attrelid = refobjid AND a.attnum = refobjsubid
               WHERE d.objid = relation.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')))
FROM relation JOIN pg_sequence s ON s.seqrelid = relation.oid

UNION ALL
SELECT nspname, format('statistics %I.%I', nspname, stxname), jsonb_build_object(
  'definition', pg_get_statisticsobjdef(s.oid), 'target', nullif(to_jsonb(s) ->> 'stxstattarget', '-1'))
FROM pg_statistic_ext s JOIN namespace n ON n.oid = s.stxnamespace

UNION ALL
SELECT nspname, format('collation %I.%I', nspname, collname), jsonb_build_object(
  'provider', collprovider, 'deterministic', collisdeterministic,
  'locale', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', collcollate))
FROM pg_collation c JOIN namespace n ON n.oid = c.collnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_collation'::regclass AND d.objid = c.oid AND d.deptype = 'e')

UNION ALL
SELECT nspname, 'operator ' || o.oid::regoperator, jsonb_build_object(
  'function', oprcode::text, 'commutator', oprcom::regoperator, 'negator', oprnegate::regoperator, 'hashes', oprcanhash, 'merges', oprcanmerge)
FROM pg_operator o JOIN namespace n ON n.oid = o.oprnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')

UNION ALL
SELECT nspname, format('operator class %I.%I', nspname, opcname), jsonb_build_object('type', opcintype::regtype, 'default', opcdefault)
FROM pg_opclass o JOIN namespace n ON n.oid = o.opcnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_opclass'::regclass AND d.objid = o.oid AND d.deptype = 'e')

UNION ALL
SELECT nspname, format('text search configuration %I.%I', nspname, cfgname), jsonb_build_object(
  'parser', (SELECT prsname FROM pg_ts_parser p WHERE p.oid = cfgparser),
  'dictionaries', (SELECT jsonb_agg(maptokentype || ':' || mapdict::regdictionary ORDER BY maptokentype, mapseqno) FROM pg_ts_config_map WHERE mapcfg = f.oid))
FROM pg_ts_config f JOIN namespace n ON n.oid = f.cfgnamespace

UNION ALL
SELECT nspname, format('text search dictionary %I.%I', nspname, dictname), jsonb_build_object('options', dictinitoption)
FROM pg_ts_dict t JOIN namespace n ON n.oid = t.dictnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_ts_dict'::regclass AND d.objid = t.oid AND d.deptype = 'e')

UNION ALL
SELECT nspname, format('comment on %s %s', i.type, i.identity), jsonb_build_object('text', d.description)
FROM pg_description d,
  pg_identify_object(d.classoid, d.objoid, d.objsubid) i,
  pg_identify_object_as_address(d.classoid, d.objoid, d.objsubid) a,
  namespace
WHERE (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass)
  AND nspname = CASE WHEN i.schema IS NOT NULL THEN i.schema
                     WHEN EXISTS (SELECT FROM namespace n WHERE n.nspname = a.object_names[1]) THEN a.object_names[1]
                     ELSE split_part(a.object_names[1], '.', 1) END
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
)
SELECT namespace, object, jsonb_strip_nulls(properties) AS properties FROM signature ORDER BY object
