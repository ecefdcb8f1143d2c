import type { Clause, Part, Place } from './clause.js';
import type { TableChange } from './plan.js';
import { type Token, readTokens, splitAt } from './sql-token.js';
import { readStatement } from './statement.js';

/** Everything that the changes of a plan or a diff say, part by part, in their order. */
export function readChanges(changes: readonly TableChange[]): readonly Clause[] {
  return changes.flatMap(readChange);
}

function readChange(change: TableChange): readonly Clause[] {
  const place = { namespace: change.namespace, table: change.table };
  const text = change.ddl.trim();
  if (text !== '' && text.split('\n').every((line) => line.trimStart().startsWith('--')))
    return readRemark(text, place);
  const tokens = readTokens(text);
  if (tokens === null) return [unreadText(text, place)];
  const statements = splitStatements(tokens).filter((statement) => statement.length > 0);
  if (statements.length === 0) return [unreadText(text, place)];
  const stated = { ...place, isShared: statements.length > 1 };
  return statements
    .filter((statement) => !(stated.isShared && isAboutTheSession(statement)))
    .flatMap((statement) => readStatement(statement, stated));
}

/** What cannot be read is compared by its text, and shown so. */
function unreadText(text: string, place: Place): Clause {
  const shown = text.replace(/\s+/g, ' ').replace(/\s*;$/, '');
  return {
    text: shown || 'a change without a statement',
    key: shown,
    places: [place],
    parts: [],
    reach: 'unreadable',
    unnamedKey: null,
    effect: 'changes',
  };
}

/** Cuts at semicolons, but not inside the body of a routine. */
function splitStatements(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const statements: (readonly Token[])[] = [];
  let open: Token[] = [];
  for (const statement of splitAt(tokens, ';')) {
    if (open.length > 0) open.push({ kind: 'symbol', text: ';', key: ';', depth: 0, spaced: false });
    open.push(...statement);
    if (isInRoutine(open)) continue;
    statements.push(open);
    open = [];
  }
  return open.length > 0 ? [...statements, open] : statements;
}

/** A routine whose body has begun and not ended. `END IF` and its like close what is not counted either. */
function isInRoutine(tokens: readonly Token[]): boolean {
  const isRoutine =
    tokens[0]?.key === 'create' &&
    tokens.some(({ kind, key }) => kind === 'word' && ['function', 'procedure', 'trigger', 'event'].includes(key));
  if (!isRoutine) return false;
  let depth = 0;
  for (const [index, { kind, key }] of tokens.entries()) {
    if (kind !== 'word') continue;
    const next = tokens[index + 1];
    const before = tokens[index - 1]?.key;
    if (key === 'begin' || (key === 'case' && depth > 0 && before !== 'end')) depth += 1;
    else if (key === 'end' && !['if', 'loop', 'repeat', 'while'].includes(next?.kind === 'word' ? next.key : ''))
      depth -= 1;
  }
  return depth > 0;
}

/** Says how the statements beside it are run, not what they change. */
function isAboutTheSession(statement: readonly Token[]): boolean {
  const [first, second] = statement.map(({ kind, key }) => (kind === 'word' ? key : ''));
  if (first === 'begin' || first === 'commit' || first === 'start') return statement.length <= 3;
  return first === 'set' && second !== 'global' && second !== 'persist';
}

const NAME = String.raw`"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*`;
const ARGUMENTS = String.raw`\((?:[^()]|\([^()]*\))*\)`;
const REMARK = new RegExp(
  String.raw`^--\s*(?:schema\s+)?(${NAME})(?:\.(${NAME})(?:${ARGUMENTS})?(?:\.(${NAME}))?)?:\s`,
  'u',
);

/**
 * A difference for which the engine has no statement: `-- public.t.c: generated kind is STORED, the files say VIRTUAL`, a
 * line each. Three names are a part of that object, of whatever kind; two are an object as a whole, and one a schema. A
 * function comes with its arguments.
 */
function readRemark(text: string, place: Place): readonly Clause[] {
  const clauses: Clause[] = [];
  for (const line of text.split('\n').map((part) => part.trim())) {
    const match = REMARK.exec(`${line} `);
    const last = clauses.at(-1);
    if (match !== null) clauses.push(remark(line, match.slice(1), place));
    else if (last === undefined) return [unreadText(text, place)];
    else
      clauses[clauses.length - 1] = { ...last, text: `${last.text} ${shownRemark(line)}`, key: `${last.key}\n${line}` };
  }
  return clauses;
}

function remark(line: string, written: readonly (string | undefined)[], stated: Place): Clause {
  const [outer = '', object, part] = written.map(plainName);
  const place = { namespace: outer, table: object ?? (stated.table || outer) };
  const shared = {
    text: shownRemark(line),
    key: line,
    places: [place],
    unnamedKey: null,
    effect: 'changes',
  } as const;
  if (part !== undefined) return { ...shared, reach: 'parts', parts: [{ ...place, kind: 'any', name: part }] };
  // An index is an object of its namespace as well, whatever its table.
  const index: Part = { namespace: place.namespace, table: '', kind: 'key', name: place.table };
  return { ...shared, reach: 'whole', parts: [{ ...place, kind: 'object', name: '' }, index] };
}

function plainName(written: string | undefined): string | undefined {
  return written?.startsWith('"') === true ? written.slice(1, -1).replaceAll('""', '"') : written;
}

function shownRemark(line: string): string {
  return line.replace(/^--\s*/, '');
}

/** What names a clause over time: the same one has the same name in every diff of its engine. */
export function identityOf({ places, key }: Clause): string {
  const [place] = places;
  return `${place?.namespace ?? ''}.${place?.table ?? ''} ${key.replaceAll('\u0001', ' ')}`;
}
