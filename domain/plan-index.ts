import type { Clause, Part, Place } from './clause.js';

/** What is asked of a plan beside its parts: facts about an object that it concerns. */
type Fact =
  /** It concerns the object at all. */
  | 'touched'
  /** One of its clauses about the object cannot be read, and may do anything to it. */
  | 'unread'
  /** It makes the object, and which parts that has cannot be read. */
  | 'unread_making'
  /** It names a key of the object. */
  | 'has_key'
  /** It makes a key of the object that the engine finds a name for. */
  | 'has_unnamed_key'
  /** Such a key is over this column, or over one that nobody can tell where the name is empty. */
  | 'unnamed_key_over'
  /** It changes how the text of every column is stored, which shows in the columns where it is not done. */
  | 'converts'
  /** It takes the object away. */
  | 'gone'
  /** The very clause, by its text. */
  | 'clause';

const ANY = '\u0000';

const WORD = /^[\p{L}\p{N}_$]+$/u;

/** What a name may be that is said without its kind. */
const NAMED_KINDS = ['column', 'key', 'attachment'] as const;

const CONVERSIONS: ReadonlySet<string> = new Set(['convert', 'charset', 'character', 'set', 'collate']);

/** The clauses of a plan, found by what they concern in a time that does not depend on how many there are. */
export class PlanIndex {
  readonly #clauses = new Map<string, Clause>();
  /** In lower case: names that are one word, and all others. */
  readonly #words = new Set<string>();
  readonly #otherNames = new Set<string>();

  constructor(clauses: readonly Clause[]) {
    const successors = successorsIn(clauses);
    for (const clause of clauses) {
      this.#add(clause);
      for (const place of heirsOf(clause, successors)) this.#add(clauseAt(clause, place));
    }
    for (const { reach, places } of clauses)
      if (reach === 'whole') for (const place of places.slice(1)) this.#forget(place, 'gone');
  }

  /** The clause of the plan that says the same, or concerns one of the same parts; undefined for none. */
  find(clause: Clause): Clause | undefined {
    for (const place of clause.places) {
      const same = this.#lookUp(place, 'clause', clause.key) ?? this.#lookUp(place, 'gone', '');
      if (same !== undefined) return same;
      // What the plan makes as a whole it makes with everything that concerns the whole.
      const made = clause.reach === 'whole' ? this.#lookUp(place, 'object', '') : undefined;
      if (made !== undefined) return made;
    }
    for (const part of clause.parts) {
      const found = this.#lookUp(part, part.kind, part.name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  says(fact: Exclude<Fact, 'clause'> | 'object', place: Place): boolean {
    return this.#lookUp(place, fact, '') !== undefined;
  }

  /** Whether a clause may make a key that the plan makes without a name: over other columns alone it cannot be the same. */
  mayBeUnnamedKey(clause: Clause, place: Place): boolean {
    if (!this.says('has_unnamed_key', place)) return false;
    const columns = columnsOfKey(clause);
    const isUnsaid = columns.length === 0 || this.says('unnamed_key_over', place);
    return isUnsaid || columns.some((column) => this.#lookUp(place, 'unnamed_key_over', column) !== undefined);
  }

  /** Whether a text that cannot be read names an object of the plan. */
  isNamedIn(text: string): boolean {
    const folded = text.toLowerCase();
    const words = folded.match(/[\p{L}\p{N}_$]+/gu) ?? [];
    return words.some((word) => this.#words.has(word)) || [...this.#otherNames].some((name) => folded.includes(name));
  }

  #add(clause: Clause): void {
    for (const place of clause.places) {
      const name = place.table.toLowerCase();
      if (name !== '') (WORD.test(name) ? this.#words : this.#otherNames).add(name);
      this.#note(place, 'clause', clause.key, clause);
      this.#note(place, 'touched', '', clause);
      if (clause.reach === 'unreadable')
        this.#note(place, clause.effect === 'makes' ? 'unread_making' : 'unread', '', clause);
      if (clause.unnamedKey !== null) this.#noteUnnamedKey(place, clause);
      const isObject = clause.parts.some(({ kind }) => kind === 'object');
      if (isObject && clause.effect === 'drops') this.#note(place, 'gone', '', clause);
      if (isObject && clause.effect !== 'drops') this.#forget(place, 'gone');
    }
    for (const part of clause.parts) {
      const kinds = part.kind === 'any' ? NAMED_KINDS : [part.kind];
      for (const kind of kinds) this.#note(part, kind, part.name, clause);
      this.#note(part, 'any', part.name, clause);
      this.#note(part, 'touched', '', clause);
      if (part.kind === 'key') this.#note(part, 'has_key', '', clause);
      if (part.kind === 'option' && CONVERSIONS.has(part.name)) this.#note(part, 'converts', '', clause);
    }
  }

  #noteUnnamedKey(place: Place, clause: Clause): void {
    this.#note(place, 'has_unnamed_key', '', clause);
    const columns = columnsOfKey(clause);
    for (const column of columns.length === 0 ? [''] : columns) this.#note(place, 'unnamed_key_over', column, clause);
  }

  #note(place: Place, kind: Part['kind'] | Fact, name: string, clause: Clause): void {
    for (const written of spellingsOf(place)) {
      const key = keyFor(written, kind, name);
      if (!this.#clauses.has(key)) this.#clauses.set(key, clause);
    }
  }

  #forget(place: Place, fact: Fact): void {
    for (const written of spellingsOf(place)) this.#clauses.delete(keyFor(written, fact, ''));
  }

  /** A name that one side does not say fits any of the other. */
  #lookUp(place: Place, kind: Part['kind'] | Fact, name: string): Clause | undefined {
    for (const namespace of [place.namespace || ANY, '']) {
      for (const table of [place.table || ANY, '']) {
        const found = this.#clauses.get(keyFor({ namespace, table }, kind, name));
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

/** Every name that a key could be over, in lower case; none where the clause does not say. */
function columnsOfKey({ key, parts }: Clause): readonly string[] {
  const tokens = key.toLowerCase().split('\u0001');
  const own = tokens.slice(0, [...tokens, 'references'].indexOf('references'));
  const inside = own.includes('(') ? own.slice(own.indexOf('(')) : [];
  const columns = parts.flatMap(({ kind, name }) => (kind === 'column' ? [name.toLowerCase()] : []));
  return [...columns, ...inside.filter((token) => /^[^\W\d]|^[^\0-\x7f]/.test(token))];
}

/** The objects that others become, by the place that was theirs: what was done to one shows in the other. */
function successorsIn(clauses: readonly Clause[]): ReadonlyMap<string, readonly Place[]> {
  const successors = new Map<string, Place[]>();
  for (const { reach, places } of clauses) {
    const [from, ...to] = places;
    if (from === undefined || reach !== 'whole' || to.length === 0) continue;
    successors.set(keyFor(from, '', ''), [...(successors.get(keyFor(from, '', '')) ?? []), ...to]);
  }
  return successors;
}

/** Most objects that one is followed through. */
const HEIRS_MAX = 10;

function heirsOf(
  { places, effect, reach }: Clause,
  successors: ReadonlyMap<string, readonly Place[]>,
): readonly Place[] {
  const [own] = places;
  if (own === undefined || (effect === 'drops' && reach === 'whole') || successors.size === 0) return [];
  const heirs = new Map<string, Place>([[keyFor(own, '', ''), own]]);
  for (const place of heirs.values()) {
    for (const next of successors.get(keyFor(place, '', '')) ?? [])
      if (heirs.size <= HEIRS_MAX) heirs.set(keyFor(next, '', ''), next);
  }
  return [...heirs.values()].slice(1);
}

/** The same clause about another object. */
function clauseAt(clause: Clause, place: Place): Clause {
  return { ...clause, places: [place], parts: clause.parts.map((part) => ({ ...part, ...place })) };
}

/** The place itself, and what stands for it where a name is not said. */
function spellingsOf({ namespace, table }: Place): readonly Place[] {
  return [namespace, ANY].flatMap((outer) => [table, ANY].map((inner) => ({ namespace: outer, table: inner })));
}

function keyFor({ namespace, table }: Place, kind: string, name: string): string {
  return [namespace, table, kind, name].join('\u0001');
}
