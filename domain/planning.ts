import { listNames } from './listing.js';
import type { LintViolation, Plan, SchemaFiles, TableChange } from './plan.js';
import type { ApplySpec } from './spec.js';

/** Input of the plan workflow: asks every deployment's engine what it would do. Changes nothing. */
export interface PlanInput {
  readonly spec: ApplySpec;
  readonly schemaFiles: SchemaFiles;
  readonly caller: string;
}

/** What one deployment's engine answered. Exactly one of `plan` and `error` is null. */
export interface DeploymentAnswer {
  readonly deployment: string;
  readonly target: string;
  readonly plan: Plan | null;
  readonly error: string | null;
  /** The engine could not be reached, so nothing is known; false for an engine that answered. */
  readonly unreachable: boolean;
  /** Digest of the engine's address, to tell two deployments that are one; null when it is not known. */
  readonly addressDigest: string | null;
}

/** Result of the plan workflow, in rollout order. */
export interface PlanResult {
  readonly answers: readonly DeploymentAnswer[];
}

/** Deployments whose plans are equal, statement by statement. */
export interface PlanGroup {
  /** The canonical text of the changes: what a digest is made of. */
  readonly key: string;
  readonly deployments: readonly string[];
  /** The plan of the first of them, with what any of them says against it. */
  readonly plan: Plan;
}

/** Why a plan must not be applied. `unsafe` and `lint` are lifted by allowing unsafe changes, nothing else is. */
export interface PlanProblem {
  readonly kind: 'unreachable' | 'error' | 'duplicate' | 'drift' | 'blocked' | 'unsafe' | 'lint';
  readonly deployments: readonly string[];
  readonly message: string;
}

export interface PlanComparison {
  /** Groups in order of their first deployment; the empty plan is a group like any other. */
  readonly groups: readonly PlanGroup[];
  readonly problems: readonly PlanProblem[];
}

/** The text that makes two plans equal: statements in order with their place, nothing that differs by engine or id. */
export function canonicalChanges(changes: readonly TableChange[]): string {
  return JSON.stringify(changes.map((change) => [change.namespace, change.table, normalizeStatement(change.ddl)]));
}

/** Statements are equal when they differ in the white space between words and in the closing semicolon only. */
export function normalizeStatement(ddl: string): string {
  return ddl
    .replace(QUOTED_OR_SPACE, (text) => (/^\s/.test(text) ? ' ' : text))
    .replace(/\s*;\s*$/, '')
    .trim();
}

/** Quoted text, which counts as it is ('…', "…", `…`, $tag$…$tag$), or a run of white space. */
const QUOTED_OR_SPACE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\$(\w*)\$[\s\S]*?\$\1\$|\s+/g;

/** Compares the plans of all deployments; lists everything that stops the apply before it starts (design 5 and 6, C16 to C18). */
export function comparePlans(result: PlanResult): PlanComparison {
  const groups = groupPlans(result.answers);
  return {
    groups,
    problems: [
      ...answerProblems(result.answers),
      ...duplicateProblems(result.answers),
      ...driftProblems(groups),
      ...groups.flatMap((group) => [...statementProblems(group), ...lintProblems(group)]),
    ],
  };
}

function groupPlans(answers: readonly DeploymentAnswer[]): PlanGroup[] {
  const groups = new Map<string, Member[]>();
  for (const { deployment, plan } of answers) {
    if (plan === null || plan.errors.length > 0) continue;
    const key = canonicalChanges(plan.changes);
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [{ deployment, plan }]);
    else members.push({ deployment, plan });
  }
  return [...groups].map(([key, members]) => ({
    key,
    deployments: members.map(({ deployment }) => deployment),
    plan: withEveryObjection(members),
  }));
}

interface Member {
  readonly deployment: string;
  readonly plan: Plan;
}

/**
 * The first of equal plans, with what any of them says against it: the same statement may be harmless on one database and
 * lose something on the next, or be refused by an older server.
 */
function withEveryObjection(members: readonly Member[]): Plan {
  const plans = members.map(({ plan }) => plan);
  const [first] = plans;
  if (first === undefined) throw new Error('a group of plans has at least one');
  return {
    ...first,
    changes: first.changes.map((change, index) =>
      objected(
        change,
        plans.map((plan) => plan.changes[index] ?? change),
      ),
    ),
    lintViolations: findingsOf(members),
  };
}

/** What the linters of all say, once each. A note that not all of them have names those that do; an error is everybody's. */
function findingsOf(members: readonly Member[]): readonly LintViolation[] {
  const said = new Map<string, { readonly finding: LintViolation; readonly by: string[] }>();
  for (const { deployment, plan } of members) {
    for (const finding of distinct(plan.lintViolations)) {
      const key = JSON.stringify(finding);
      const known = said.get(key);
      if (known === undefined) said.set(key, { finding, by: [deployment] });
      else known.by.push(deployment);
    }
  }
  return [...said.values()].map(({ finding, by }) =>
    by.length === members.length || isLintError(finding)
      ? finding
      : { ...finding, message: `${finding.message} (${listNames(by)})` },
  );
}

function objected(first: TableChange, all: readonly TableChange[]): TableChange {
  const blocked = all.filter((change) => change.blocked);
  const unsafe = all.filter((change) => change.unsafe);
  return {
    ...first,
    ...(blocked.length === 0 ? {} : { blocked: true, modeReason: reasonsOf(blocked, 'modeReason') }),
    ...(unsafe.length === 0 ? {} : { unsafe: true, unsafeReason: reasonsOf(unsafe, 'unsafeReason') }),
  };
}

function reasonsOf(changes: readonly TableChange[], field: 'modeReason' | 'unsafeReason'): string {
  return distinct(changes.map((change) => change[field]).filter((reason) => reason !== '')).join('; ');
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function answerProblems(answers: readonly DeploymentAnswer[]): PlanProblem[] {
  return answers.flatMap((answer): PlanProblem[] => {
    const deployments = [answer.deployment];
    if (answer.error !== null)
      return [{ kind: answer.unreachable ? 'unreachable' : 'error', deployments, message: answer.error }];
    return (answer.plan?.errors ?? []).map((message) => ({ kind: 'error', deployments, message }));
  });
}

/** Two deployments with one engine address and target would run the same change twice on one database (design 6). */
function duplicateProblems(answers: readonly DeploymentAnswer[]): PlanProblem[] {
  const first = new Map<string, string>();
  return answers.flatMap((answer): PlanProblem[] => {
    if (answer.addressDigest === null) return [];
    const place = `${answer.addressDigest}/${answer.target}`;
    const other = first.get(place);
    if (other === undefined) {
      first.set(place, answer.deployment);
      return [];
    }
    return [
      {
        kind: 'duplicate',
        deployments: [other, answer.deployment],
        message: `have the same engine and target ${answer.target}, so they are one database; keep one of them`,
      },
    ];
  });
}

/** Every plan must equal the first one's. Empty plans are done, not drift. */
function driftProblems(groups: readonly PlanGroup[]): PlanProblem[] {
  const [reference, ...others] = groups.filter((group) => group.plan.changes.length > 0);
  if (reference === undefined) return [];
  return others.map((group) => ({
    kind: 'drift',
    deployments: group.deployments,
    message: describeDrift(reference, group),
  }));
}

function describeDrift(reference: PlanGroup, group: PlanGroup): string {
  const expected = reference.plan.changes.map((change) => normalizeStatement(change.ddl));
  const actual = group.plan.changes.map((change) => normalizeStatement(change.ddl));
  const lines = [
    ...expected.filter((statement) => !actual.includes(statement)).map((statement) => `  - ${statement}`),
    ...actual.filter((statement) => !expected.includes(statement)).map((statement) => `  + ${statement}`),
  ];
  const what = lines.length > 0 ? lines.join('\n') : '  the same statements in another order';
  return `the plan differs from that of ${reference.deployments[0]} (- only there, + only here); the live schemas have drifted apart:\n${what}`;
}

function statementProblems(group: PlanGroup): PlanProblem[] {
  return group.plan.changes.flatMap((change): PlanProblem[] => {
    if (change.blocked)
      return [
        {
          kind: 'blocked',
          deployments: group.deployments,
          message: `${normalizeStatement(change.ddl)}: ${change.modeReason || 'the engine does not run it'}`,
        },
      ];
    if (change.unsafe)
      return [
        {
          kind: 'unsafe',
          deployments: group.deployments,
          message: `${normalizeStatement(change.ddl)}: ${change.unsafeReason || 'the engine marks it unsafe'}`,
        },
      ];
    return [];
  });
}

function lintProblems(group: PlanGroup): PlanProblem[] {
  return group.plan.lintViolations.filter(isLintError).map((violation) => ({
    kind: 'lint',
    deployments: group.deployments,
    message: violation.table === '' ? violation.message : `${violation.table}: ${violation.message}`,
  }));
}

function isLintError({ severity }: LintViolation): boolean {
  return severity.toLowerCase() === 'error';
}
