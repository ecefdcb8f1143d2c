import { getExternalWorkflowHandle } from '@temporalio/workflow';
import type { OperationState } from '../domain/state.js';
import { type OperationReport, reportSignal } from './messages.js';
import type { OperationMemory } from './operation-memory.js';

/**
 * Tells the parent what the rollout has to know beyond the end: that it is parked, or goes on, or what its engine refused.
 * Nothing finer, because messages are what costs (design 3). A parent that has gone does not need it.
 */
export function report(
  memory: OperationMemory,
  state: OperationState,
  refused: OperationReport['refused'] = null,
): void {
  memory.reported = state;
  // What was permitted at an earlier park is over, here and there: another may have its turn now.
  memory.permitted = false;
  const { applyId, deployment } = memory.input;
  const { attempt, remoteApplyId } = memory;
  const told = getExternalWorkflowHandle(applyId).signal(reportSignal, {
    deployment,
    attempt,
    state,
    remoteApplyId,
    refused,
  });
  void told.catch(() => undefined);
}
