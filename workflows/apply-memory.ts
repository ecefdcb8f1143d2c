import type { ChildWorkflowHandle } from '@temporalio/workflow';
import type {
  ApplyInput,
  ApplyResult,
  ApplyView,
  ControlRecord,
  InitialOperation,
  OperationView,
} from '../domain/apply.js';
import { type ControlFacts, deriveApplyState } from '../domain/derive.js';
import { operationWorkflowId } from '../domain/ids.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { RolloutOperation } from '../domain/rollout.js';
import { type DeploymentSpec, type RolloutPolicy, resolvePolicy } from '../domain/spec.js';
import { earliest, factsOfView, failureMessage } from '../domain/status.js';
import type { EndReason } from '../domain/state.js';
import type { operation } from './operation.js';
import type { Halt } from './operation-input.js';

/** What the apply workflow remembers of one operation. */
export interface OperationRecord {
  readonly spec: DeploymentSpec;
  readonly workflowId: string;
  initial: InitialOperation;
  stage: 'pending' | 'admitted' | 'parked' | 'ended';
  permitted: boolean;
  cutoverRefused: boolean;
  cutoverRefusal: string;
  remoteApplyId: string | null;
  outcome: OperationOutcome | null;
  /** Null before its workflow was started in this run, and after its target turned out to be held. */
  child: ChildWorkflowHandle<typeof operation> | null;
  /** The last halt sent to it; null before the first. */
  halted: Halt['by'] | null;
  /** A person left it out; put on its outcome when it ends. */
  skipped: boolean;
}

/** Everything the apply workflow knows, and the questions it asks of it. Holds facts and no policy. */
export class ApplyMemory {
  readonly applyId: string;
  readonly input: ApplyInput;
  readonly policy: RolloutPolicy;
  readonly operations: readonly OperationRecord[];
  readonly controls: ControlRecord[];
  stop = false;
  cancel: boolean;
  released: boolean;
  /** Counts every change, so that a wait can tell whether there is news. */
  revision = 0;

  constructor(applyId: string, input: ApplyInput) {
    this.applyId = applyId;
    this.input = input;
    this.policy = resolvePolicy(input.spec);
    this.cancel = input.carried?.cancel ?? false;
    this.released = input.carried?.released ?? false;
    this.controls = [...(input.carried?.controls ?? [])];
    this.operations = input.spec.deployments.map((spec) => this.#createRecord(spec));
  }

  /** The facts that `decide` judges, in rollout order. */
  rolloutOperations(): RolloutOperation[] {
    return this.operations.map((record) => ({
      ...factsOfView(viewOf(record)),
      resumes: record.stage === 'pending' && record.initial.remoteApplyId !== null,
      atRest: record.initial.atRest,
    }));
  }

  controlFacts(): ControlFacts {
    return { stop: this.stop, cancel: this.cancel, release: this.released };
  }

  record(deployment: string): OperationRecord {
    const found = this.operations.find((record) => record.spec.name === deployment);
    if (found === undefined) throw new Error(`apply ${this.applyId} has no deployment ${deployment}`);
    return found;
  }

  /** An operation has ended; an end is never taken back within a run, except by a retry. */
  end(record: OperationRecord, outcome: OperationOutcome): void {
    const skipped =
      record.skipped && outcome.state === 'stopped'
        ? { skipped: true, reason: 'skip' as const }
        : { skipped: record.skipped || outcome.skipped };
    record.outcome = outcome.state === 'completed' ? outcome : { ...outcome, ...skipped };
    record.stage = 'ended';
    this.revision += 1;
  }

  /**
   * Ends an operation that has no workflow: nothing of it can be going on. A new attempt that was never dispatched ends
   * as it was before.
   */
  endHere(
    record: OperationRecord,
    as: 'stopped' | 'cancelled' | 'completed' | 'failed',
    reason: EndReason | null,
    message = '',
  ): void {
    const { initial, spec } = record;
    if (initial.before !== null && as !== 'completed')
      return this.end(record, { ...initial.before, message: message === '' ? initial.before.message : message });
    this.end(record, {
      deployment: spec.name,
      target: spec.target,
      state: as,
      reason,
      started: initial.started,
      confirmed: initial.atRest,
      skipped: false,
      attempt: initial.attempt,
      remoteApplyId: initial.remoteApplyId,
      remoteOperationId: initial.remoteOperationId,
      dispatch: initial.remoteApplyId === null ? 'none' : 'confirmed',
      resolvedBy: null,
      message,
      drift: [],
      changeInPlace: false,
      progress: null,
      startedAt: initial.startedAt,
      completedAt: as === 'stopped' ? null : new Date().toISOString(),
    });
  }

  view(): ApplyView {
    return {
      apply: this.applyId,
      spec: this.input.spec,
      policy: this.policy,
      operations: this.operations.map(viewOf),
      controls: this.controls,
      stop: this.stop,
      cancel: this.cancel,
      released: this.released,
    };
  }

  /** The result of a run in which every operation has ended (I4, I5). */
  result(): ApplyResult {
    const operations = this.operations.flatMap((record) => (record.outcome === null ? [] : [record.outcome]));
    const now = new Date().toISOString();
    const state = deriveApplyState({
      policy: this.policy,
      operations: this.rolloutOperations(),
      controls: this.controlFacts(),
    });
    return {
      apply: this.applyId,
      state,
      message: failureMessage(operations),
      operations,
      controls: this.controls.map((control) => ({ ...control, settledAt: control.settledAt ?? now })),
      released: this.released,
      startedAt: earliest(operations.map((operation) => operation.startedAt)),
      completedAt: state === 'stopped' ? null : now,
    };
  }

  #createRecord(spec: DeploymentSpec): OperationRecord {
    const carried = this.input.carried?.operations.find((operation) => operation.deployment === spec.name);
    const initial = carried ?? firstAttempt(spec.name);
    return {
      spec,
      workflowId: operationWorkflowId({ ...this.input.spec, deployment: spec.name, target: spec.target }),
      initial,
      stage: initial.ended === null ? 'pending' : 'ended',
      permitted: false,
      cutoverRefused: false,
      cutoverRefusal: '',
      remoteApplyId: initial.remoteApplyId,
      outcome: initial.ended,
      child: null,
      halted: null,
      skipped: false,
    };
  }
}

function firstAttempt(deployment: string): InitialOperation {
  return {
    deployment,
    ended: null,
    attempt: 0,
    remoteApplyId: null,
    remoteOperationId: null,
    started: false,
    atRest: true,
    startedAt: null,
    unsettled: null,
    verifyFirst: false,
    before: null,
  };
}

function viewOf(record: OperationRecord): OperationView {
  return {
    deployment: record.spec.name,
    target: record.spec.target,
    workflowId: record.workflowId,
    runId: record.child?.firstExecutionRunId ?? null,
    stage: record.stage,
    permitted: record.permitted,
    cutoverRefused: record.cutoverRefused,
    cutoverRefusal: record.cutoverRefusal,
    attempt: record.initial.attempt,
    remoteApplyId: record.remoteApplyId,
    started: record.initial.started,
    startedAt: record.initial.startedAt,
    outcome: record.outcome,
  };
}
