import { isAutomaticNotNullName } from './not-null-name.js';
import { keyOf, type Signature, type SignatureEntry } from './signature.js';

/** One property in which the target is not as the files say. */
export interface SignatureDifference {
  /** The object or part, as the files have it or, where they do not have it, as the target does. */
  readonly entry: SignatureEntry;
  /** `existence` for an object or part that one side does not have. */
  readonly property: string;
  /** Null where the target does not have it, or has nothing of the kind. */
  readonly live: string | null;
  /** Null where the files do not have it, or say nothing of the kind. */
  readonly desired: string | null;
  /** Of an inherited column, the tables that it comes from: a statement about it there changes it here. */
  readonly above: readonly TableName[];
}

export interface TableName {
  readonly namespace: string;
  readonly object: string;
}

export const EXISTENCE = 'existence';
/** Told by `owned by` already. */
const OWNING_TABLE = 'owning table';
/** Told by `parent` already. */
const TABLES_ABOVE = 'tables above';
/** A column of a partition or an heir comes from above; whether it is also declared there changes nothing about it. */
const INHERITED = 'inherited';
const NEVER_COMPARED: ReadonlySet<string> = new Set([OWNING_TABLE, TABLES_ABOVE, INHERITED]);
const PARTITION_PREFIX = 'index on partition ';

export interface ComparedNamespaces {
  /** Tables that are left out on both sides (engine contract E14). */
  readonly isIgnored: (namespace: string, object: string) => boolean;
}

/**
 * What differs between the target and a database that was made from the files alone. Objects that only the target has are
 * left out: dropping them is the business of a plan, and what no plan manages is nobody's. Parts that only the target has
 * do count, because they change what an object of the files is.
 */
export function compareSignatures(
  live: Signature,
  desired: Signature,
  { isIgnored }: ComparedNamespaces,
): readonly SignatureDifference[] {
  // A sequence goes with the table whose column owns it.
  const isLeftOut = ({ namespace, object, facts }: SignatureEntry) =>
    isIgnored(namespace, facts[OWNING_TABLE] ?? object);
  const onTarget = new Map(live.map((entry) => [keyOf(entry), entry]));
  const inFiles = new Map(desired.map((entry) => [keyOf(entry), entry]));
  const objects = namesOfObjects(desired);
  const ancestry = ancestryOf([...live, ...desired]);
  const above = (entry: SignatureEntry) =>
    entry.facts[INHERITED] === undefined ? [] : tablesAbove(nameOf(entry), ancestry);
  const missing = new Set<string>();
  const differences: SignatureDifference[] = [];
  for (const entry of inOrder(desired)) {
    if (isLeftOut(entry)) continue;
    // What is missing as a whole is told once.
    if (entry.part !== null && missing.has(nameOf(entry))) continue;
    const there = onTarget.get(keyOf(entry));
    if (there !== undefined) {
      differences.push(...differingFacts(there, entry, above(entry)));
      continue;
    }
    if (entry.part === null) missing.add(nameOf(entry));
    differences.push({ entry, property: EXISTENCE, live: null, desired: entry.kind, above: above(entry) });
  }
  for (const entry of inOrder(live)) {
    if (entry.part === null || !objects.has(nameOf(entry)) || missing.has(nameOf(entry))) continue;
    if (inFiles.has(keyOf(entry)) || isLeftOut(entry)) continue;
    differences.push({ entry, property: EXISTENCE, live: entry.kind, desired: null, above: above(entry) });
  }
  return differences;
}

function differingFacts(
  live: SignatureEntry,
  desired: SignatureEntry,
  above: readonly TableName[],
): readonly SignatureDifference[] {
  const properties = [...new Set([...Object.keys(desired.facts), ...Object.keys(live.facts)])].toSorted();
  return properties.flatMap((property) => {
    const [there, said] = [live.facts[property] ?? null, desired.facts[property] ?? null];
    if (there === said || !counts(property, desired, { there, said })) return [];
    return [{ entry: desired, property, live: there, desired: said, above }];
  });
}

interface Values {
  readonly there: string | null;
  readonly said: string | null;
}

function counts(property: string, { object, part }: SignatureEntry, { there, said }: Values): boolean {
  if (NEVER_COMPARED.has(property)) return false;
  // A partition that only the target has is left out like every object of that kind. One that only the files have is told
  // as a table that is missing, or is no partition yet, and brings its index.
  if (property.startsWith(PARTITION_PREFIX)) return there !== null && said !== null;
  // Its name is PostgreSQL's own, and may be of another past, unless the files give one.
  if (property === 'NOT NULL constraint')
    return said !== null && !isAutomaticNotNullName(said, { table: object, column: part ?? '' });
  return true;
}

/** Objects first, then their parts, each by name: the order in which they are told is the same everywhere. */
function inOrder(signature: Signature): readonly SignatureEntry[] {
  return [...signature].toSorted(
    (a, b) =>
      Number(a.part !== null) - Number(b.part !== null) ||
      compare(a.namespace, b.namespace) ||
      compare(a.object, b.object) ||
      compare(a.part ?? '', b.part ?? '') ||
      compare(a.kind, b.kind),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function namesOfObjects(signature: Signature): ReadonlySet<string> {
  return new Set(signature.filter(({ part }) => part === null).map(nameOf));
}

function nameOf({ namespace, object }: SignatureEntry): string {
  return JSON.stringify([namespace, object]);
}

/** Names of the tables above, as lists, by the name of the table below. */
function ancestryOf(signature: Signature): ReadonlyMap<string, readonly string[]> {
  return new Map(
    signature.flatMap((entry) => {
      const text = entry.facts[TABLES_ABOVE];
      const parents = text === undefined ? [] : (JSON.parse(text) as [string, string][]); // made by the query
      return parents.length === 0 ? [] : [[nameOf(entry), parents.map((parent) => JSON.stringify(parent))] as const];
    }),
  );
}

function tablesAbove(name: string, ancestry: ReadonlyMap<string, readonly string[]>): readonly TableName[] {
  const found = new Set<string>();
  const queue = [name];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const parent of ancestry.get(next) ?? []) {
      if (found.has(parent)) continue;
      found.add(parent);
      queue.push(parent);
    }
  }
  return [...found].map((parent) => {
    const [namespace, object] = JSON.parse(parent) as [string, string]; // made above
    return { namespace, object };
  });
}
