import type { ApplyInput } from '../domain/apply.js';
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
  return new Map([
    ...Object.entries(rest).map(([key, value]) => [key, JSON.stringify(value)] as const),
    ...Object.entries(rollout).map(([key, value]) => [`rollout.${key}`, JSON.stringify(value)] as const),
    ['order of deployments', deployments.map(({ name }) => name).join(', ')] as const,
    ...deployments.map(({ name, target, queue }) => [`deployment ${name}`, JSON.stringify({ target, queue })] as const),
  ]);
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
