import type { Clause, PartKind } from './clause.js';
import { Cursor } from './clause-cursor.js';
import { type Token, splitAt } from './sql-token.js';

/** What one clause of an ALTER TABLE, or one line of a CREATE TABLE, says about its table. */
export interface ClauseReading {
  /** `nothing`: how to run it, not what it changes, such as ALGORITHM=INPLACE. */
  readonly reach: Clause['reach'] | 'nothing';
  readonly parts: readonly { readonly kind: PartKind; readonly name: string }[];
  readonly unnamedKey: Clause['unnamedKey'];
  readonly effect: Clause['effect'];
  /** The other object it is about: its new name, or a partition; empty for none. */
  readonly other: readonly Token[];
  /** The other name is that of a namespace, where the table keeps its own. */
  readonly isNamespace?: boolean;
}

const NOTHING_MORE = { unnamedKey: null, effect: 'changes', other: [] } as const;
export const UNREADABLE: ClauseReading = { reach: 'unreadable', parts: [], ...NOTHING_MORE };
const NO_CHANGE: ClauseReading = { reach: 'nothing', parts: [], ...NOTHING_MORE };

/** The name under which every primary key goes. */
const PRIMARY = 'primary';

/** Reads one clause between two top-level commas of an ALTER TABLE. */
export function readAlterClause(tokens: readonly Token[]): ClauseReading {
  const cursor = new Cursor(tokens);
  if (cursor.takes('add')) return { ...readAdd(cursor), effect: 'makes' };
  if (cursor.takes('drop')) return { ...readDrop(cursor), effect: 'drops' };
  if (cursor.takes('modify')) return readColumn(cursor, 1);
  if (cursor.takes('change')) return readColumn(cursor, 2);
  if (cursor.takes('alter')) return readAlter(cursor);
  if (cursor.takes('rename')) return readRename(cursor);
  if (cursor.takes('validate', 'constraint')) return named('key', [cursor.name()]);
  if (cursor.sees('algorithm', 'lock')) return NO_CHANGE;
  if (cursor.takes('force') || cursor.takes('with', 'validation') || cursor.takes('without', 'validation'))
    return cursor.isAtEnd ? NO_CHANGE : readWhole(tokens);
  if (cursor.takes('enable') || cursor.takes('disable')) {
    cursor.skips('replica', 'always');
    if (cursor.takes('trigger') || cursor.takes('rule')) return named('attachment', [cursor.name()]);
  }
  return readWhole(tokens);
}

/** One line of the body of a CREATE TABLE, or of `ADD (…)`. */
export function readDefinition(tokens: readonly Token[]): ClauseReading {
  const cursor = new Cursor(tokens);
  if (cursor.sees('like', 'partition', 'period')) return { ...UNREADABLE, parts: columnAt(cursor) };
  return beginsKey(cursor) ? readKey(cursor) : readColumn(cursor, 1);
}

function readAdd(cursor: Cursor): ClauseReading {
  if (cursor.sees('partition', 'system')) {
    const whole = readWhole(cursor.rest);
    return { ...whole, parts: [...whole.parts, ...columnAt(cursor)] };
  }
  const isColumn = cursor.sees('column');
  if (!isColumn && beginsKey(cursor)) return readKey(cursor);
  if (isColumn) cursor.advance();
  cursor.ifExists();
  return cursor.next?.text === '(' ? readList(cursor.rest) : readColumn(cursor, 1);
}

/** `(a int, b int, KEY (a))`. */
function readList(tokens: readonly Token[]): ClauseReading {
  const end = tokens.findLastIndex(({ text, depth }) => text === ')' && depth === 0);
  if (end !== tokens.length - 1) return UNREADABLE;
  return merge(splitAt(tokens.slice(1, end), ',', 1).map(readDefinition));
}

export function merge(readings: readonly ClauseReading[]): ClauseReading {
  return {
    reach: readings.some(({ reach }) => reach !== 'parts') ? 'unreadable' : 'parts',
    parts: readings.flatMap(({ parts }) => parts),
    unnamedKey: readings.find(({ unnamedKey }) => unnamedKey !== null)?.unnamedKey ?? null,
    effect: 'makes',
    other: [],
  };
}

/** A column, or one that gets another name, and what its definition brings along. */
function readColumn(cursor: Cursor, names: 1 | 2): ClauseReading {
  cursor.takes('column');
  cursor.ifExists();
  const columns = names === 1 ? [cursor.name()] : [cursor.name(), cursor.name()];
  const reading = named('column', columns);
  const attributes = readAttributes(cursor.rest);
  return { ...reading, parts: [...reading.parts, ...attributes.parts], unnamedKey: attributes.unnamedKey };
}

/** Keys that a column brings along: `UNIQUE`, `PRIMARY KEY`, `CONSTRAINT c CHECK (…)`, `REFERENCES …`. */
function readAttributes(tokens: readonly Token[]): Pick<ClauseReading, 'parts' | 'unnamedKey'> {
  const own = tokens.filter(({ kind, depth }) => kind !== 'symbol' && depth === (tokens[0]?.depth ?? 0));
  const parts: { readonly kind: PartKind; readonly name: string }[] = [];
  let unnamedKey: ClauseReading['unnamedKey'] = null;
  for (const [index, token] of own.entries()) {
    const before = own[index - 1];
    if (token.kind !== 'word') continue;
    if (token.key === 'constraint') parts.push({ kind: 'key', name: own[index + 1]?.key ?? '' });
    else if (token.key === 'primary') parts.push({ kind: 'key', name: PRIMARY });
    else if (token.key === 'key' && before?.key !== 'unique' && before?.key !== 'foreign')
      parts.push({ kind: 'key', name: PRIMARY });
    else if (['unique', 'references', 'check'].includes(token.key) && own[index - 2]?.key !== 'constraint')
      unnamedKey = 'inline';
  }
  return { parts, unnamedKey };
}

function readDrop(cursor: Cursor): ClauseReading {
  if (cursor.rest.length === 1) return named('column', [cursor.name()]);
  if (cursor.sees('partition', 'system')) return readWhole(cursor.rest);
  if (cursor.takes('primary', 'key')) return key(PRIMARY);
  const isKey =
    cursor.takes('foreign', 'key') || ['constraint', 'index', 'key', 'check'].some((word) => cursor.takes(word));
  if (!isKey) cursor.takes('column');
  cursor.ifExists();
  return named(isKey ? 'key' : 'column', [cursor.name()]);
}

function readAlter(cursor: Cursor): ClauseReading {
  const instead = columnAt(cursor);
  if (['constraint', 'index', 'key', 'check'].some((word) => cursor.takes(word))) {
    const reading = named('key', [cursor.name()]);
    return { ...reading, parts: [...reading.parts, ...instead] };
  }
  cursor.takes('column');
  cursor.ifExists();
  return named('column', [cursor.name()]);
}

function readRename(cursor: Cursor): ClauseReading {
  if (['index', 'key', 'constraint'].some((word) => cursor.takes(word))) return named('key', fromTo(cursor));
  if (cursor.takes('column')) {
    cursor.ifExists();
    return named('column', fromTo(cursor));
  }
  const isTable = cursor.takes('to') || cursor.takes('as') || cursor.takesSymbol('=');
  const names = cursor.qualifiedName();
  if (!isTable && cursor.takes('to')) return named('column', [names[0] ?? null, cursor.name()]);
  return { reach: 'whole', parts: [{ kind: 'option', name: 'name' }], ...NOTHING_MORE, other: names };
}

function fromTo(cursor: Cursor): readonly (Token | null)[] {
  const from = cursor.name();
  return cursor.takes('to') ? [from, cursor.name()] : [from, null];
}

const KEY_WORDS = ['constraint', 'primary', 'unique', 'foreign', 'check', 'exclude', 'index', 'key'] as const;

function beginsKey(cursor: Cursor): boolean {
  return cursor.sees(...KEY_WORDS, 'fulltext', 'spatial', 'vector') && !isColumnCalledVector(cursor);
}

/** `vector` is a word of its own only before INDEX or KEY; elsewhere it may be a column. */
function isColumnCalledVector(cursor: Cursor): boolean {
  const after = cursor.rest[1];
  return cursor.sees('vector') && after?.key !== 'index' && after?.key !== 'key';
}

/** Words that begin a key in one database and are the name of a column in another. */
const EITHER = ['index', 'key', 'exclude', 'fulltext', 'spatial', 'partition', 'system', 'period'] as const;

/** The column that this may be instead: behind its name stands a bare type, whose parentheses hold numbers alone. */
function columnAt({ next, rest: [, type, opening, first] }: Cursor): ClauseReading['parts'] {
  const isEither = next?.kind === 'word' && EITHER.some((word) => word === next.key);
  const isType = type?.kind === 'word' && (opening?.text !== '(' || /^\d+$/.test(first?.text ?? ''));
  return isEither && isType ? [{ kind: 'column', name: next.key }] : [];
}

/** A key or constraint of the table. It may have two names: that of the constraint, and that of its index. */
function readKey(cursor: Cursor): ClauseReading {
  const names: string[] = [];
  const columns: string[] = columnAt(cursor).map(({ name }) => name);
  const note = () => {
    const name = cursor.sees('using', 'nulls', 'not', ...KEY_WORDS) ? null : cursor.name();
    if (name !== null) names.push(name.key);
  };
  if (cursor.takes('constraint')) {
    cursor.ifExists();
    note();
  }
  if (cursor.takes('primary', 'key')) names.push(PRIMARY);
  else if (cursor.takes('not', 'null')) columns.push(cursor.name()?.key ?? '');
  else if (!cursor.takes('check') && !cursor.takes('exclude')) {
    cursor.skips('unique', 'fulltext', 'spatial', 'vector', 'foreign');
    cursor.skips('index', 'key');
    cursor.ifExists();
    note();
  }
  if (cursor.takes('using', 'index')) note();
  const parts = [
    ...names.map((name) => ({ kind: 'key' as const, name })),
    ...columns.map((name) => ({ kind: 'column' as const, name })),
  ];
  return { reach: 'parts', parts, ...NOTHING_MORE, unnamedKey: names.length === 0 ? 'own' : null };
}

/** Words that name an option where no `=` follows them. */
const OPTIONS: ReadonlySet<string> = new Set(
  'comment engine auto_increment charset character collate convert row_format tablespace partition partitioning owner schema logged unlogged security identity inherit cluster'.split(
    ' ',
  ),
);

const PARTITIONING: ReadonlySet<string> = new Set(['partition', 'partitioning', 'partitions']);

/** About the table as a whole: its options, partitioning, owner, … */
function readWhole(tokens: readonly Token[]): ClauseReading {
  const cursor = new Cursor(tokens);
  if (cursor.takes('attach', 'partition') || cursor.takes('detach', 'partition')) {
    const other = cursor.qualifiedName();
    const name = `partition ${other.at(-1)?.key ?? ''}`;
    return { reach: 'whole', parts: [{ kind: 'option', name }], ...NOTHING_MORE, other };
  }
  if (cursor.takes('set', 'schema')) {
    const other = cursor.qualifiedName();
    return { reach: 'whole', parts: [{ kind: 'option', name: 'schema' }], ...NOTHING_MORE, other, isNamespace: true };
  }
  const words = tokens.filter((token, index) => {
    const isSet = tokens[index + 1]?.text === '=';
    return token.kind === 'word' && (isSet || OPTIONS.has(token.key));
  });
  const names = new Set(words.map((word) => (PARTITIONING.has(word.key) ? 'partitioning' : word.key)));
  return { reach: 'whole', parts: [...names].map((name) => ({ kind: 'option', name })), ...NOTHING_MORE };
}

function named(kind: PartKind, names: readonly (Token | null)[]): ClauseReading {
  const parts = names.flatMap((name) => (name === null ? [] : [{ kind, name: name.key }]));
  return { reach: parts.length === names.length ? 'parts' : 'unreadable', parts, ...NOTHING_MORE };
}

function key(name: string): ClauseReading {
  return { reach: 'parts', parts: [{ kind: 'key', name }], ...NOTHING_MORE };
}
