import { Context } from '@temporalio/activity';
import type { Activities } from './contract.js';
import { Beat } from './beat.js';
import type { ActivityPorts } from './ports.js';

/** How long one wait for a former child lasts before the heartbeat is renewed. */
const WAIT_MS = 5_000;

export function createDescribeHolder(ports: ActivityPorts): Activities['describeHolder'] {
  return async ({ workflowId }) => ports.operations.describe(workflowId);
}

/** A former child of this very apply still holds its target: stop it, wait, and carry its outcome (design 3.3). */
export function createAwaitFormer(ports: ActivityPorts): Activities['awaitFormer'] {
  return async (run) => {
    using _beat = new Beat({ waitingFor: run.workflowId }, ports.timings);
    await ports.operations.stop(run);
    for (;;) {
      if (Context.current().cancellationSignal.aborted) return Context.current().cancelled;
      const outcome = await ports.operations.outcome({ ...run, timeoutMs: WAIT_MS });
      if (outcome !== undefined) return outcome;
    }
  };
}
