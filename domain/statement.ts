import { type ClauseReading, UNREADABLE, merge, readAlterClause, readDefinition } from './alter-clause.js';
import type { Clause, Part, Place } from './clause.js';
import { Cursor } from './clause-cursor.js';
import { type Token, keyOf, splitAt, textOf } from './sql-token.js';

/** Where the engine says that a change belongs, and how far that goes. */
export interface StatedPlace extends Place {
  /** It is one statement of several, and the place stands for all of them: what the statement says itself counts first. */
  readonly isShared: boolean;
}

/** The clauses of one statement. What is no known form is one clause that cannot be read. */
export function readStatement(tokens: readonly Token[], stated: StatedPlace): readonly Clause[] {
  const cursor = new Cursor(tokens);
  if (cursor.takes('alter')) return readAlter(cursor, tokens, stated);
  if (cursor.takes('create')) return readCreate(cursor, tokens, stated);
  if (cursor.takes('drop')) return readDrop(cursor, tokens, stated);
  if (cursor.takes('comment', 'on')) return [readComment(cursor, tokens, stated)];
  if (cursor.takes('rename', 'table') || cursor.takes('rename', 'tables')) return readRename(cursor, tokens, stated);
  return [unreadable(tokens, stated)];
}

function readAlter(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): readonly Clause[] {
  cursor.skips('ignore', 'online', 'offline', 'foreign');
  if (cursor.takes('table')) return readAlterTable(cursor, tokens, stated);
  if (cursor.takes('index')) {
    cursor.ifExists();
    const names = cursor.qualifiedName();
    const renamed = cursor.takes('rename', 'to') ? [cursor.name()] : [];
    return [keyClause(tokens, placeOfIndex(names, stated), [names.at(-1), ...renamed])];
  }
  return [readObject(cursor, tokens, stated)];
}

function readAlterTable(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): readonly Clause[] {
  cursor.ifExists();
  cursor.takes('only');
  const names = cursor.qualifiedName();
  const isAll = names.length === 1 && names[0]?.kind === 'word' && names[0].key === 'all' && cursor.sees('in');
  cursor.takesSymbol('*');
  const clauses = splitAt(cursor.rest, ',').flatMap(splitPartitioning);
  if (names.length === 0 || isAll || clauses.some((clause) => clause.length === 0)) return [unreadable(tokens, stated)];
  const place = ownPlace(names, stated);
  return clauses.flatMap((clause) => {
    const reading = readAlterClause(clause);
    if (reading.reach === 'nothing') return [];
    const made = clauseOf(clause, place, { ...reading, reach: reading.reach });
    const others = reading.other.length === 0 ? [] : [placeBeside(reading, names, place)];
    const said = saidBeside(names, place);
    const parts = [place, ...said].flatMap((at) => made.parts.map((part) => ({ ...part, ...at })));
    return [{ ...made, text: `${made.text} on ${place.table}`, places: [place, ...others, ...said], parts }];
  });
}

/** The table that a text says where the engine states another one: nobody can tell which of them it is about. */
function saidBeside(names: readonly Token[], place: Place): readonly Place[] {
  const said = names.at(-1)?.key ?? '';
  return said === '' || said.toLowerCase() === place.table.toLowerCase() ? [] : [{ ...place, table: said }];
}

/** The other object of a clause. A qualifier that stands before both is the namespace that the engine states for the first. */
function placeBeside({ other, isNamespace }: ClauseReading, names: readonly Token[], place: Place): Place {
  if (isNamespace === true) return { namespace: other[0]?.key ?? '', table: place.table };
  const isSame = other.length > 1 && other.at(-2)?.key === names.at(-2)?.key;
  return ownPlace(isSame ? other.slice(-1) : other, { ...place, isShared: true });
}

/** MySQL puts no comma before the partitioning that follows the last clause. */
function splitPartitioning(clause: readonly Token[]): readonly (readonly Token[])[] {
  const begins = clause.findIndex(({ kind, key, depth }, index) => {
    if (kind !== 'word' || depth > 0 || index === 0) return false;
    const next = clause[index + 1]?.key;
    return (key === 'partition' && next === 'by') || (key === 'remove' && next === 'partitioning');
  });
  return begins < 0 ? [clause] : [clause.slice(0, begins), clause.slice(begins)];
}

function readCreate(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): readonly Clause[] {
  cursor.takes('or', 'replace');
  cursor.skips('global', 'local', 'temp', 'temporary', 'unlogged', 'foreign', 'constraint');
  if (cursor.takes('table')) return [readCreateTable(cursor, tokens, stated)];
  cursor.skips('unique', 'fulltext', 'spatial');
  if (!cursor.takes('index')) return [readObject(cursor, tokens, stated)];
  cursor.takes('concurrently');
  cursor.ifExists();
  const name = cursor.sees('on', 'using') ? null : (cursor.qualifiedName().at(-1) ?? null);
  while (!cursor.isAtEnd && !cursor.takes('on')) cursor.advance();
  cursor.takes('only');
  const clause = keyClause(tokens, ownPlace(cursor.qualifiedName(), stated), name === null ? [] : [name]);
  return [{ ...clause, unnamedKey: name === null ? 'own' : null, effect: 'makes' }];
}

/** Creates the table, and what its body names. */
function readCreateTable(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): Clause {
  cursor.ifExists();
  const names = cursor.qualifiedName();
  const rest = cursor.rest;
  const end = rest.findIndex(({ text, depth }) => text === ')' && depth === 0);
  const tail = rest.slice(end + 1);
  // `LIKE`, `AS SELECT`, `PARTITION OF` and `INHERITS` bring columns along that the text does not name.
  const isPlain = rest[0]?.text === '(' && !tail.some(bringsColumns);
  const body = isPlain ? merge(splitAt(rest.slice(1, end), ',', 1).map(readDefinition)) : UNREADABLE;
  const isEmpty = isPlain && end === 1;
  const reach = body.reach === 'unreadable' && !isEmpty ? 'unreadable' : 'whole';
  const parts = [{ kind: 'object' as const, name: '' }, ...(isEmpty ? [] : body.parts)];
  return clauseOf(tokens, ownPlace(names, stated), { ...body, reach, parts, effect: 'makes' });
}

function bringsColumns({ kind, key, depth }: Token): boolean {
  return kind === 'word' && depth === 0 && ['as', 'select', 'like', 'inherits', 'of'].includes(key);
}

function readDrop(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): readonly Clause[] {
  cursor.skips('foreign', 'temporary');
  const isTable = cursor.takes('table');
  const isIndex = !isTable && cursor.takes('index');
  if (!isTable && !isIndex) return readDropOfObjects(cursor, tokens, stated);
  cursor.takes('concurrently');
  cursor.ifExists();
  return eachOf(cursor, tokens, stated).map(({ item, own, shared }) => {
    const names = item.qualifiedName();
    if (isTable) return objectClause(own, ownPlace(names, shared), 'drops');
    const place = item.takes('on') ? ownPlace(item.qualifiedName(), shared, names) : placeOfIndex(names, shared);
    return { ...keyClause(own, place, [names.at(-1)]), effect: 'drops' };
  });
}

/** `DROP VIEW a, b`, `DROP FUNCTION f(int), g(int, text)`: every one of them. */
function readDropOfObjects(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): readonly Clause[] {
  const first = readObject(cursor, tokens, stated);
  const [begin = tokens, ...more] = splitAt(tokens, ',');
  if (more.length === 0 || first.reach !== 'whole') return [{ ...first, effect: 'drops' }];
  const shared = { ...stated, isShared: true };
  const verb = begin.slice(0, begin.findIndex((token) => OBJECTS.includes(token.key)) + 1);
  return [begin, ...more.map((item) => [...verb, ...item])].map((own) => {
    const item = new Cursor(own);
    item.advance();
    return { ...readObject(item, own, shared), effect: 'drops' };
  });
}

/** What a statement names several of, each with a statement of its own. */
function eachOf(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace) {
  const { rest } = cursor;
  const verb = tokens.slice(0, tokens.length - rest.length);
  const items = splitAt(rest, ',');
  const shared = { ...stated, isShared: stated.isShared || items.length > 1 };
  return items.map((item) => ({ item: new Cursor(item), own: [...verb, ...item], shared }));
}

function readRename(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): readonly Clause[] {
  return eachOf(cursor, tokens, stated).map(({ item, own }) => {
    const from = ownPlace(item.qualifiedName(), { ...stated, isShared: true });
    item.takes('to');
    const to = ownPlace(item.qualifiedName(), { ...from, isShared: true });
    const places = [from, to];
    const parts = places.map((place): Part => ({ ...place, kind: 'object', name: '' }));
    return { ...objectClause(own, from, 'changes'), places, parts };
  });
}

const ON_A_TABLE = ['trigger', 'policy', 'rule', 'constraint'] as const;

const OBJECTS =
  'view function procedure aggregate routine type domain sequence schema extension event collation statistics server table publication subscription database'.split(
    ' ',
  );

/** Most tokens between the verb and what it is about, such as `DEFINER = a@b SQL SECURITY INVOKER`. */
export const MODIFIERS_MAX = 14;

/** CREATE, ALTER, DROP or COMMENT ON what is no table: the object as a whole, or what hangs on a table. */
function readObject(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): Clause {
  for (let word = 0; word < MODIFIERS_MAX && !cursor.sees(...OBJECTS, ...ON_A_TABLE); word += 1) cursor.advance();
  const kind = cursor.sees(...OBJECTS, ...ON_A_TABLE) ? cursor.name() : null;
  if (kind === null) return unreadable(tokens, stated);
  cursor.ifExists();
  const names = cursor.qualifiedName();
  if (names.length === 0) return unreadable(tokens, stated);
  // A sequence, for one, is an object of its own, also where the engine states the table that it belongs to.
  if (OBJECTS.some((word) => word === kind.key))
    return objectClause(tokens, ownPlace(names, { ...stated, isShared: true }), 'changes');
  // `CREATE RULE r AS ON SELECT TO t`, and everything else with `ON t`.
  while (!cursor.isAtEnd && !cursor.takes('on')) cursor.advance();
  if (kind.key === 'rule' && cursor.rest[1]?.key === 'to') {
    cursor.advance();
    cursor.advance();
  }
  const place = ownPlace(cursor.qualifiedName(), stated);
  const name = names.at(-1)?.key ?? '';
  const part = { kind: kind.key === 'constraint' ? ('key' as const) : ('attachment' as const), name };
  return clauseOf(tokens, place, { ...PARTS, parts: [part] });
}

const PARTS = { reach: 'parts', unnamedKey: null, effect: 'changes' } as const;

function readComment(cursor: Cursor, tokens: readonly Token[], stated: StatedPlace): Clause {
  if (cursor.takes('column')) {
    const names = cursor.qualifiedName();
    const place = ownPlace(names.slice(0, -1), stated);
    return clauseOf(tokens, place, { ...PARTS, parts: [{ kind: 'column', name: names.at(-1)?.key ?? '' }] });
  }
  if (cursor.takes('index')) {
    const names = cursor.qualifiedName();
    return keyClause(tokens, placeOfIndex(names, stated), [names.at(-1)]);
  }
  const isTable = cursor.sees('table');
  const clause = readObject(cursor, tokens, stated);
  const part = { ...(clause.places[0] ?? stated), kind: 'option' as const, name: 'comment' };
  return isTable ? { ...clause, parts: [part] } : clause;
}

/**
 * The place that a clause is about. What the engine says of the change counts, and what the text says where it says
 * nothing, or says it for several statements. A bare or backtick name in the text tells that case does not matter. A
 * sibling only lends its namespace.
 */
function ownPlace(names: readonly Token[], stated: StatedPlace, sibling: readonly Token[] = names): Place {
  const namespace = sibling.at(-2)?.key ?? '';
  const name = names.at(-1);
  const table = name?.key ?? '';
  const isFolded = name !== undefined && !name.text.startsWith('"');
  const statedTable = isFolded ? stated.table.toLowerCase() : stated.table;
  return stated.isShared
    ? { namespace: namespace || stated.namespace, table: table || stated.table }
    : { namespace: stated.namespace || namespace, table: statedTable || table };
}

/** An index by itself. Its own name is no table's: an engine that states it has not said which table it is on. */
function placeOfIndex(names: readonly Token[], stated: StatedPlace): Place {
  const isOwn = names.at(-1)?.key.toLowerCase() === stated.table.toLowerCase();
  return ownPlace([], isOwn ? { ...stated, table: '' } : stated, names);
}

function clauseOf(
  tokens: readonly Token[],
  place: Place,
  reading: Pick<ClauseReading, 'parts' | 'unnamedKey' | 'effect'> & Pick<Clause, 'reach'>,
): Clause {
  return {
    text: textOf(tokens),
    key: keyOf(tokens),
    places: [place],
    parts: reading.parts.map(({ kind, name }) => ({ ...placeOf(place), kind, name })),
    reach: reading.reach,
    unnamedKey: reading.unnamedKey,
    effect: reading.effect,
  };
}

function keyClause(tokens: readonly Token[], place: Place, names: readonly (Token | null | undefined)[]): Clause {
  const known = names.flatMap((name) => (name == null ? [] : [{ kind: 'key' as const, name: name.key }]));
  const reach = known.length === names.length ? 'parts' : 'unreadable';
  return clauseOf(tokens, place, { ...PARTS, reach, parts: known });
}

function objectClause(tokens: readonly Token[], place: Place, effect: Clause['effect']): Clause {
  return clauseOf(tokens, place, { reach: 'whole', parts: [{ kind: 'object', name: '' }], unnamedKey: null, effect });
}

function unreadable(tokens: readonly Token[], stated: StatedPlace): Clause {
  const clause = clauseOf(tokens, placeOf(stated), { ...PARTS, reach: 'unreadable', parts: [] });
  return { ...clause, places: eitherCase(stated) };
}

/** The places that an object may have whose name nobody has read: whether its case matters is not known either. */
export function eitherCase({ namespace, table }: Place): readonly Place[] {
  const folded = table.toLowerCase();
  return [table, ...(folded === table ? [] : [folded])].map((name) => ({ namespace, table: name }));
}

function placeOf({ namespace, table }: Place): Place {
  return { namespace, table };
}
