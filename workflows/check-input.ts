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
    ...(typeof given.specDigest === 'string' && given.specDigest !== '' ? [] : ['specDigest is missing']),
  ];
}
