import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { normalizeStatement } from '../domain/planning.js';
import { parseSpec } from '../domain/parse-spec.js';
import { canonicalJson, sha256, specDigest } from './digest.js';
import { SkeinError } from './errors.js';
import type { RolloutPlan, RolloutPlanClass } from './plan.js';
import { reasonOf } from './schema-folder.js';

/**
 * A reviewed plan in a file: what `plan --out` writes and `apply plan.json` runs. It holds spec, schema and statements
 * whole, and a digest over all of them, so that what runs is what was reviewed, also on another machine.
 */
interface PlanFile {
  readonly kind: 'skein-plan';
  readonly version: 1;
  /** SHA-256 of the canonical JSON of `plan`. */
  readonly digest: string;
  readonly plan: RolloutPlan;
}

/** What is checked of a file's shape; the digest vouches for everything inside. */
const PLAN_FILE = z.object({
  kind: z.literal('skein-plan'),
  version: z.literal(1),
  digest: z.string(),
  plan: z.looseObject({ spec: z.unknown(), schemaFiles: z.unknown(), classes: z.array(z.unknown()) }),
});

export async function writePlanFile(path: string, plan: RolloutPlan): Promise<void> {
  const file: PlanFile = { kind: 'skein-plan', version: 1, digest: sha256(canonicalJson(plan)), plan };
  try {
    await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
  } catch (error) {
    throw new SkeinError('configuration', `the plan cannot be written to ${path}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** Reads a plan file. Rejects with `invalid_spec` when it is not one, or was changed after the review. */
export async function readPlanFile(path: string): Promise<RolloutPlan> {
  const parsed = PLAN_FILE.safeParse(await readJson(path));
  if (!parsed.success)
    throw badPlanFile(
      path,
      'is not a plan file of this version',
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`),
    );
  if (sha256(canonicalJson(parsed.data.plan)) !== parsed.data.digest)
    throw badPlanFile(path, 'was changed after it was written: its digest does not match; plan again', []);
  const plan = parsed.data.plan as unknown as RolloutPlan; // the digest proves that writePlanFile wrote it
  checkDigests(path, plan);
  return plan;
}

function checkDigests(path: string, plan: RolloutPlan): void {
  const spec = parseSpec(plan.spec);
  if (!spec.ok)
    throw badPlanFile(
      path,
      'holds a spec that this version refuses; plan again',
      spec.issues.map((issue) => issue.message),
    );
  if (specDigest(plan.spec, plan.schemaFiles) !== plan.specDigest)
    throw badPlanFile(path, 'does not hold the spec it was made from: its digest does not match; plan again', []);
}

/**
 * Compares what the engines plan now with what was reviewed. A deployment that has the change already is fine: that is
 * how a rollout is finished that failed half-way. Everything else that differs is refused (`plan_refused`).
 */
export function refuseOtherPlan(reviewed: RolloutPlan, now: RolloutPlan): void {
  const before = statementsByDeployment(reviewed.classes);
  const problems = [...statementsByDeployment(now.classes)].flatMap(([deployment, statements]) => {
    const expected = before.get(deployment) ?? [];
    if (statements.length === 0 || statements.join('\n') === expected.join('\n')) return [];
    return [
      `${deployment}: the engine plans something else now than was reviewed (- reviewed, + now):`,
      ...expected.filter((statement) => !statements.includes(statement)).map((statement) => `  - ${statement}`),
      ...statements.filter((statement) => !expected.includes(statement)).map((statement) => `  + ${statement}`),
    ];
  });
  if (problems.length > 0)
    throw new SkeinError(
      'plan_refused',
      `the live schema has changed since the plan of ${reviewed.plannedAt} was made; nothing was started. Plan again, and review that`,
      { problems },
    );
}

function statementsByDeployment(classes: readonly RolloutPlanClass[]): Map<string, readonly string[]> {
  return new Map(
    classes.flatMap(({ deployments, plan }) =>
      deployments.map(({ deployment }) => [deployment, plan.changes.map((change) => normalizeStatement(change.ddl))]),
    ),
  );
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw badPlanFile(path, `cannot be read: ${reasonOf(error)}`, []);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badPlanFile(path, `is not JSON: ${reasonOf(error)}`, []);
  }
}

function badPlanFile(path: string, message: string, problems: readonly string[]): SkeinError {
  return new SkeinError('invalid_spec', `${path} ${message}; nothing was started`, { problems });
}
