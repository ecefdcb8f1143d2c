import { facts, isOwn, sequenceOptions, yesOrNo } from './sql-pieces.js';

export const ROUTINES = `
  SELECT 'routine', n.nspname, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), NULL, ${facts({
    kind: `CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function'
      ELSE 'function' END`,
    definition: `CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE (SELECT concat_ws(' ',
      a.aggkind, a.aggtransfn::regprocedure, a.aggtranstype::regtype, a.aggfinalfn::regproc, a.aggcombinefn::regproc,
      a.aggserialfn::regproc, a.aggdeserialfn::regproc, a.aggmtransfn::regproc, a.aggminvtransfn::regproc,
      a.aggmfinalfn::regproc, a.aggsortop::regoper, a.aggfinalextra, a.aggmtranstype::regtype, a.aggtransspace,
      a.aggminitval, a.agginitval, p.proparallel) FROM pg_aggregate a
      WHERE a.aggfnoid = p.oid) END`,
    comment: `obj_description(p.oid, 'pg_proc')`,
  })}
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_proc', 'p.oid')}
     AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')`;

export const TYPES = `
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
    definition: `CASE WHEN t.typtype = 'b' THEN concat_ws(' ', t.typinput, t.typoutput, NULLIF(t.typreceive, 0)::regproc,
      NULLIF(t.typsend, 0)::regproc, t.typlen, t.typbyval, t.typcategory, t.typispreferred, t.typdelim, t.typalign,
      t.typstorage) END`,
    comment: `obj_description(t.oid, 'pg_type')`,
  })}
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE n.nspname = ANY ($1) AND t.typrelid = 0
     AND (t.typtype IN ('d', 'e', 'r') OR t.typtype IN ('b', 'p') AND t.typelem = 0 AND t.typcategory <> 'A')
     AND ${isOwn('pg_type', 't.oid')}`;

/** Not those of identity columns, which are a property of their column. */
export const SEQUENCES = `
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

export const STATISTICS = `
  SELECT 'statistics', n.nspname, s.stxname, NULL, ${facts({
    definition: 'pg_get_statisticsobjdef(s.oid)',
    target: `CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END`,
    comment: `obj_description(s.oid, 'pg_statistic_ext')`,
  })}
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_statistic_ext', 's.oid')}`;

/** PostgreSQL itself comments on `public`, and a restored database may have lost that comment. */
export const SCHEMAS = `
  SELECT 'schema', n.nspname, n.nspname, NULL, ${facts({
    comment: `NULLIF(obj_description(n.oid, 'pg_namespace'), 'standard public schema')`,
  })}
    FROM pg_namespace n WHERE n.nspname = ANY ($1)`;

/** Kinds of object for which hardly a statement is ever planned. */
export const OTHERS = `
  SELECT 'operator', n.nspname, format('%s(%s, %s)', o.oprname, format_type(NULLIF(o.oprleft, 0), NULL),
      format_type(NULLIF(o.oprright, 0), NULL)), NULL, ${facts({
        function: 'o.oprcode::regprocedure',
        options: `concat_ws(' ', 'commutator ' || NULLIF(o.oprcom, 0)::regoperator, 'negator ' || NULLIF(o.oprnegate, 0)::regoperator,
          'restrict ' || NULLIF(o.oprrest, 0)::regproc, 'join ' || NULLIF(o.oprjoin, 0)::regproc,
          CASE WHEN o.oprcanhash THEN 'hashes' END, CASE WHEN o.oprcanmerge THEN 'merges' END)`,
        comment: `obj_description(o.oid, 'pg_operator')`,
      })}
    FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_operator', 'o.oid')}
  UNION ALL
  SELECT 'collation', n.nspname, c.collname, NULL, ${facts({
    provider: 'c.collprovider',
    // Its columns have other names from version to version.
    locale: `concat_ws(' ', c.collcollate, c.collctype, to_jsonb(c) ->> 'colliculocale', to_jsonb(c) ->> 'colllocale',
      to_jsonb(c) ->> 'collicurules')`,
    deterministic: yesOrNo('c.collisdeterministic'),
    comment: `obj_description(c.oid, 'pg_collation')`,
  })}
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_collation', 'c.oid')}
  UNION ALL
  SELECT 'text search configuration', n.nspname, t.cfgname, NULL, ${facts({
    parser: `(SELECT format('%I.%I', pn.nspname, p.prsname) FROM pg_ts_parser p
      JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE p.oid = t.cfgparser)`,
    dictionaries: `(SELECT string_agg(m.maptokentype || ' ' || m.mapdict::regdictionary, ', '
      ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = t.oid)`,
    comment: `obj_description(t.oid, 'pg_ts_config')`,
  })}
    FROM pg_ts_config t JOIN pg_namespace n ON n.oid = t.cfgnamespace
   WHERE n.nspname = ANY ($1) AND ${isOwn('pg_ts_config', 't.oid')}
  UNION ALL
  SELECT 'text search dictionary', n.nspname, t.dictname, NULL, ${facts({
    template: `(SELECT format('%I.%I', tn.nspname, p.tmplname) FROM pg_ts_template p
      JOIN pg_namespace tn ON tn.oid = p.tmplnamespace WHERE p.oid = t.dicttemplate)`,
    options: 't.dictinitoption',
    comment: `obj_description(t.oid, 'pg_ts_dict')`,
  })}
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
