import { type Baseline, type Verification, shortened, verify } from '../domain/verification.js';
import type { TableChange } from '../domain/plan.js';
import { type Engine, EngineFailure } from '../tern/engine.js';
import { Beat } from './beat.js';
import type { Activities, OperationScope, VerifyAnswer } from './contract.js';
import { asEngineFailure, toApplicationFailure } from './failure.js';
import type { ActivityPorts, PlanMaterial } from './ports.js';

/** Reads the diff once, before a retry of an operation whose change was found in place (design 4.5). */
export function createVerifyPlan(ports: ActivityPorts): Activities['verifyPlan'] {
  return async (scope) => {
    using _beat = new Beat(null, ports.timings);
    const plan = await ports.plans.fetch(scope);
    try {
      return toVerifyAnswer(
        await readDifference({ engine: ports.engines.engineFor(scope.deployment), scope, plan, baseline: null }),
      );
    } catch (error) {
      throw toApplicationFailure(asEngineFailure(error));
    }
  };
}

/** What has to be known to judge a diff. */
interface Reading {
  readonly engine: Engine;
  readonly scope: OperationScope;
  readonly plan: PlanMaterial;
  readonly baseline: Baseline;
}

/** What the engine's own diff still holds of this plan, part by part. */
export async function readDifference({ engine, scope, plan, baseline }: Reading): Promise<Verification> {
  return verify({ plan: plan.changes, difference: await readChangesLeft(engine, scope, plan), baseline });
}

/**
 * The changes of the engine's diff as it is now. A diff with problems in it is no diff: it throws, because "cannot tell" is
 * neither done nor missing (I12).
 */
export async function readChangesLeft(
  engine: Engine,
  scope: OperationScope,
  plan: PlanMaterial,
): Promise<readonly TableChange[]> {
  const difference = await engine.planDiff({ ...scope, schemaFiles: plan.schemaFiles });
  const [problem] = difference.errors;
  if (problem !== undefined)
    throw new EngineFailure({ type: 'EngineInternal', message: `the diff cannot be read: ${problem}` });
  return difference.changes;
}

/** As it travels in histories; `remaining` is for a workflow of a version that knows no more. */
function toVerifyAnswer({ missing, drift, unverifiable }: Verification): VerifyAnswer {
  const shown = { missing: shortened(missing), unverifiable: shortened(unverifiable), drift: shortened(drift) };
  return { ...shown, remaining: [...shown.missing, ...shown.unverifiable] };
}
