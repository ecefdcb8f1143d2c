import type { Change } from '../planning/change.js';
import { EXISTENCE, type SignatureDifference } from './signature-difference.js';

/** An object, or a part of one, that a plan has a statement about. */
export interface PlannedObject {
  readonly namespace: string;
  /** Null where it is known by the name of its part alone, as an index is. A function comes without its arguments. */
  readonly object: string | null;
  readonly part: string | null;
  /** It is created or dropped, as opposed to altered. */
  readonly made: boolean;
  readonly ddl: string;
}

/**
 * By property, what a statement about its object has to say in order to change it. What is not listed changes only with the
 * object itself. A statement that is taken for the right one and is not does no harm: the difference shows again after it.
 */
const SAYS: Readonly<Record<string, RegExp>> = {
  collation: /TYPE|COLLATE/,
  check: /POLICY|CONSTRAINT/,
  comment: /^COMMENT ON/m,
  compression: /SET COMPRESSION/,
  default: /DEFAULT/,
  definition: /./,
  enabled: /ENABLE|DISABLE/,
  'generation expression': /EXPRESSION/,
  identity: /IDENTITY/,
  'identity sequence': /IDENTITY|SEQUENCE|SET /,
  labels: /ADD VALUE/,
  'NOT NULL': /NOT NULL|VALIDATE CONSTRAINT/,
  options: /./,
  'owned by': /OWNED BY/,
  parent: /INHERIT|ATTACH|DETACH/,
  'partition bound': /ATTACH|DETACH/,
  persistence: /LOGGED/,
  'replica identity': /REPLICA IDENTITY/,
  roles: /POLICY/,
  'row level security': /(?:ENABLE|DISABLE) ROW/,
  'row level security of its owner': /FORCE ROW/,
  'statistics target': /SET STATISTICS/,
  storage: /SET STORAGE/,
  type: /TYPE/,
  using: /POLICY/,
  validated: /VALIDATE CONSTRAINT|CONSTRAINT/,
};

const REASON =
  'this engine has no statement for this difference; change the target by hand, or say in the files what the target has';

/** The differences that no statement of a plan is about, as changes that are blocked and whose text has no effect (E13). */
export function unplannedChanges(
  differences: readonly SignatureDifference[],
  planned: readonly PlannedObject[],
): readonly Change[] {
  const byName = new Map<string, PlannedObject[]>();
  for (const one of planned) {
    const name = JSON.stringify([one.namespace, one.object ?? one.part]);
    byName.set(name, [...(byName.get(name) ?? []), one]);
  }
  const named = (namespace: string, names: readonly (string | null)[]) =>
    names.flatMap((name) => byName.get(JSON.stringify([namespace, name])) ?? []);
  const isPlanned = (difference: SignatureDifference) => {
    const { namespace, object, part } = difference.entry;
    const here = named(namespace, [withoutArguments(object), part]);
    if (here.some((one) => isAbout(one, difference, object))) return true;
    return difference.above.some((table) =>
      named(table.namespace, [table.object]).some((one) => isAbout(one, difference, table.object)),
    );
  };
  return differences.filter((difference) => !isPlanned(difference)).map(blockedChange);
}

/** Whether a statement is about this difference, at the table `object`: its own, or one above. */
function isAbout(one: PlannedObject, { entry, property }: SignatureDifference, object: string): boolean {
  const isSameObject = one.object === null || one.object === withoutArguments(object);
  if (!isSameObject) return false;
  const isWhole = one.part === null;
  if (one.made && (isWhole || one.part === entry.part)) return true;
  if (one.part !== entry.part || property === EXISTENCE) return false;
  return SAYS[property]?.test(one.ddl) ?? false;
}

function withoutArguments(object: string): string {
  return object.replace(/\(.*\)$/s, '');
}

function blockedChange(difference: SignatureDifference): Change {
  const { entry } = difference;
  return {
    namespace: entry.namespace,
    table: withoutArguments(entry.object),
    kind: 'other',
    ddl: `-- ${placeOf(difference)}: ${describe(difference)}`,
    unsafeReason: null,
    blockedReason: REASON,
    steps: [],
  };
}

/** `namespace.object`, or `namespace.object.part`; what is no plain word is quoted. */
function placeOf({ entry: { kind, namespace, object, part } }: SignatureDifference): string {
  if (kind === 'schema') return `schema ${quoted(namespace)}`;
  const name = withoutArguments(object);
  const named = `${quoted(name)}${object.slice(name.length)}`;
  return [quoted(namespace), named, ...(part === null ? [] : [quoted(part)])].join('.').replaceAll(/\s+/g, ' ');
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function describe({ entry, property, live, desired }: SignatureDifference): string {
  if (property !== EXISTENCE)
    return `${property} is ${shown(property, live)}, the files say ${shown(property, desired)}`;
  return live === null ? `${entry.kind} is missing` : `${entry.kind} is there, the files do not have it`;
}

const SHOWN_MAX = 120;
/** Properties that an object always has; where nothing is said it is PostgreSQL's own. */
const HAS_DEFAULT: ReadonlySet<string> = new Set([
  'collation',
  'compression',
  'persistence',
  'replica identity',
  'statistics target',
  'storage',
]);

/** On one line and short: a comment that went on after a line break would be SQL. */
function shown(property: string, value: string | null): string {
  if (value === null) return HAS_DEFAULT.has(property) ? 'the default' : 'none';
  const line = value.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length <= SHOWN_MAX ? line : `${line.slice(0, SHOWN_MAX)}…`;
}
