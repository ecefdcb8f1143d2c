import type { DeploymentAnswer } from '../domain/planning.js';
import type { DeploymentLogs } from '../domain/log.js';
import type { Activities, PlanDeploymentInput, ReadLogsInput } from './contract.js';
import { asEngineFailure } from './failure.js';
import type { ActivityPorts } from './ports.js';
import { READY_TIMEOUT_MS } from './timings.js';

/** Asks one engine for its plan. A failure is an answer of its own, so that one dead engine does not hide the others (C46). */
export function createPlanDeployment(ports: ActivityPorts): Activities['planDeployment'] {
  return async (input: PlanDeploymentInput): Promise<DeploymentAnswer> => {
    const { deployment, target } = input;
    const answer = { deployment, target, unreachable: false, addressDigest: null };
    try {
      const engine = ports.engines.engineFor(deployment);
      await engine.ready({ timeoutMs: READY_TIMEOUT_MS });
      return {
        ...answer,
        plan: await engine.plan(input),
        error: null,
        addressDigest: ports.engines.addressDigest(deployment),
      };
    } catch (error) {
      const failure = asEngineFailure(error);
      const unreachable =
        failure.type === 'Unreachable' || failure.type === 'Ambiguous' || failure.type === 'UnknownDeployment';
      return { ...answer, plan: null, error: failure.message, unreachable };
    }
  };
}

export function createReadLogs(ports: ActivityPorts): Activities['readLogs'] {
  return async (input: ReadLogsInput): Promise<DeploymentLogs> => {
    const { deployment } = input;
    try {
      const engine = ports.engines.engineFor(deployment);
      await engine.ready({ timeoutMs: READY_TIMEOUT_MS });
      return { deployment, logs: await engine.logs({ ...input, remoteOperationId: null }), error: null };
    } catch (error) {
      return { deployment, logs: null, error: asEngineFailure(error).message };
    }
  };
}
