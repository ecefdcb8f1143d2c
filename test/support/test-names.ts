import { parseSync } from 'vite';
import { readText } from './repository.js';

/** Begins a test or a group of them, in every form that has a name: `it(…)`, `it.each(…)(…)`, `describe.skipIf(…)(…)`. */
const GROUP = 'describe';
const TEST = ['it', 'test'];

/**
 * The names of the tests in a file, each with those of its groups before it, as `group > test`. A name that is filled in
 * from a table is given as its template stands in the source.
 */
export function testNamesOf(path: string): readonly string[] {
  const names = namesByPath.get(path) ?? namesIn(path, readText(path));
  namesByPath.set(path, names);
  return names;
}

const namesByPath = new Map<string, readonly string[]>();

export function namesIn(path: string, text: string): readonly string[] {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be read: ${errors.map((error) => error.message).join('; ')}`);
  return namesBelow(program, text, []);
}

function namesBelow(node: unknown, text: string, groups: readonly string[]): readonly string[] {
  if (Array.isArray(node)) return node.flatMap((each) => namesBelow(each, text, groups));
  if (!isNode(node)) return [];
  const begun = beginsAt(node, text);
  if (begun === null) return Object.values(node).flatMap((each) => namesBelow(each, text, groups));
  const path = [...groups, begun.name];
  if (begun.kind === 'test') return [path.join(' > ')];
  return namesBelow(node['arguments'], text, path);
}

function beginsAt(node: Node, text: string): { readonly kind: 'group' | 'test'; readonly name: string } | null {
  if (node.type !== 'CallExpression') return null;
  const [first] = Array.isArray(node['arguments']) ? node['arguments'] : [];
  const name = nameIn(first, text);
  const word = wordOf(node['callee']);
  if (name === null || word === null) return null;
  return { kind: word === GROUP ? 'group' : 'test', name };
}

/** `it` of `it`, of `it.concurrent`, and of what `it.each(table)` gives; null for any other function. */
function wordOf(callee: unknown): string | null {
  if (!isNode(callee)) return null;
  if (callee.type === 'Identifier') {
    const name = String(callee['name']);
    return name === GROUP || TEST.includes(name) ? name : null;
  }
  if (callee.type === 'MemberExpression') return wordOf(callee['object']);
  // Only what makes a test out of a table or of a condition; `it(…)` itself gives nothing that could be called.
  if (callee.type === 'CallExpression' && isNode(callee['callee']) && callee['callee'].type === 'MemberExpression')
    return wordOf(callee['callee']);
  return null;
}

function nameIn(node: unknown, text: string): string | null {
  if (!isNode(node)) return null;
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : null;
  return node.type === 'TemplateLiteral' ? text.slice(node.start + 1, node.end - 1) : null;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
