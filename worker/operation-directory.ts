import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Holder } from '../activities/contract.js';
import type { OperationDirectory } from '../activities/ports.js';
import type { OperationOutcome } from '../domain/operation.js';
import { MEMO_APPLY, STOP_SIGNAL } from '../domain/ids.js';

/** Looks at the workflows of operations through the Temporal client. */
export class TemporalOperationDirectory implements OperationDirectory {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async describe(workflowId: string): Promise<Holder> {
    try {
      const { runId, status, memo } = await this.#client.workflow.getHandle(workflowId).describe();
      const applyId = memo?.[MEMO_APPLY];
      return { runId, open: status.name === 'RUNNING', applyId: typeof applyId === 'string' ? applyId : null };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { runId: null, open: false, applyId: null };
      throw error;
    }
  }

  async stop({ workflowId, runId }: { readonly workflowId: string; readonly runId: string }): Promise<void> {
    try {
      await this.#client.workflow.getHandle(workflowId, runId).signal(STOP_SIGNAL);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  async outcome(params: Parameters<OperationDirectory['outcome']>[0]): Promise<OperationOutcome | null | undefined> {
    const abort = AbortSignal.timeout(params.timeoutMs);
    const handle = this.#client.workflow.getHandle(params.workflowId, params.runId);
    try {
      const outcome: unknown = await this.#client.withAbortSignal(abort, () => handle.result());
      return outcome as OperationOutcome; // only operations have such an id, and that is what they complete with
    } catch (error) {
      if (abort.aborted) return undefined;
      if (error instanceof WorkflowFailedError) return outcomeOf(error);
      throw error;
    }
  }
}

function outcomeOf({ cause }: WorkflowFailedError): OperationOutcome | null {
  if (!(cause instanceof ApplicationFailure) || cause.type !== 'OperationFailed') return null;
  return (cause.details?.[0] ?? null) as OperationOutcome | null; // an operation fails with its outcome as the detail
}
