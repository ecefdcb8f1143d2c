import type { Clause, Part, Place } from './clause.js';
import type { TableChange } from './plan.js';
import { type Token, readTokens } from './sql-token.js';
import { MODIFIERS_MAX, eitherCase, readStatement } from './statement.js';

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
  const statements = splitStatements(tokens)?.filter((statement) => statement.length > 0) ?? [];
  if (statements.length === 0) return [unreadText(text, place)];
  const stated = { ...place, isShared: statements.length > 1 };
  const clauses = statements
    .filter((statement) => !(stated.isShared && isAboutTheSession(statement)))
    .flatMap((statement) => readStatement(statement, stated));
  return inStatedNamespace(clauses, place.namespace);
}

/** Where a text names another namespace throughout, that is what the server calls the one that the engine states. */
function inStatedNamespace(clauses: readonly Clause[], namespace: string): readonly Clause[] {
  const isSaid = clauses.some(({ places }) => places.some((place) => place.namespace === namespace));
  if (isSaid || namespace === '') return clauses;
  const said = new Set(clauses.flatMap(({ places }) => places.map((place) => place.namespace)));
  if (said.size > 1) return clauses;
  return clauses.map((clause) => ({
    ...clause,
    places: clause.places.map((place) => ({ ...place, namespace })),
    parts: clause.parts.map((part) => ({ ...part, namespace })),
  }));
}

/** What cannot be read is compared by its text, and shown so. */
function unreadText(text: string, place: Place): Clause {
  const shown = text.replace(/\s+/g, ' ').replace(/\s*;$/, '');
  return {
    text: shown || 'a change without a statement',
    key: shown,
    places: eitherCase(place),
    parts: [],
    reach: 'unreadable',
    unnamedKey: null,
    effect: 'changes',
  };
}

/** Cuts at semicolons, but not inside the body of a routine; null where such a body has no end. */
function splitStatements(tokens: readonly Token[]): readonly (readonly Token[])[] | null {
  const statements: (readonly Token[])[] = [];
  let begin = 0;
  let depth = 0;
  let isRoutine = makesRoutine(tokens, begin);
  for (const [index, token] of tokens.entries()) {
    if (isRoutine) depth += bodyStep(tokens, index, depth);
    if (token.text !== ';' || token.kind !== 'symbol' || token.depth > 0 || depth > 0) continue;
    statements.push(tokens.slice(begin, index));
    begin = index + 1;
    depth = 0;
    isRoutine = makesRoutine(tokens, begin);
  }
  return depth > 0 ? null : [...statements, tokens.slice(begin)];
}

const ROUTINES: ReadonlySet<string> = new Set(['function', 'procedure', 'trigger', 'event']);
const OTHER_OBJECTS: ReadonlySet<string> = new Set(['table', 'index', 'view', 'type', 'domain', 'sequence', 'schema']);

/** Whether the statement that begins here creates what may have a body: what it creates is said first. */
function makesRoutine(tokens: readonly Token[], begin: number): boolean {
  if (tokens[begin]?.key !== 'create') return false;
  for (const { kind, key, text } of tokens.slice(begin + 1, begin + 1 + MODIFIERS_MAX)) {
    if (text === ';' || text === '(') return false;
    if (kind === 'word' && OTHER_OBJECTS.has(key)) return false;
    if (kind === 'word' && ROUTINES.has(key)) return true;
  }
  return false;
}

/** How a word changes the depth in a body. `END IF` and its like close what is not counted either. */
function bodyStep(tokens: readonly Token[], index: number, depth: number): number {
  const [before, token, next] = [tokens[index - 1], tokens[index], tokens[index + 1]];
  if (token?.kind !== 'word' || ROUTINES.has(before?.key ?? '')) return 0;
  if (token.key === 'begin' || (token.key === 'case' && depth > 0 && before?.key !== 'end')) return 1;
  const closesOther = next?.kind === 'word' && ['if', 'loop', 'repeat', 'while'].includes(next.key);
  return token.key === 'end' && depth > 0 && !closesOther ? -1 : 0;
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
