import { CancellationScope } from '@temporalio/workflow';
import type { OperationScope, RemoteInput } from '../activities/contract.js';
import { idempotencyKey, withOperationIds } from '../domain/ids.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { GiveUpMessage } from '../domain/parse-message.js';
import type { EndReason, OperationState } from '../domain/state.js';
import { type Baseline, carriedBaseline } from '../domain/verification.js';
import type { OperationQueryAnswer } from './messages.js';
import type { Halt, OperationInput } from './operation-input.js';

/** What can be done about a change that is live and can still be undone. */
export type WindowControl = 'revert' | 'skip-revert';

/** How an operation ends; what is left out is what the memory knows, or nothing. */
export interface End {
  readonly state: OperationOutcome['state'];
  readonly reason?: EndReason | null;
  readonly message?: string;
  readonly confirmed?: boolean;
  readonly skipped?: boolean;
  readonly drift?: readonly string[];
  readonly changeInPlace?: boolean;
  readonly unverified?: boolean;
  readonly progress?: OperationOutcome['progress'];
}

/** Everything an operation knows about itself. Holds facts; the steps of the story are in the files beside it. */
export class OperationMemory {
  readonly input: OperationInput;
  admitted: boolean;
  permitted = false;
  /** What a person asked about its revert window and its engine was not asked yet. */
  windowAsked: WindowControl | null = null;
  /** What its engine was asked about it last; null before, and once it was refused. */
  windowSent: WindowControl | null = null;
  /** What the parent was told last; null before the first report of this attempt. */
  reported: OperationState | null = null;
  /** When the engine had last settled the control that was sent to it then: an older refusal is not believed (C34). */
  settledBefore: string | null = null;
  halt: Halt | null;
  givenUp: GiveUpMessage | null = null;
  attempt: number;
  started: boolean;
  /** Apply may have been sent for the attempt it is at; `started` is also true of an earlier attempt's. */
  perhapsSent: boolean;
  startedAt: string | null;
  /** A Start was sent in this run: stale `stopped` samples are not believed for a while. */
  startedAgain = false;
  dispatch: OperationOutcome['dispatch'];
  resolvedBy: OperationOutcome['resolvedBy'] = null;
  outcome: OperationOutcome | null = null;
  /** The change may be there already: the diff is read before anything is sent. */
  verifyFirst: boolean;
  /** What the dispatch of this attempt read before it sent; null where that is not known. */
  baseline: Baseline;
  /** Calls that move the engine forward run in it: a halt cancels it, so that one that waits for its engine gives way. */
  readonly forward = new CancellationScope({ cancellable: true });
  /** Written once per attempt (I6), and in history before anyone else hears of it. */
  #remote: { readonly applyId: string; readonly operationId: string | null } | null;

  constructor(input: OperationInput) {
    const { initial } = input;
    this.input = input;
    this.admitted = input.admitted;
    this.halt = input.halt;
    this.attempt = initial.attempt;
    this.started = initial.started;
    this.perhapsSent = initial.started && !initial.atRest && initial.unsettled === null;
    this.startedAt = initial.startedAt;
    this.#remote =
      initial.remoteApplyId === null
        ? null
        : { applyId: initial.remoteApplyId, operationId: initial.remoteOperationId };
    this.dispatch = this.#remote === null ? 'none' : 'confirmed';
    this.baseline = initial.baseline ?? null;
    this.verifyFirst = initial.verifyFirst;
  }

  get isHalted(): boolean {
    return this.halt !== null || this.givenUp !== null;
  }

  /** A cancel outranks a stop; neither is ever taken back (I7). */
  recordHalt(halt: Halt): void {
    if (this.halt === null || (this.halt.by === 'stop' && halt.by === 'cancel')) this.halt = halt;
    this.forward.cancel();
  }

  recordGiveUp(message: GiveUpMessage): void {
    this.givenUp ??= message;
    this.forward.cancel();
  }

  /** A revert outranks giving the window up, and neither is asked for twice (I7). */
  recordWindowAsked(control: WindowControl): void {
    const known = this.windowAsked ?? this.windowSent;
    if (known === null || (known === 'skip-revert' && control === 'revert')) this.windowAsked = control;
  }

  takeWindowAsked(): WindowControl {
    const asked = this.windowAsked ?? 'skip-revert';
    this.windowAsked = null;
    this.windowSent = asked;
    return asked;
  }

  get remoteApplyId(): string | null {
    return this.#remote?.applyId ?? null;
  }

  /** Turns to another attempt; what was known of the last one's remote apply is forgotten, except what is given. */
  turnTo(attempt: number, remoteApplyId: string | null, baseline: Baseline): void {
    this.attempt = attempt;
    this.baseline = baseline;
    this.perhapsSent = attempt !== this.input.initial.attempt;
    this.#remote = remoteApplyId === null ? null : { applyId: remoteApplyId, operationId: null };
    this.dispatch = remoteApplyId === null ? 'none' : 'confirmed';
    this.resolvedBy = null;
    this.startedAgain = false;
    this.permitted = false;
    this.windowAsked = null;
    this.windowSent = null;
    this.settledBefore = null;
  }

  get isParked(): boolean {
    return this.reported === 'waiting_for_cutover' || this.reported === 'revert_window';
  }

  /** The change is there: it cannot be stopped any more, so a halt changes nothing about it (engine contract 2.6). */
  get isLive(): boolean {
    return this.reported === 'revert_window' || this.reported === 'reverting';
  }

  /** Puts the engine's id on record. An empty or a different one fails closed: the outcome says so (I6, design 6). */
  recordRemote(remoteApplyId: string, operationId: string | null): OperationOutcome | null {
    this.started = true;
    const known = this.remoteApplyId;
    if (remoteApplyId === '' || (known !== null && known !== remoteApplyId)) {
      const message = `the engine answered with remote apply "${remoteApplyId}" where ${known ?? 'an id'} was due; nothing of the answer is believed`;
      return this.finish({ state: 'failed', message: this.withIds(message), confirmed: false });
    }
    this.#remote = { applyId: remoteApplyId, operationId };
    this.dispatch = 'confirmed';
    return null;
  }

  /** What every call to the remote apply carries: this operation's own id. There is no way to name another. */
  get remoteInput(): RemoteInput {
    if (this.#remote === null) throw new Error(`operation ${this.input.deployment} has no remote apply to call`);
    return { scope: this.scope, remoteApplyId: this.#remote.applyId, remoteOperationId: this.#remote.operationId };
  }

  get scope(): OperationScope {
    const { applyId, applyRunId, deployment, target, database, type, environment, planId, planDigest, caller } =
      this.input;
    return {
      applyId,
      applyRunId,
      deployment,
      target,
      database,
      type,
      environment,
      planId,
      planDigest,
      caller,
      attempt: this.attempt,
      startedAt: this.startedAt,
    };
  }

  /** Made here, so that it is the same for every repeat of this attempt, whatever crashes (C02). */
  get key(): string {
    return idempotencyKey({ ...this.input, attempt: this.attempt });
  }

  get dispatchInput() {
    const { allowUnsafe, deferCutover } = this.input;
    const input = { scope: this.scope, idempotencyKey: this.key, allowUnsafe, deferCutover };
    return this.perhapsSent ? { ...input, perhapsSent: true } : input;
  }

  withIds(message: string): string {
    const { deployment } = this.input;
    return withOperationIds(message, { deployment, remoteApplyId: this.remoteApplyId, attempt: this.attempt });
  }

  /** Halted with nothing of this attempt on its engine; a new attempt that was never dispatched ends as it was before. */
  finishHalted(halt: Halt): OperationOutcome {
    const { before } = this.input.initial;
    if (before !== null) return before;
    return this.finish({ state: halt.by === 'cancel' ? 'cancelled' : 'stopped', reason: halt.reason });
  }

  /** A named person gives it up: ended without the engine's word, and no setback (I3). */
  finishGivenUp({ by, reason }: GiveUpMessage): OperationOutcome {
    const text = `given up by ${by ?? 'an unnamed person'}: ${reason}. The engine never confirmed how it ended; key ${this.key}`;
    return this.finish({ state: 'failed', message: this.withIds(text), confirmed: false, skipped: true });
  }

  finish(end: End): OperationOutcome {
    const { deployment, target } = this.input;
    return {
      deployment,
      target,
      state: end.state,
      reason: end.reason ?? null,
      started: this.started,
      confirmed: end.confirmed ?? true,
      skipped: end.skipped ?? false,
      attempt: this.attempt,
      remoteApplyId: this.remoteApplyId,
      remoteOperationId: this.#remote?.operationId ?? null,
      dispatch: this.dispatch,
      resolvedBy: this.resolvedBy,
      message: end.message ?? '',
      drift: end.drift ?? [],
      changeInPlace: end.changeInPlace ?? false,
      ...(end.unverified === true ? { unverified: true } : {}),
      ...carriedBaseline(end, this.baseline),
      progress: end.progress ?? null,
      startedAt: this.started ? this.startedAt : null,
      completedAt: end.state === 'stopped' ? null : new Date().toISOString(),
    };
  }

  describe(): OperationQueryAnswer {
    const stage = this.outcome !== null ? 'ended' : this.isParked ? 'parked' : this.admitted ? 'admitted' : 'pending';
    const { applyId, deployment } = this.input;
    return {
      apply: applyId,
      deployment,
      attempt: this.attempt,
      remoteApplyId: this.remoteApplyId,
      stage,
      outcome: this.outcome,
    };
  }
}
