import type { ApplyInput } from '../domain/apply.js';
import { formatDurationMs } from '../domain/duration.js';
import { listNames } from '../domain/listing.js';
import type { SchemaFiles } from '../domain/plan.js';
import type { ApplySpec } from '../domain/spec.js';

/**
 * Where two requests for one apply differ, a line each, for a person: settings by their path, schema files by name with
 * the lines that are only in one of them. `-` is what the apply was started with, `+` what was asked for now.
 */
export function describeDifference(
  started: Pick<ApplyInput, 'spec' | 'plan'>,
  asked: { readonly spec: ApplySpec; readonly schemaFiles: SchemaFiles },
): readonly string[] {
  return [
    ...differences(flatten(started.spec), flatten(asked.spec)).map(
      ({ key, before, after }) => `${key}: - ${before ?? 'nothing'}, + ${after ?? 'nothing'}`,
    ),
    ...describeOrders(started.spec, asked.spec),
    ...describeMembers(started.spec, asked.spec),
    ...differences(fileTexts(started.plan.schemaFiles), fileTexts(asked.schemaFiles)).flatMap(
      ({ key, before, after }) => describeFile(key, before, after),
    ),
  ];
}

interface Difference {
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Difference[] {
  const keys = [...before.keys(), ...[...after.keys()].filter((key) => !before.has(key))];
  return keys
    .map((key) => ({ key, before: before.get(key), after: after.get(key) }))
    .filter((difference) => difference.before !== difference.after);
}

/** `rollout.maxConcurrency` → `2`. Deployments are listed by their name, so that one added in front is one line. */
function flatten(spec: ApplySpec): Map<string, string> {
  const { deployments, rollout, ...rest } = spec;
  const { waves, ...rules } = rollout;
  return new Map([
    ...Object.entries(rest).map(([key, value]) => [key, JSON.stringify(value)] as const),
    ...Object.entries(rules).map(([key, value]) => [`rollout.${key}`, JSON.stringify(value)] as const),
    ...waves.flatMap(({ name, gate, bakeTimeMs, expiresAfterMs }) => [
      [`wave ${name}, bakeTime`, formatDurationMs(bakeTimeMs)] as const,
      [`wave ${name}, gate`, gate] as const,
      [`wave ${name}, expiresAfter`, expiresAfterMs === null ? 'never' : formatDurationMs(expiresAfterMs)] as const,
    ]),
    ...deployments.map(({ name, target, queue }) => [`deployment ${name}`, JSON.stringify({ target, queue })] as const),
  ]);
}

/** Lists of names, by what they are. */
function nameLists({ deployments, rollout }: ApplySpec): ReadonlyMap<string, readonly string[]> {
  return new Map([
    ['order of deployments', deployments.map(({ name }) => name)] as const,
    ['order of waves', rollout.waves.map(({ name }) => name)] as const,
  ]);
}

/** Of two lists the part that differs: what they begin with and is equal tells nothing. */
function describeOrders(before: ApplySpec, after: ApplySpec): readonly string[] {
  const listsAfter = nameLists(after);
  return [...nameLists(before)].flatMap(([what, one]) => {
    const other = listsAfter.get(what) ?? [];
    const place = [...one, ''].findIndex((name, index) => name !== (other[index] ?? ''));
    if (place < 0) return [];
    const from = place === 0 ? '' : `, from the ${place + 1}. on`;
    return [`${what}${from}: - ${someOf(one.slice(place))}, + ${someOf(other.slice(place))}`];
  });
}

/** Which deployments came into a wave, and which left it. */
function describeMembers(before: ApplySpec, after: ApplySpec): readonly string[] {
  const names = new Set([...before.rollout.waves, ...after.rollout.waves].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const [one, other] = [membersOf(before, name), membersOf(after, name)];
    const left = one.filter((deployment) => !other.includes(deployment));
    const joined = other.filter((deployment) => !one.includes(deployment));
    if (left.length + joined.length === 0) return [];
    return [`wave ${name}, deployments: - ${someOf(left)}, + ${someOf(joined)}`];
  });
}

function membersOf({ rollout }: ApplySpec, wave: string): readonly string[] {
  return rollout.waves.find(({ name }) => name === wave)?.deployments ?? [];
}

function someOf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : listNames(names);
}

function fileTexts(files: SchemaFiles): Map<string, string> {
  return new Map(
    Object.entries(files).flatMap(([namespace, byName]) =>
      Object.entries(byName).map(([name, text]) => [`${namespace}/${name}`, text] as const),
    ),
  );
}

/** Most lines shown of one file; a person who needs more has the files. */
const LINES_MAX = 20;

function describeFile(path: string, before: string | undefined, after: string | undefined): readonly string[] {
  if (before === undefined) return [`schema file ${path}: only in what was asked for now`];
  if (after === undefined) return [`schema file ${path}: only in what the apply was started with`];
  const linesBefore = before.split('\n');
  const linesAfter = after.split('\n');
  const lines = [
    ...linesBefore.filter((line) => !linesAfter.includes(line)).map((line) => `  - ${line}`),
    ...linesAfter.filter((line) => !linesBefore.includes(line)).map((line) => `  + ${line}`),
  ];
  if (lines.length === 0) return [`schema file ${path}: the same lines in another order or number`];
  const more = lines.length > LINES_MAX ? [`  … and ${lines.length - LINES_MAX} more lines`] : [];
  return [`schema file ${path}:`, ...lines.slice(0, LINES_MAX), ...more];
}
