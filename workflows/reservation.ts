import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  type ChildWorkflowHandle,
  ChildWorkflowFailure,
  ParentClosePolicy,
  condition,
  proxyActivities,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';
import type { DeploymentPlan, HeldTarget } from '../domain/apply.js';
import type { OperationOutcome } from '../domain/operation.js';
import { decide } from '../domain/rollout.js';
import type { ApplyMemory, OperationRecord } from './apply-memory.js';
import { MEMO_APPLY, MEMO_SPEC_DIGEST, OPERATION_WORKFLOW } from './messages.js';
import type { operation } from './operation.js';
import type { Halt, OperationInput } from './operation-input.js';
import { directoryOptions } from './options.js';
import { settled } from './scope.js';

/** Children started in one workflow task; keeps a task short and lets a stop in between (temporal 2.7). */
const STARTS_PER_TASK = 100;

/** Tries to get a target whose holder turned out to have gone. */
const HELD_TRIES_MAX = 5;

/**
 * Reserves the targets of an apply: one child workflow per operation, whose id is its target (I11). Nothing is admitted
 * before every start has been answered (design 3.3).
 */
export class Reservation {
  readonly heldTargets: HeldTarget[] = [];
  readonly #memory: ApplyMemory;
  /** Every start of this run's first reservation has been answered. */
  #reserved = false;
  readonly #activities = proxyActivities<Activities>(directoryOptions());

  readonly #plans: ReadonlyMap<string, DeploymentPlan>;

  constructor(memory: ApplyMemory) {
    this.#memory = memory;
    this.#plans = new Map(memory.input.plan.deployments.map((plan) => [plan.deployment, plan]));
  }

  get isHeld(): boolean {
    return this.heldTargets.length > 0;
  }

  /** Starts what is pending and has no child yet, in batches; a stop in between ends it, and what was not started stays so. */
  async reserve(): Promise<void> {
    for (;;) {
      // Looked for again after every round: a retry may have come while others were started.
      const missing = this.#memory.operations.filter((record) => record.stage === 'pending' && record.child === null);
      if (missing.length === 0) break;
      const admitted = this.#admittedFromTheStart(missing);
      for (let first = 0; first < missing.length; first += STARTS_PER_TASK) {
        if (this.#isHalted) return;
        await Promise.all(
          missing.slice(first, first + STARTS_PER_TASK).map((record) => this.#start(record, { admitted, halt: null })),
        );
      }
    }
    this.#reserved = true;
    if (this.isHeld) this.#memory.stop = true;
  }

  get #isHalted(): boolean {
    return this.#memory.stop || this.#memory.cancel;
  }

  /** Starts the child of an operation that only has to be halted on its engine. */
  async startHalted(record: OperationRecord, halt: Halt): Promise<void> {
    record.halted = halt;
    await this.#start(record, { admitted: false, halt });
  }

  /** An apply with one operation to go saves the admission when nothing can come between. */
  #admittedFromTheStart(missing: readonly OperationRecord[]): boolean {
    const going = this.#memory.operations.filter((record) => record.stage !== 'ended');
    if (going.length !== 1 || missing.length !== 1) return false;
    const { admit, startWave } = decide(this.#memory.situation());
    if (admit.length !== 1) return false;
    if (startWave !== null) this.#memory.startWave(startWave);
    return true;
  }

  async #start(
    record: OperationRecord,
    how: { readonly admitted: boolean; readonly halt: Halt | null },
  ): Promise<void> {
    for (let tries = 0; tries < HELD_TRIES_MAX; tries += 1) {
      // A former child may have been waited for: a stop or a skip that came meanwhile holds.
      if (record.stage === 'ended') return;
      const admitted = how.admitted && !this.#isHalted;
      try {
        const options = this.#childOptions(record, { ...how, admitted });
        this.#adopt(record, await startChild<typeof operation>(OPERATION_WORKFLOW, options), admitted);
        return;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
      if (await this.#clearTheWay(record)) return;
    }
    this.#hold(record, null);
  }

  /** Looks who holds the target. True when that settles the operation: held by another, or ended by a former child of ours. */
  async #clearTheWay(record: OperationRecord): Promise<boolean> {
    const holder = await this.#activities.describeHolder({ workflowId: record.workflowId });
    if (!holder.open || holder.runId === null) return false;
    if (holder.applyId !== this.#memory.applyId) {
      this.#hold(record, holder.applyId);
      return true;
    }
    const run = { workflowId: record.workflowId, runId: holder.runId };
    const scope = new CancellationScope({ cancellable: true });
    const former = settled(scope.run(() => this.#activities.awaitFormer(run)));
    // One whose engine never answers again never ends; a person who leaves the deployment out lets the others go.
    await condition(() => former.done || record.stage === 'ended');
    if (!former.done) {
      scope.cancel();
      return true;
    }
    const outcome = await former.promise;
    if (outcome === null) {
      record.initial = { ...record.initial, started: true, atRest: false };
      return false;
    }
    return this.#carry(record, outcome);
  }

  /** What a former child of this apply came to: its end, or the remote apply to go on with (design 3.3). */
  #carry(record: OperationRecord, outcome: OperationOutcome): boolean {
    record.initial = {
      ...record.initial,
      attempt: outcome.attempt,
      remoteApplyId: outcome.remoteApplyId,
      remoteOperationId: outcome.remoteOperationId,
      started: outcome.started,
      atRest: !outcome.started || outcome.confirmed,
      startedAt: outcome.startedAt,
    };
    record.remoteApplyId = outcome.remoteApplyId;
    if (outcome.state === 'stopped') return false;
    this.#memory.end(record, outcome);
    return true;
  }

  /** An apply that has dispatched nothing gives everything back; a retry in mid-rollout fails that one operation. */
  #hold(record: OperationRecord, holderApplyId: string | null): void {
    const { name, target } = record.spec;
    const holder = holderApplyId ?? `workflow ${record.workflowId}`;
    if (this.#reserved) {
      this.#memory.endHere(record, 'failed', null, `target ${target} is held by ${holder}; retry once it has ended`);
      return;
    }
    this.heldTargets.push({ deployment: name, target, workflowId: record.workflowId, holderApplyId });
    this.#memory.endHere(record, 'stopped', 'policy', `target ${target} is held by ${holder}`);
  }

  #adopt(record: OperationRecord, child: ChildWorkflowHandle<typeof operation>, admitted: boolean): void {
    record.child = child;
    if (admitted) record.stage = 'admitted';
    void this.#followChild(record, child);
  }

  /** Cannot reject: every end of a child becomes an outcome or a new child. */
  async #followChild(record: OperationRecord, child: ChildWorkflowHandle<typeof operation>): Promise<void> {
    const outcome = await child.result().catch(outcomeOfFailure);
    if (record.child !== child) return;
    if (outcome !== null) {
      this.#memory.end(record, outcome);
      return;
    }
    await this.#replace(record);
  }

  /** A child that closed without an outcome is started again with the same attempt: the same key finds the same remote apply (design 4). */
  async #replace(record: OperationRecord): Promise<void> {
    const admitted = record.stage !== 'pending';
    record.child = null;
    if (admitted) {
      record.initial = { ...record.initial, started: true, atRest: false };
      // The new child looks for itself; a permission that the old one took with it would never be given again.
      record.stage = 'admitted';
      record.reported = null;
      record.permitted = false;
    }
    await this.#start(record, { admitted, halt: record.halted });
    this.#memory.revision += 1;
  }

  #childOptions(record: OperationRecord, how: { readonly admitted: boolean; readonly halt: Halt | null }) {
    const { input, applyId } = this.#memory;
    const { spec } = record;
    const plan = this.#plans.get(spec.name);
    const child: OperationInput = {
      applyId,
      applyRunId: workflowInfo().runId,
      deployment: spec.name,
      target: spec.target,
      queue: spec.queue,
      database: input.spec.database,
      type: input.spec.type,
      environment: input.spec.environment,
      planId: plan?.planId ?? '',
      planDigest: plan?.digest ?? '',
      allowUnsafe: input.allowUnsafe,
      deferCutover: this.#memory.policy.cutover !== 'rolling',
      caller: input.caller,
      verify: input.spec.verify,
      pollIntervalMs: input.spec.pollIntervalMs,
      initial: record.initial,
      admitted: how.admitted,
      halt: how.halt,
    };
    return {
      workflowId: record.workflowId,
      args: [child] as [OperationInput],
      memo: { [MEMO_APPLY]: applyId, [MEMO_SPEC_DIGEST]: input.specDigest },
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `${spec.name}, apply ${applyId}`,
    };
  }
}

/** The outcome an `OperationFailed` carries, or null for a child that closed in any other way. */
function outcomeOfFailure(error: unknown): OperationOutcome | null {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) || cause.type !== 'OperationFailed') return null;
  const [outcome] = cause.details ?? [];
  return outcome as OperationOutcome; // only our own operation workflow fails with this type, and always with its outcome
}
