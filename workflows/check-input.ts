import type { ApplyInput } from '../domain/apply.js';
import { formatPath, parseSpec } from '../domain/parse-spec.js';
import { failedRun } from './failed-run.js';

/**
 * Refuses an input that breaks a rule, with every problem at once, before anything happened. The client has checked it
 * already; this is for what was started without it.
 */
export function checkInput(input: ApplyInput): void {
  const problems = listProblems(input);
  if (problems.length > 0) throw failedRun('InvalidSpec', `the apply cannot start: ${problems.join('; ')}`, problems);
}

function listProblems(input: unknown): string[] {
  const given = (typeof input === 'object' && input !== null ? input : {}) as Partial<ApplyInput>; // every field is checked before use
  const parsed = parseSpec(given.spec);
  if (!parsed.ok) return parsed.issues.map((issue) => `${formatPath(issue.path)} ${issue.message}`);
  const planned = given.plan?.deployments ?? [];
  const digests = new Set((given.plan?.classes ?? []).map((planClass) => planClass.digest));
  const names = parsed.spec.deployments.map((deployment) => deployment.name);
  return [
    ...names
      .filter((name) => !planned.some((plan) => plan.deployment === name))
      .map((name) => `deployment ${name} has no plan`),
    ...planned
      .filter((plan) => !names.includes(plan.deployment))
      .map((plan) => `plan names ${plan.deployment}, which the spec does not have`),
    ...planned.filter((plan) => plan.planId === '').map((plan) => `the plan of ${plan.deployment} has no id`),
    ...planned
      .filter((plan) => !digests.has(plan.digest))
      .map((plan) => `the plan of ${plan.deployment} is of class ${plan.digest}, which the plan does not have`),
    ...planned
      .filter((plan, index) => planned.findIndex((other) => other.deployment === plan.deployment) < index)
      .map((plan) => `deployment ${plan.deployment} is planned twice`),
    ...driftProblems(given),
    ...carriedProblems(given, names),
    ...(typeof given.specDigest === 'string' && given.specDigest !== '' ? [] : ['specDigest is missing']),
  ];
}

/** Every plan equals the first one's unless drift was allowed; empty plans are done, not drift (design 5). */
function driftProblems({ plan, allowDrift }: Partial<ApplyInput>): string[] {
  const full = new Set(plan?.classes.filter(({ changes }) => changes.length > 0).map(({ digest }) => digest));
  const [first, ...others] = plan?.deployments.filter(({ digest }) => full.has(digest)) ?? [];
  if (allowDrift === true || first === undefined) return [];
  return others
    .filter(({ digest }) => digest !== first.digest)
    .map(
      ({ deployment }) =>
        `the plan of ${deployment} differs from that of ${first.deployment}, and drift is not allowed`,
    );
}

/** A later run goes on with exactly the deployments of the spec. */
function carriedProblems({ carried }: Partial<ApplyInput>, names: readonly string[]): string[] {
  if (carried === undefined || carried === null) return [];
  const known = carried.operations.map(({ deployment }) => deployment);
  return [
    ...names.filter((name) => !known.includes(name)).map((name) => `nothing is carried over of deployment ${name}`),
    ...known
      .filter((name) => !names.includes(name))
      .map((name) => `${name} is carried over, and the spec does not have it`),
  ];
}
