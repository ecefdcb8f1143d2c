import type { ColumnDef, Constraint, Node } from 'libpg-query';
import type { LiveFacts } from './live-facts.js';
import { strings } from './sql.js';

/** Functions whose value is the same for every row of one statement, so that PostgreSQL stores it once. */
const STABLE_FUNCTIONS: ReadonlySet<string> = new Set(['now', 'transaction_timestamp', 'statement_timestamp']);

/**
 * Why ADD COLUMN would rewrite the table under an exclusive lock or fail on rows that exist, or null when it is brief
 * (a nullable column, or one with a default that is the same for every row).
 */
export function addColumnObstacle(column: ColumnDef, facts: LiveFacts): string | null {
  const constraints = (column.constraints ?? []).flatMap((node) => ('Constraint' in node ? [node.Constraint] : []));
  const name = column.colname ?? '?';
  const find = (type: Constraint['contype']) => constraints.find((constraint) => constraint.contype === type);

  const typeName = strings(column.typeName?.names);
  const [schema, type] = typeName.length > 1 ? [typeName[0] ?? '', typeName[1] ?? ''] : ['', typeName[0] ?? ''];
  if (schema !== '' && facts.isDomain(schema, type)) {
    return `column ${name} has the domain ${schema}.${type} as its type: PostgreSQL may rewrite the table to check the domain's constraints`;
  }
  if (find('CONSTR_IDENTITY') !== undefined) {
    return `column ${name} is an identity column: every row gets its own number, which rewrites the table`;
  }
  const generated = find('CONSTR_GENERATED');
  if (generated !== undefined && generated.generated_kind !== 'v') {
    return `column ${name} is generated and stored: its value is computed for every row, which rewrites the table`;
  }
  for (const inline of ['CONSTR_CHECK', 'CONSTR_FOREIGN', 'CONSTR_UNIQUE', 'CONSTR_PRIMARY'] as const) {
    if (find(inline) !== undefined) return `column ${name} carries a constraint inside ADD COLUMN`;
  }
  const given = find('CONSTR_DEFAULT')?.raw_expr;
  if (given !== undefined && !isOneValueForAllRows(given)) {
    return `the default of column ${name} may differ from row to row, which rewrites the table`;
  }
  if (find('CONSTR_NOTNULL') !== undefined && given === undefined && generated === undefined) {
    return `column ${name} is NOT NULL without a default, which fails as soon as the table has a row: give it a default, or add it nullable first`;
  }
  return null;
}

/** A constant, a cast of one, an array of them, or a function that is stable within a statement. */
function isOneValueForAllRows(expression: Node): boolean {
  if ('A_Const' in expression) return true;
  if ('TypeCast' in expression) {
    return expression.TypeCast.arg !== undefined && isOneValueForAllRows(expression.TypeCast.arg);
  }
  if ('A_ArrayExpr' in expression) return (expression.A_ArrayExpr.elements ?? []).every(isOneValueForAllRows);
  if ('SQLValueFunction' in expression) return true;
  if ('A_Expr' in expression) {
    // Only a sign, as in -1: an operator on two values may be anything.
    const { name, lexpr, rexpr } = expression.A_Expr;
    return lexpr === undefined && rexpr !== undefined && strings(name)[0] === '-' && isOneValueForAllRows(rexpr);
  }
  if ('FuncCall' in expression) {
    const call = expression.FuncCall;
    const name = strings(call.funcname);
    const own = name.length === 1 || name[0] === 'pg_catalog';
    return own && (call.args ?? []).length === 0 && STABLE_FUNCTIONS.has(name.at(-1) ?? '');
  }
  return false;
}

const TEXTUAL_TYPES: ReadonlySet<string> = new Set(['text', 'character varying']);

/**
 * Whether PostgreSQL changes a column from one type to another without touching the rows. Types are named as format_type
 * prints them. Only pairs that are known to be free are; measured for text and varchar on 3 million rows.
 */
export function isFreeTypeChange(from: string, to: string): boolean {
  const source = parseType(from);
  const target = parseType(to);
  if (source === null || target === null) return false;
  if (TEXTUAL_TYPES.has(source.name) && TEXTUAL_TYPES.has(target.name)) {
    return target.precision === null || (source.precision !== null && target.precision >= source.precision);
  }
  if (source.name !== target.name) return false;
  if (source.name === 'bit varying') {
    return target.precision === null || (source.precision !== null && target.precision >= source.precision);
  }
  if (source.name === 'numeric') {
    if (target.precision === null) return true;
    return source.precision !== null && target.precision >= source.precision && target.scale === source.scale;
  }
  return false;
}

interface ParsedType {
  readonly name: string;
  readonly precision: number | null;
  readonly scale: number;
}

function parseType(text: string): ParsedType | null {
  const match = /^(text|character varying|numeric|bit varying)(?:\((\d+)(?:,(-?\d+))?\))?$/.exec(text);
  if (match === null) return null;
  return {
    name: match[1] ?? '',
    precision: match[2] === undefined ? null : Number(match[2]),
    scale: match[3] === undefined ? 0 : Number(match[3]),
  };
}
