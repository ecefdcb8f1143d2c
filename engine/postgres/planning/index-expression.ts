import type { IndexStmt, Node } from 'libpg-query';
import { strings } from './sql.js';

/** Comparisons, which give a value for every row. Other operators, such as `/`, fail for some. */
const TOTAL_OPERATORS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

/** Functions of PostgreSQL itself that give a value for every text. Those of a schema are written with its name. */
const TOTAL_FUNCTIONS: ReadonlySet<string> = new Set(['lower', 'upper', 'btrim', 'length', 'md5']);

/**
 * Whether an index may refuse a row because its expression or its condition fails for it, as `1 / size` does for a zero.
 * What is not known to give a value for every row counts as one that may fail.
 */
export function mayRefuseRows(index: IndexStmt): boolean {
  const expressions = (index.indexParams ?? []).map((node) => ('IndexElem' in node ? node.IndexElem.expr : node));
  return [...expressions, index.whereClause].some((node) => node !== undefined && !isTotal(node));
}

function isTotal(node: Node): boolean {
  if ('ColumnRef' in node || 'A_Const' in node) return true;
  if ('NullTest' in node) return areTotal([node.NullTest.arg]);
  if ('BooleanTest' in node) return areTotal([node.BooleanTest.arg]);
  if ('BoolExpr' in node) return areTotal(node.BoolExpr.args);
  if ('CoalesceExpr' in node) return areTotal(node.CoalesceExpr.args);
  if ('A_ArrayExpr' in node) return areTotal(node.A_ArrayExpr.elements);
  if ('A_Expr' in node) {
    const { name, lexpr, rexpr } = node.A_Expr;
    return isOneOf(TOTAL_OPERATORS, strings(name)) && areTotal([lexpr, rexpr]);
  }
  if ('FuncCall' in node)
    return isOneOf(TOTAL_FUNCTIONS, strings(node.FuncCall.funcname)) && areTotal(node.FuncCall.args);
  if ('TypeCast' in node) {
    const { arg, typeName } = node.TypeCast;
    // A constant that can be cast at all has been, when the index was created. Everything has a text.
    return (arg !== undefined && 'A_Const' in arg) || (strings(typeName?.names).at(-1) === 'text' && areTotal([arg]));
  }
  return false;
}

function areTotal(nodes: readonly (Node | undefined)[] | undefined): boolean {
  return (nodes ?? []).every((node) => node !== undefined && isTotal(node));
}

function isOneOf(known: ReadonlySet<string>, name: readonly string[]): boolean {
  return name.length === 1 && known.has(name[0] ?? '');
}
