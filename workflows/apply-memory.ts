import type { ChildWorkflowHandle } from '@temporalio/workflow';
import type { ControlRequest } from '../domain/admission.js';
import type {
  ApplyInput,
  ApplyResult,
  ApplyView,
  Control,
  ControlRecord,
  InitialOperation,
  OperationView,
} from '../domain/apply.js';
import { type ControlFacts, deriveApplyState } from '../domain/derive.js';
import { operationWorkflowId } from '../domain/ids.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { RolloutOperation } from '../domain/rollout.js';
import { type DeploymentSpec, type RolloutPolicy, resolvePolicy, waveIndexes } from '../domain/spec.js';
import { earliest } from '../domain/time.js';
import { factsOfView, failureMessage } from '../domain/status.js';
import type { EndReason, OperationState } from '../domain/state.js';
import type { operation } from './operation.js';
import type { Halt } from './operation-input.js';
import { WaveMemory } from './wave-memory.js';

/** What the apply workflow remembers of one operation. */
export interface OperationRecord {
  readonly spec: DeploymentSpec;
  /** Its wave, as the place in the policy's list. */
  readonly wave: number;
  readonly workflowId: string;
  initial: InitialOperation;
  stage: 'pending' | 'admitted' | 'parked' | 'ended';
  /** The last state that its workflow reported. */
  reported: OperationState | null;
  permitted: boolean;
  cutoverRefused: boolean;
  cutoverAsked: boolean;
  cancelAsked: boolean;
  cutoverRefusal: string;
  remoteApplyId: string | null;
  outcome: OperationOutcome | null;
  /** Null before its workflow was started in this run, and after its target turned out to be held. */
  child: ChildWorkflowHandle<typeof operation> | null;
  /** The last halt sent to it; null before the first. */
  halted: Halt | null;
  /** A person left it out; put on its outcome when it ends. */
  skipped: boolean;
}

/** Everything the apply workflow knows, and the questions it asks of it. Holds facts and no policy. */
export class ApplyMemory {
  readonly applyId: string;
  readonly input: ApplyInput;
  readonly policy: RolloutPolicy;
  readonly operations: readonly OperationRecord[];
  readonly waves: WaveMemory;
  readonly controls: ControlRecord[];
  stop = false;
  cancel: boolean;
  released: boolean;
  readonly #byDeployment: ReadonlyMap<string, OperationRecord>;
  /** Signals that were refused, and when: judged once more when all that came with them is known. */
  readonly unheard: { readonly request: ControlRequest; readonly by: string | null; readonly atMs: number }[] = [];
  /** Counts every change, so that a wait can tell whether there is news. */
  revision = 0;

  constructor(applyId: string, input: ApplyInput) {
    this.applyId = applyId;
    this.input = input;
    this.policy = resolvePolicy(input.spec);
    this.cancel = input.carried?.cancel ?? false;
    this.released = input.carried?.released ?? false;
    this.controls = [...(input.carried?.controls ?? [])];
    this.waves = new WaveMemory(this.policy, input.carried?.waves ?? []);
    const carried = new Map(input.carried?.operations.map((operation) => [operation.deployment, operation]));
    const waves = waveIndexes(this.policy);
    this.operations = input.spec.deployments.map((spec) =>
      this.#createRecord(spec, waves.get(spec.name) ?? 0, carried.get(spec.name) ?? firstAttempt(spec.name)),
    );
    this.#byDeployment = new Map(this.operations.map((record) => [record.spec.name, record]));
  }

  /** The facts that `decide` judges, in rollout order. */
  rolloutOperations(): RolloutOperation[] {
    return this.operations.map((record) => ({
      ...factsOfView(viewOf(record)),
      resumes: record.stage === 'pending' && record.initial.remoteApplyId !== null,
      atRest: record.initial.atRest,
    }));
  }

  /** Everything that decisions and derivations are made from. */
  situation() {
    return {
      policy: this.policy,
      operations: this.rolloutOperations(),
      waves: this.waves.facts(),
      controls: this.controlFacts(),
    };
  }

  /** Notes what follows from the operations and from time alone: waves that ended, gates that expired, controls that are settled. */
  look(): void {
    const open = new Set(this.operations.filter(({ stage }) => stage !== 'ended').map(({ wave }) => wave));
    this.waves.look((wave) => !open.has(wave));
    this.controls.forEach((control, index) => {
      if (control.settledAt !== null || control.deployments.length === 0) return;
      const isSettled = control.deployments.every((name) => isCarriedOut(control.name, this.record(name)));
      if (isSettled) this.controls[index] = { ...control, settledAt: new Date().toISOString() };
    });
  }

  /** Once a wave has started it stays started, and the loop looks again at what that makes possible. */
  startWave(index: number): void {
    this.waves.start(index);
    this.revision += 1;
  }

  controlFacts(): ControlFacts {
    return { stop: this.stop, cancel: this.cancel, release: this.released };
  }

  record(deployment: string): OperationRecord {
    const found = this.#byDeployment.get(deployment);
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
      ...(initial.baseline === undefined ? {} : { baseline: initial.baseline }),
      progress: null,
      startedAt: initial.startedAt,
      completedAt: as === 'stopped' ? null : new Date().toISOString(),
    });
  }

  /** An operation that had ended begins again in this run: a new attempt, or the cancel of what was stopped. */
  reopen(record: OperationRecord, initial: InitialOperation): void {
    record.initial = initial;
    record.outcome = null;
    record.stage = 'pending';
    record.reported = null;
    record.child = null;
    record.permitted = false;
    record.cutoverRefused = false;
    record.cutoverRefusal = '';
    record.cutoverAsked = false;
    record.cancelAsked = initial.cancel;
    record.remoteApplyId = initial.remoteApplyId;
    record.halted = null;
    record.skipped = false;
    this.revision += 1;
  }

  view(): ApplyView {
    return {
      apply: this.applyId,
      spec: this.input.spec,
      policy: this.policy,
      operations: this.operations.map(viewOf),
      waves: this.waves.records,
      allowDrift: this.input.allowDrift,
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
    const state = deriveApplyState(this.situation());
    return {
      apply: this.applyId,
      state,
      message: failureMessage(operations),
      operations,
      waves: this.waves.records,
      controls: this.controls.map((control) => ({ ...control, settledAt: control.settledAt ?? now })),
      released: this.released,
      startedAt: earliest(operations.map((operation) => operation.startedAt)),
      completedAt: state === 'stopped' ? null : now,
    };
  }

  #createRecord(spec: DeploymentSpec, wave: number, initial: InitialOperation): OperationRecord {
    return {
      spec,
      wave,
      workflowId: operationWorkflowId({ ...this.input.spec, deployment: spec.name, target: spec.target }),
      initial,
      stage: initial.ended === null ? 'pending' : 'ended',
      reported: null,
      permitted: false,
      cutoverRefused: false,
      cutoverAsked: false,
      cancelAsked: initial.cancel,
      cutoverRefusal: '',
      remoteApplyId: initial.remoteApplyId,
      outcome: initial.ended,
      child: null,
      halted: null,
      skipped: false,
    };
  }
}

/** What a control asked of one operation has happened, or cannot happen any more. */
function isCarriedOut(name: Control, record: OperationRecord): boolean {
  if (record.stage === 'ended') return true;
  if (record.cutoverRefusal.startsWith(`${name}: `)) return true;
  if (name !== 'cutover') return false;
  return !record.cutoverAsked && (!record.permitted || record.reported !== 'waiting_for_cutover');
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
    cancel: false,
  };
}

function viewOf(record: OperationRecord): OperationView {
  return {
    deployment: record.spec.name,
    target: record.spec.target,
    wave: record.wave,
    workflowId: record.workflowId,
    runId: record.child?.firstExecutionRunId ?? null,
    stage: record.stage,
    reported: record.reported,
    permitted: record.permitted,
    cutoverRefused: record.cutoverRefused,
    cutoverAsked: record.cutoverAsked,
    cancelAsked: record.cancelAsked,
    cutoverRefusal: record.cutoverRefusal,
    attempt: record.initial.attempt,
    remoteApplyId: record.remoteApplyId,
    started: record.initial.started,
    startedAt: record.initial.startedAt,
    outcome: record.outcome,
  };
}
