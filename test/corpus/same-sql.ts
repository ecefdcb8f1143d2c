import { hasSqlDetails, parse } from 'libpg-query';

/**
 * Whether two definitions that PostgreSQL printed mean the same. It prints some expressions so that reading them gives
 * another print: `s IN ('a', 'b')` of a varchar becomes a cast of an array, and that becomes an array of casts.
 */
export async function isSameSql(a: string, b: string): Promise<boolean> {
  if (a === b) return true;
  const [left, right] = [await treeOf(a), await treeOf(b)];
  return left !== null && right !== null && JSON.stringify(left) === JSON.stringify(right);
}

/** What a definition may be a part of. */
const FRAMES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `SELECT ${text}`,
  (text) => `ALTER TABLE t ADD CONSTRAINT c ${text}`,
];

async function treeOf(text: string): Promise<unknown> {
  for (const frame of FRAMES) {
    try {
      return normalise(await parse(frame(text)));
    } catch (error) {
      if (!hasSqlDetails(error)) throw error;
    }
  }
  return null;
}

/** Without positions, `(a AND b) AND c` as `a AND b AND c`, and a cast of an array as an array of casts. */
function normalise(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(normalise);
  if (typeof node !== 'object' || node === null) return node;
  const fields = Object.entries(node).flatMap(([name, value]) => (isPosition(name) ? [] : [[name, normalise(value)]]));
  const copy: Tree = Object.fromEntries(fields);
  return flattened(castInside(copy));
}

type Tree = Record<string, unknown>;

function isPosition(name: string): boolean {
  return /^(?:location|stmt_len|stmt_location|list_start|list_end|rexpr_list_start|rexpr_list_end)$/.test(name);
}

function castInside(node: Tree): Tree {
  const cast = treeAt(node, 'TypeCast');
  const array = treeAt(treeAt(cast, 'arg'), 'A_ArrayExpr');
  const type = treeAt(cast, 'typeName');
  if (type === null || !Array.isArray(array?.['elements']) || !Array.isArray(type['arrayBounds'])) return node;
  const { arrayBounds: _bounds, ...elementType } = type;
  const elements = array['elements'].map((arg: unknown) => ({ TypeCast: { arg, typeName: elementType } }));
  return { A_ArrayExpr: { elements } };
}

function flattened(node: Tree): Tree {
  const expression = treeAt(node, 'BoolExpr');
  if (expression === null || !Array.isArray(expression['args'])) return node;
  const args = expression['args'].flatMap((argument: unknown) => {
    const inner = treeAt(argument, 'BoolExpr');
    const isSame = inner !== null && inner['boolop'] === expression['boolop'] && inner['boolop'] !== 'NOT_EXPR';
    return isSame && Array.isArray(inner['args']) ? (inner['args'] as unknown[]) : [argument];
  });
  return { BoolExpr: { ...expression, args } };
}

function treeAt(node: unknown, name: string): Tree | null {
  if (typeof node !== 'object' || node === null || !(name in node)) return null;
  const value: unknown = Reflect.get(node, name);
  return typeof value === 'object' && value !== null ? (value as Tree) : null;
}
