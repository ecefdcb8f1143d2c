import { otherStatements, remainingStatements } from '../domain/planning.js';
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
      return await readDifference(ports.engines.engineFor(scope.deployment), scope, plan);
    } catch (error) {
      throw toApplicationFailure(asEngineFailure(error));
    }
  };
}

/**
 * What the engine's own diff still contains of this plan. A diff with problems in it is no diff: it throws, because
 * "cannot tell" is neither done nor missing (I12).
 */
export async function readDifference(engine: Engine, scope: OperationScope, plan: PlanMaterial): Promise<VerifyAnswer> {
  const difference = await engine.planDiff({ ...scope, schemaFiles: plan.schemaFiles });
  const [problem] = difference.errors;
  if (problem !== undefined)
    throw new EngineFailure({ type: 'EngineInternal', message: `the diff cannot be read: ${problem}` });
  return {
    remaining: remainingStatements(plan.changes, difference.changes),
    drift: otherStatements(plan.changes, difference.changes),
  };
}
