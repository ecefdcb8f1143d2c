import { buildFactBase, encodeId, type Fact, type FactBase, type StableId } from '@supabase/pg-delta/core';
import type { Catalogue } from './catalogue.js';

/** What no ALTER TABLE changes: whether and how a table is partitioned, what it is a part of, what it inherits. */
const SHAPE = ['partitionKey', 'partitionBound', 'parentTable'] as const;
/** What no ALTER COLUMN changes. */
const COLUMN_SHAPE = ['collation', 'generatedExpr'] as const;

/** Kinds that stand in the way when they are outside of what is compared: dropping what they rest on fails. */
const DEPENDENT_KINDS: ReadonlySet<string> = new Set([
  'table',
  'column',
  'constraint',
  'view',
  'materializedView',
  'function',
  'procedure',
  'default',
  'trigger',
  'policy',
  'rule',
]);

/**
 * Tables that become what is desired only by being dropped and created anew, and all that goes with them: what belongs to
 * them, what rests on them, the sequences that they own. The comparison is made in two parts, to the schema without them
 * and from there to the desired one, so that everything is dropped before anything is created, and what is created is new.
 */
export interface MadeAnew {
  /** Names of the tables, for messages. */
  readonly tables: readonly string[];
  /** The live schema without them and what goes with them. */
  readonly without: FactBase;
  /** Ids of what belongs to the tables: they and their columns, constraints, indexes, sequences, … */
  readonly inside: ReadonlySet<string>;
  /** Why a thing cannot be dropped, by its id. */
  readonly obstacles: ReadonlyMap<string, string>;
}

/** Null when every table can stay. `catalogue` is the whole live side, also what is not compared. */
export function madeAnew(live: FactBase, desired: FactBase, catalogue: Catalogue): MadeAnew | null {
  const owned = ownedSequences(live);
  const isOwner = (id: StableId) => owned.has(encodeId(id));
  const roots = live.facts().filter((fact) => hasToBeMadeAnew(fact, desired.get(fact.id), isOwner));
  if (roots.length === 0) return null;
  const inside = reach(
    roots.map((fact) => encodeId(fact.id)),
    (id) => [...childIds(live, id), ...(owned.get(id) ?? []), ...partitionIds(live, id)],
  );
  const gone = reach([...inside], (id) => [
    ...childIds(live, id),
    ...(owned.get(id) ?? []),
    ...live.incomingEdgesByEncoded(id).map((edge) => encodeId(edge.from)),
  ]);
  const tables = roots.map((fact) => nameOf(fact.id));
  return {
    tables,
    without: buildFactBase(
      live.facts().filter((fact) => !gone.has(encodeId(fact.id))),
      live.edges.filter((edge) => !gone.has(encodeId(edge.from)) && !gone.has(encodeId(edge.to))),
    ),
    inside,
    obstacles: obstaclesTo(gone, inside, { live, catalogue, tables: tables.join(', ') }),
  };
}

function hasToBeMadeAnew(before: Fact, after: Fact | undefined, isOwner: (id: StableId) => boolean): boolean {
  if (after === undefined) return false;
  const differs = (property: string) =>
    JSON.stringify(before.payload[property] ?? null) !== JSON.stringify(after.payload[property] ?? null);
  if (before.id.kind === 'table') return SHAPE.some(differs);
  // A column is made anew by itself; only the sequence that it owns has to be known to go with it.
  return before.id.kind === 'column' && isOwner(before.id) && COLUMN_SHAPE.some(differs);
}

/** Ids that are reached from `start`, which come first and in their order. */
export function reach(start: readonly string[], next: (id: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set(start);
  const queue = [...start];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    for (const other of next(id)) {
      if (found.has(other)) continue;
      found.add(other);
      queue.push(other);
    }
  }
  return found;
}

export function childIds(facts: FactBase, id: string): readonly string[] {
  const fact = facts.getByEncoded(id);
  return fact === undefined ? [] : facts.childrenOf(fact.id).map((child) => encodeId(child.id));
}

/** Partitions and heirs of a table, whose rows go with it. */
function partitionIds(facts: FactBase, id: string): readonly string[] {
  const fact = facts.getByEncoded(id);
  if (fact?.id.kind !== 'table') return [];
  return facts.incomingEdgesByEncoded(id).flatMap(({ from }) => (from.kind === 'table' ? [encodeId(from)] : []));
}

/** Sequences by the column that owns them. */
function ownedSequences(facts: FactBase): ReadonlyMap<string, readonly string[]> {
  const owned = new Map<string, string[]>();
  for (const { id, payload } of facts.facts()) {
    const owner = id.kind === 'sequence' ? payload['ownedBy'] : null;
    if (typeof owner !== 'object' || owner === null || !('table' in owner)) continue;
    const { schema, table, column } = owner;
    if (typeof schema !== 'string' || typeof table !== 'string' || typeof column !== 'string') continue;
    const key = encodeId({ kind: 'column', schema, table, name: column });
    owned.set(key, [...(owned.get(key) ?? []), encodeId(id)]);
  }
  return owned;
}

function obstaclesTo(
  gone: ReadonlySet<string>,
  inside: ReadonlySet<string>,
  { live, catalogue, tables }: { live: FactBase; catalogue: Catalogue; tables: string },
): ReadonlyMap<string, string> {
  const obstacles = new Map<string, string>();
  const anew = `${tables} would have to be dropped and created anew`;
  for (const id of gone) {
    const fact = live.getByEncoded(id);
    if (fact === undefined) continue;
    if (!inside.has(id) && (fact.id.kind === 'column' || fact.id.kind === 'table')) {
      const what = `${fact.id.kind} ${nameOf(fact.id)}`;
      obstacles.set(id, `${anew}, and ${what}, which rests on it, would lose its data as well`);
    }
    const other = catalogue.facts
      .incomingEdges(fact.id)
      .find(({ from, kind }) => kind === 'depends' && DEPENDENT_KINDS.has(from.kind) && !live.has(from));
    if (other !== undefined) {
      const what = `${other.from.kind} ${nameOf(other.from)}`;
      obstacles.set(id, `${anew}, and ${what} rests on it, which is not part of this plan`);
    }
  }
  return obstacles;
}

/** The name of a table, a view or a column as people write it. */
function nameOf(id: StableId): string {
  const parts = [
    'schema' in id ? id.schema : null,
    'table' in id ? id.table : null,
    'name' in id ? id.name : encodeId(id),
  ];
  return parts.filter((part) => typeof part === 'string').join('.');
}
