import type { Client } from '@temporalio/client';
import type { ApplyPlan } from '../domain/apply.js';
import { DEFAULT_QUEUE } from '../domain/ids.js';
import type { Plan, SchemaFiles } from '../domain/plan.js';
import { type PlanInput, type PlanProblem, type PlanResult, comparePlans } from '../domain/planning.js';
import { type ApplySpec, PAYLOAD_BYTES_MAX, type RolloutPolicy, resolvePolicy } from '../domain/spec.js';
import { PLAN_WORKFLOW } from '../workflows/messages.js';
import { planDigest, specDigest } from './digest.js';
import { type ServerPlace, SkeinError } from './errors.js';
import { runShortWorkflow } from './short-workflow.js';
import type { SpecFile } from './spec-file.js';

/** What every deployment's engine would do, compared: what a person reviews, and what an apply is bound to. Plain JSON. */
export interface RolloutPlan {
  readonly spec: ApplySpec;
  readonly schemaFiles: SchemaFiles;
  readonly specDigest: string;
  /** The effective numbers: percents resolved. */
  readonly policy: RolloutPolicy;
  /** Deployments with equal plans, in order of their first one. */
  readonly classes: readonly RolloutPlanClass[];
  /** Everything that speaks against applying it; see `Allowances` for what can be lifted. */
  readonly problems: readonly PlanProblem[];
  /** When it was made, ISO 8601. */
  readonly plannedAt: string;
}

export interface RolloutPlanClass {
  readonly digest: string;
  readonly deployments: readonly PlannedDeployment[];
  /** The plan of the first of them, with what any of them says against it; the statements are the same in all. */
  readonly plan: Plan;
}

/** One deployment of a class of equal plans: what is its own. */
export interface PlannedDeployment {
  readonly deployment: string;
  readonly target: string;
  readonly planId: string;
  /** Rows of each statement's table on this deployment, in the order of the statements; null where its engine does not say. */
  readonly estimatedRows: readonly (string | null)[];
}

/** Asks every deployment's engine, by a short workflow, because only workers can reach engines. Changes nothing. */
export async function planRollout(params: {
  readonly client: Client;
  readonly place: ServerPlace;
  readonly file: SpecFile;
  readonly caller: string;
}): Promise<RolloutPlan> {
  const { client, place, file } = params;
  const input: PlanInput = { spec: file.spec, schemaFiles: file.schemaFiles, caller: params.caller };
  const result = await runShortWorkflow<PlanResult>({
    client,
    place,
    type: PLAN_WORKFLOW,
    taskQueue: DEFAULT_QUEUE,
    callsQueues: file.spec.deployments.map(({ queue }) => queue),
    summary: `plan ${file.spec.database}, ${file.spec.environment}: ${file.spec.deployments.length} deployments`,
    input,
  });
  return reviewPlans(file, result, new Date().toISOString());
}

/** Compares the answers and gives every class its digest. Pure. */
export function reviewPlans(file: SpecFile, result: PlanResult, plannedAt: string): RolloutPlan {
  const { groups, problems } = comparePlans(result);
  const answers = new Map(result.answers.map((answer) => [answer.deployment, answer]));
  return {
    spec: file.spec,
    schemaFiles: file.schemaFiles,
    specDigest: specDigest(file.spec, file.schemaFiles),
    policy: resolvePolicy(file.spec),
    classes: groups.map((group) => ({
      digest: planDigest(group.key, file.schemaFiles),
      deployments: group.deployments.map((deployment) => ({
        deployment,
        target: answers.get(deployment)?.target ?? '',
        planId: answers.get(deployment)?.plan?.planId ?? '',
        estimatedRows: (answers.get(deployment)?.plan?.changes ?? []).map((change) => change.estimatedRows),
      })),
      plan: group.plan,
    })),
    problems,
    plannedAt,
  };
}

/** What a person may allow of what speaks against a plan; nothing else is ever lifted (design 5 and 6). */
export interface Allowances {
  /** Lifts `unsafe` and `lint`. */
  readonly allowUnsafe: boolean;
  /** Lifts `drift`: every deployment runs its own plan. Default false. */
  readonly allowDrift?: boolean;
}

/** What still stops it. */
export function openProblems(plan: Pick<RolloutPlan, 'problems'>, allowances: Allowances): readonly PlanProblem[] {
  return plan.problems.filter(({ kind }) => !isAllowed(kind, allowances));
}

function isAllowed(kind: PlanProblem['kind'], { allowUnsafe, allowDrift = false }: Allowances): boolean {
  if (kind === 'unsafe' || kind === 'lint') return allowUnsafe;
  return kind === 'drift' && allowDrift;
}

/** Whether every deployment has the desired schema already. */
export function isNothingToDo(plan: Pick<RolloutPlan, 'classes'>): boolean {
  return plan.classes.every((planClass) => planClass.plan.changes.length === 0);
}

/** `eu, us: the statement: the reason`. */
export function formatProblem(problem: PlanProblem): string {
  return `${problem.deployments.join(', ')}: ${problem.message}`;
}

/**
 * Throws unless the plan may be applied: `unavailable` when an engine could not be asked (nothing is known of it then),
 * `plan_refused` for everything else (design 6).
 */
export function refuseProblems(plan: RolloutPlan, options: Allowances): void {
  const open = openProblems(plan, options);
  const [first] = open;
  if (first === undefined) return;
  const unreachable = open.filter(({ kind }) => kind === 'unreachable');
  if (unreachable.length > 0)
    throw new SkeinError(
      'unavailable',
      `${unreachable.flatMap(({ deployments }) => deployments).join(', ')} could not be asked for a plan; check that the engine runs (\`skein engine\`) and that the worker's skein.yaml has its address`,
      { problems: open.map(formatProblem) },
    );
  throw new SkeinError(
    'plan_refused',
    `the plan for ${plan.spec.database} in ${plan.spec.environment} must not be applied; nothing was started${hintFor(open)}`,
    { problems: open.map(formatProblem) },
  );
}

/** The options that would lift all of it, if there are any. */
function hintFor(open: readonly PlanProblem[]): string {
  const isLiftable = openProblems({ problems: open }, { allowUnsafe: true, allowDrift: true }).length === 0;
  if (!isLiftable) return '';
  const options = [
    ...(open.some(({ kind }) => kind !== 'drift') ? ['--allow-unsafe'] : []),
    ...(open.some(({ kind }) => kind === 'drift')
      ? ['--allow-drift, with which each deployment runs its own plan,']
      : []),
  ];
  return `. Allow it with ${options.join(' and ')} once you have read the reasons`;
}

/** The plan as the apply carries it: each class once, and per deployment only its own plan id (design 3, Size). */
export function toApplyPlan(plan: RolloutPlan): ApplyPlan {
  const applyPlan: ApplyPlan = {
    schemaFiles: plan.schemaFiles,
    classes: plan.classes.map(({ digest, plan: { changes, lintViolations, leftovers } }) => ({
      digest,
      changes,
      lintViolations,
      leftovers,
    })),
    deployments: plan.classes.flatMap(({ digest, deployments }) =>
      deployments.map(({ deployment, planId }) => ({ deployment, planId, digest })),
    ),
  };
  const bytes = Buffer.byteLength(JSON.stringify(applyPlan));
  if (bytes > PAYLOAD_BYTES_MAX)
    throw new SkeinError(
      'invalid_spec',
      `schema and plan of ${plan.spec.database} are ${bytes} bytes and the limit is ${PAYLOAD_BYTES_MAX}; roll the change out in several steps`,
    );
  return applyPlan;
}
