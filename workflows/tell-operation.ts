import { type SignalDefinition, getExternalWorkflowHandle } from '@temporalio/workflow';
import type { OperationRecord } from './apply-memory.js';

/**
 * Sends a signal to the workflow of an operation; nothing when it has none. The child's handle reaches whichever run the
 * child is at, yet only children of this very run of the apply: after a reset of the apply the operations belong to the
 * run before, and are reached by id and run instead. What fails both ways has closed, and its outcome is on its way.
 */
export function tellOperation<Args extends unknown[]>(
  { child, workflowId }: OperationRecord,
  signal: SignalDefinition<Args>,
  ...args: Args
): void {
  if (child === null) return;
  const former = getExternalWorkflowHandle(workflowId, child.firstExecutionRunId);
  void child
    .signal(signal, ...args)
    .catch(() => former.signal(signal, ...args))
    .catch(() => undefined);
}
