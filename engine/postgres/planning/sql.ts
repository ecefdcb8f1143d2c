import { parseSync, loadModule } from 'libpg-query';
import type { Node } from 'libpg-query';

/** Quotes a name for SQL text. Always quoted, so that equal names give equal text whatever the list of keywords says. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."name"`. */
export function quoteQualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** Loads the parser. Must have resolved before anything else here is called; calling it again costs nothing. */
export async function loadParser(): Promise<void> {
  await loadModule();
}

/** One statement of a text: its tree, its own text without the semicolon, and where it starts, in characters. */
export interface ParsedStatement {
  readonly node: Node;
  readonly text: string;
  readonly offset: number;
}

/**
 * Splits a text into its statements with PostgreSQL's own grammar. Throws what the parser throws (an `SqlError` with a
 * position) when the text is not SQL.
 */
export function parseStatements(text: string): readonly ParsedStatement[] {
  // The parser refuses an empty text instead of finding no statement in it.
  if (text.trim() === '') return [];
  // The parser counts bytes; JavaScript counts UTF-16 units.
  const bytes = Buffer.from(text, 'utf8');
  const parsed = parseSync(text);
  const statements: ParsedStatement[] = [];
  for (const raw of parsed.stmts ?? []) {
    if (raw.stmt === undefined) continue;
    const start = raw.stmt_location ?? 0;
    const end = raw.stmt_len === undefined || raw.stmt_len === 0 ? bytes.length : start + raw.stmt_len;
    const slice = bytes.subarray(start, end).toString('utf8');
    const leading = leadingBlank(slice);
    statements.push({
      node: raw.stmt,
      text: slice.slice(leading).trimEnd(),
      offset: bytes.subarray(0, start).toString('utf8').length + leading,
    });
  }
  return statements;
}

/** Length of the blanks and comments before the first word, so that a position points at the statement itself. */
function leadingBlank(text: string): number {
  const match = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(text);
  return match === null ? 0 : match[0].length;
}

/** Parses a text that holds exactly one statement. */
export function parseStatement(text: string): Node {
  const [only, ...others] = parseStatements(text);
  if (only === undefined || others.length > 0) {
    throw new Error(`expected exactly one statement, got ${others.length + (only === undefined ? 0 : 1)}: ${text}`);
  }
  return only.node;
}

/** The name of a statement's kind as the grammar calls it, such as `AlterTableStmt`. */
export function statementKind(node: Node): string {
  return Object.keys(node)[0] ?? 'unknown';
}

/** `line:column` of a character offset, both counted from 1. */
export function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return `${line}:${offset - before.lastIndexOf('\n')}`;
}

/** The string values of a list of `String` nodes, such as a qualified name. */
export function strings(nodes: readonly Node[] | undefined): readonly string[] {
  return (nodes ?? []).flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []));
}
