import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';
import type { PlanInput, PlanResult } from '../domain/planning.js';
import { askOptions } from './options.js';

/** Asks every deployment's engine what it would do, all at once; one dead engine does not hide the others (C46). Changes nothing. */
export async function plan(input: PlanInput): Promise<PlanResult> {
  const { database, type, environment, deployments } = input.spec;
  const answers = await Promise.all(
    deployments.map(async ({ name, target, queue }) => {
      const activities = proxyActivities<Activities>(askOptions(queue));
      return activities
        .planDeployment({ deployment: name, target, database, type, environment, schemaFiles: input.schemaFiles })
        .catch((error: unknown) => ({
          deployment: name,
          target,
          plan: null,
          error: `no worker answered on queue ${queue} (${error instanceof Error ? error.message : String(error)})`,
          unreachable: true,
          addressDigest: null,
        }));
    }),
  );
  return { answers };
}
