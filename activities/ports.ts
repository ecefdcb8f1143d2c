import type { SchemaFiles, TableChange } from '../domain/plan.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { Engines } from '../tern/engine.js';
import type { Holder } from './contract.js';
import type { Timings } from './timings.js';

/** What the activities need beside engines; the worker implements it over Temporal. */
export interface ActivityPorts {
  readonly engines: Engines;
  readonly plans: PlanSource;
  readonly operations: OperationDirectory;
  readonly timings: Timings;
}

/** Fetches the one copy of a plan that stands in the history of an apply (design 3, Size). Cached by digest. */
export interface PlanSource {
  fetch(params: {
    readonly applyId: string;
    readonly applyRunId: string;
    readonly planDigest: string;
  }): Promise<PlanMaterial>;
}

export interface PlanMaterial {
  readonly changes: readonly TableChange[];
  readonly schemaFiles: SchemaFiles;
}

/** Looks at and speaks to the workflows of operations by their id. */
export interface OperationDirectory {
  describe(workflowId: string): Promise<Holder>;
  stop(params: { readonly workflowId: string; readonly runId: string }): Promise<void>;
  /** Waits until that run has closed, at most `timeoutMs`; undefined while it is open, null when it left no outcome. */
  outcome(params: {
    readonly workflowId: string;
    readonly runId: string;
    readonly timeoutMs: number;
  }): Promise<OperationOutcome | null | undefined>;
}
