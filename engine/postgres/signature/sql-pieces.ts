/** Pieces of SQL that the queries of the signature share. */

export const isOwn = (catalogue: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend e
     WHERE e.classid = '${catalogue}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;

export const facts = (pairs: Readonly<Record<string, string>>) =>
  `jsonb_strip_nulls(jsonb_build_object(${Object.entries(pairs)
    .map(([name, value]) => `'${name}', (${value})::text`)
    .join(', ')}))`;

export const sorted = (list: string) => `(SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(${list}) o)`;

export const yes = (condition: string) => `CASE WHEN ${condition} THEN 'yes' END`;
export const yesOrNo = (condition: string) => `CASE WHEN ${condition} THEN 'yes' ELSE 'no' END`;
export const validity = (condition: string) => `CASE WHEN ${condition} THEN 'valid' ELSE 'invalid' END`;

export const enabled = (column: string) =>
  `CASE ${column} WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replicas' WHEN 'A' THEN 'always' ELSE 'yes' END`;

/** The options of a sequence, as one text. */
export const sequenceOptions = (s: string) =>
  `format('%s start %s increment %s min %s max %s cache %s%s', format_type(${s}.seqtypid, NULL), ${s}.seqstart,
     ${s}.seqincrement, ${s}.seqmin, ${s}.seqmax, ${s}.seqcache, CASE WHEN ${s}.seqcycle THEN ' cycle' ELSE '' END)`;

/** Whether each partition that exists has its own, valid, index below a partitioned one. */
export const partitionIndexes = (index: string, table: string) =>
  `(SELECT jsonb_object_agg('index on partition ' || p.inhrelid::regclass::text,
      coalesce((SELECT CASE WHEN ci.indisvalid THEN 'valid' ELSE 'invalid' END
         FROM pg_inherits ii JOIN pg_index ci ON ci.indexrelid = ii.inhrelid
        WHERE ii.inhparent = ${index} AND ci.indrelid = p.inhrelid), 'missing'))
     FROM pg_inherits p WHERE p.inhparent = ${table}
      AND EXISTS (SELECT FROM pg_class pi WHERE pi.oid = ${index} AND pi.relkind = 'I'))`;

export const indexStatistics = (index: string) =>
  `(SELECT string_agg(attnum || ': ' || attstattarget, ', ' ORDER BY attnum) FROM pg_attribute
     WHERE attrelid = ${index} AND attstattarget >= 0)`;
