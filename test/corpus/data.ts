import type { Client } from 'pg';

/** The rows of a database, as far as a loss would show. Names are quoted where SQL asks for it: `public."Order"`. */
export interface Data {
  readonly tables: ReadonlyMap<string, TableData>;
  /** Sequences that give out a value that their column holds already, a sentence each. */
  readonly behind: readonly string[];
}

interface TableData {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ColumnData>;
}

interface ColumnData {
  readonly type: string;
  /** A row type, or an array of one, whose texts change with the type. */
  readonly isRow: boolean;
  /** What it is computed from does not count as its data. */
  readonly isGenerated: boolean;
  /** Rows that have a value. */
  readonly values: number;
  /** Over the texts of all values, in any order. */
  readonly checksum: string;
}

const COLUMNS = `
  SELECT format('%I.%I', n.nspname, c.relname) AS table, c.relkind AS kind, format('%I', a.attname) AS column,
         format_type(a.atttypid, a.atttypmod) AS type, a.attgenerated <> '' AS "isGenerated",
         EXISTS (SELECT FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem
                  WHERE t.oid = a.atttypid AND 'c' IN (t.typtype, e.typtype)) AS "isRow"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$|_skein$)'
   ORDER BY 1, a.attnum`;

const SEQUENCES = `
  SELECT s.seqrelid::regclass::text AS sequence, s.seqincrement AS increment,
         d.refobjid::regclass::text AS table, format('%I', a.attname) AS column
    FROM pg_sequence s
    JOIN pg_depend d ON d.objid = s.seqrelid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                    AND d.deptype IN ('a', 'i')
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
   WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AND s.seqincrement > 0`;

export async function readData(client: Client): Promise<Data> {
  await client.query(`SET search_path = ''`);
  const { rows } = await client.query<ColumnRow>(COLUMNS);
  const tables = new Map<string, TableData>();
  for (const table of new Set(rows.map((row) => row.table))) {
    const columns = rows.filter((row) => row.table === table);
    tables.set(table, await readTable(client, table, columns));
  }
  return { tables, behind: await readSequencesBehind(client) };
}

interface ColumnRow {
  readonly table: string;
  readonly kind: string;
  /** Null for a table without columns. */
  readonly column: string | null;
  readonly type: string;
  readonly isGenerated: boolean;
  readonly isRow: boolean;
}

async function readTable(client: Client, table: string, columns: readonly ColumnRow[]): Promise<TableData> {
  const named = columns.flatMap((row) => (row.column === null ? [] : [{ ...row, column: row.column }]));
  const facts = named.flatMap(({ column }, position) => [
    `count(${column})::int AS values${position}`,
    `coalesce(sum(hashtextextended(${column}::text, 0)), 0)::text AS checksum${position}`,
  ]);
  // A table shows the rows of its children as its own, which are theirs; a partitioned one has no others.
  const source = columns[0]?.kind === 'p' ? table : `ONLY ${table}`;
  const { rows } = await client.query<Record<string, unknown>>(
    `SELECT ${['count(*)::int AS rows', ...facts].join(', ')} FROM ${source}`,
  );
  const [answer = {}] = rows;
  const read = named.map(({ column, type, isGenerated, isRow }, position): [string, ColumnData] => [
    column,
    {
      type,
      isGenerated,
      isRow,
      values: Number(answer[`values${position}`]),
      checksum: String(answer[`checksum${position}`]),
    },
  ]);
  return { rows: Number(answer['rows']), columns: new Map(read) };
}

async function readSequencesBehind(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ sequence: string; increment: string; table: string; column: string }>(
    SEQUENCES,
  );
  const behind: string[] = [];
  for (const { sequence, increment, table, column } of rows) {
    const answer = await client.query<{ next: string; highest: string | null }>(
      `SELECT CASE WHEN is_called THEN last_value + ${increment} ELSE last_value END AS next,
              (SELECT max(${column}) FROM ${table}) AS highest FROM ${sequence}`,
    );
    const [values] = answer.rows;
    if (values === undefined || values.highest === null || BigInt(values.next) > BigInt(values.highest)) continue;
    behind.push(
      `the sequence of ${table}.${column} goes on with ${values.next} although the column holds ${values.highest}`,
    );
  }
  return behind;
}

/** Tables and columns that have lost data, as `public.t` or `public.t.c`. */
export function lossesOf(before: Data, after: Data): readonly string[] {
  return [...before.tables].flatMap(([table, was]) => {
    if (was.rows === 0) return [];
    const is = after.tables.get(table);
    if (is === undefined || is.rows < was.rows) return [table];
    return [...was.columns].flatMap(([column, values]) =>
      hasLost(values, is.columns.get(column)) ? [`${table}.${column}`] : [],
    );
  });
}

function hasLost(was: ColumnData, is: ColumnData | undefined): boolean {
  if (was.values === 0) return false;
  // What is computed can be computed again.
  if (is === undefined) return !was.isGenerated;
  if (is.isGenerated) return false;
  if (is.values < was.values) return true;
  return was.type === is.type && !was.isRow && was.checksum !== is.checksum;
}
