import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type {
  Activities,
  DispatchAnswer,
  OperationScope,
  ResolveAnswer,
  WatchAnswer,
  WatchEnd,
} from '../activities/contract.js';
import { idempotencyKey, withOperationIds } from '../domain/ids.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { EndReason } from '../domain/state.js';
import { failedRun } from './failed-run.js';
import {
  type GiveUpMessage,
  type HaltMessage,
  type OperationQueryAnswer,
  type OperationReport,
  admitSignal,
  cancelOperationSignal,
  giveUpSignal,
  haltSignal,
  operationQuery,
  permitSignal,
  reportSignal,
} from './messages.js';
import type { Halt, OperationInput } from './operation-input.js';
import { callOptions, controlOptions, watchOptions } from './options.js';
import { type Settled, onCancellation, settled } from './scope.js';

/**
 * One deployment's part of an apply: waits to be admitted, dispatches once, watches to the end. Its workflow id is its
 * target, so Temporal itself holds the target for it (I11). Completes with the outcome, or fails with `OperationFailed`
 * carrying it (design 3.5).
 */
export async function operation(input: OperationInput): Promise<OperationOutcome> {
  const run = new OperationRun(input);
  const outcome = await CancellationScope.nonCancellable(() => run.toTheEnd());
  if (outcome.state === 'failed') throw failedRun('OperationFailed', outcome.message, outcome);
  return outcome;
}

class OperationRun {
  readonly #input: OperationInput;
  readonly #calls: Activities;
  readonly #controls: Activities;
  readonly #watches: Activities;
  #admitted: boolean;
  #permitted = false;
  #halt: Halt | null;
  #givenUp: GiveUpMessage | null = null;
  #attempt: number;
  /** Written once per attempt (I6), and in history before anyone else hears of it. */
  #remote: { readonly applyId: string; readonly operationId: string | null } | null;
  #started: boolean;
  #startedAt: string | null;
  #startedAgain = false;
  #dispatch: OperationOutcome['dispatch'] = 'none';
  #resolvedBy: OperationOutcome['resolvedBy'] = null;
  #parked = false;
  #outcome: OperationOutcome | null = null;
  /** Cancelled by a halt, so that a dispatch that waits for its engine gives way. */
  #forward = new CancellationScope({ cancellable: true });

  constructor(input: OperationInput) {
    this.#input = input;
    this.#calls = proxyActivities<Activities>(callOptions(input.queue));
    this.#controls = proxyActivities<Activities>(controlOptions(input.queue));
    this.#watches = proxyActivities<Activities>(watchOptions(input.queue));
    this.#admitted = input.admitted;
    this.#halt = input.halt;
    const { initial } = input;
    this.#attempt = initial.attempt;
    this.#remote =
      initial.remoteApplyId === null
        ? null
        : { applyId: initial.remoteApplyId, operationId: initial.remoteOperationId };
    this.#started = initial.started;
    this.#startedAt = initial.startedAt;
    if (this.#remote !== null) this.#dispatch = 'confirmed';
    this.#listen();
  }

  /** The story. Each step returns the outcome when it is the last one, and null to go on. */
  async toTheEnd(): Promise<OperationOutcome> {
    await condition(() => this.#admitted || this.#halted);
    this.#outcome =
      (await this.#endBeforeDispatch()) ??
      (await this.#settleEarlierAttempt()) ??
      (await this.#reachRemote()) ??
      (await this.#follow());
    return this.#outcome;
  }

  #listen(): void {
    setHandler(
      haltSignal,
      (message?: HaltMessage) => this.#stop({ by: 'stop', reason: message?.reason ?? 'operator' }),
      { description: 'Stop this deployment. Resumable.' },
    );
    setHandler(
      cancelOperationSignal,
      (message?: HaltMessage) => this.#stop({ by: 'cancel', reason: message?.reason ?? 'operator' }),
      { description: 'End this deployment for good.' },
    );
    setHandler(admitSignal, () => {
      this.#admitted = true;
    });
    setHandler(permitSignal, () => {
      this.#permitted = true;
    });
    setHandler(giveUpSignal, (message) => {
      this.#givenUp ??= message;
      this.#forward.cancel();
    });
    setHandler(operationQuery, () => this.#describe());
    onCancellation(() => this.#stop({ by: 'stop', reason: 'operator' }));
  }

  /** A cancel outranks a stop; neither is ever taken back (I7). */
  #stop(halt: Halt): void {
    if (this.#halt === null || (this.#halt.by === 'stop' && halt.by === 'cancel')) this.#halt = halt;
    this.#forward.cancel();
  }

  get #halted(): boolean {
    return this.#halt !== null || this.#givenUp !== null;
  }

  /** Halted before anything of it can be going on: it ends here, with no call to its engine. */
  async #endBeforeDispatch(): Promise<OperationOutcome | null> {
    if (this.#givenUp !== null) return this.#giveUp(this.#givenUp);
    if (this.#halt === null) return null;
    const nothingToEnd = this.#input.initial.atRest && (this.#halt.by === 'stop' || !this.#started);
    return nothingToEnd ? this.#endHalted(this.#halt) : null;
  }

  /**
   * An earlier attempt whose end nobody knows comes first: it is found by its remote id or its own key, and only once
   * it is known to have ended is there a new attempt (design 4).
   */
  async #settleEarlierAttempt(): Promise<OperationOutcome | null> {
    const earlier = this.#input.initial.unsettled;
    if (earlier === null) return null;
    const newAttempt = this.#attempt;
    this.#attempt = earlier.attempt;
    if (earlier.remoteApplyId !== null) this.#remote = { applyId: earlier.remoteApplyId, operationId: null };
    else {
      const unknown = await this.#resolve(this.#halted ? 'stop' : 'settle');
      if (unknown !== null) return unknown;
    }
    if (this.#remote !== null) {
      const end = await this.#follow();
      if (end.state === 'completed' || this.#halted) return end;
    }
    if (this.#halt !== null) return this.#endHalted(this.#halt);
    this.#attempt = newAttempt;
    this.#remote = null;
    this.#dispatch = 'none';
    this.#resolvedBy = null;
    this.#startedAgain = false;
    return null;
  }

  /** Gets this attempt a remote apply: the one it had, started again, or a new one. Null once it has one to follow. */
  async #reachRemote(): Promise<OperationOutcome | null> {
    if (this.#remote !== null) return this.#halted ? null : this.#startAgain(this.#remote.applyId);
    if (this.#input.initial.verifyFirst && !this.#halted) {
      const done = await this.#verifyFirst();
      if (done !== null) return done;
    }
    const answer = await this.#send();
    switch (answer?.kind) {
      case 'accepted':
        return this.#record(answer.remoteApplyId, answer.remoteOperationId);
      case 'refused':
        this.#started ||= answer.sent;
        return this.#finish({ state: 'failed', message: answer.message });
      case 'unconfirmed':
        this.#started = true;
        this.#dispatch = 'unconfirmed';
        return this.#finish({ state: 'failed', message: answer.message, confirmed: false });
      case 'not_sent':
      case undefined:
        return this.#afterSilence(answer);
    }
  }

  /** Sends Apply, unless it is halted: checked here, with no wait between the check and the call (I2). Null when no answer came back. */
  async #send(): Promise<DispatchAnswer | null> {
    if (this.#halted) return this.#started ? null : { kind: 'not_sent', activityAttempt: 1 };
    const startedAt = this.#startedAt ?? now();
    const before = this.#startedAt;
    this.#startedAt = startedAt;
    try {
      const answer = await this.#forward.run(() =>
        this.#calls.dispatch({ scope: this.#scope, idempotencyKey: this.#key, allowUnsafe: this.#input.allowUnsafe }),
      );
      if (answer.kind === 'not_sent' && !this.#started) this.#startedAt = before;
      return answer;
    } catch (error) {
      if (this.#halted) return null;
      throw error;
    }
  }

  /** No answer: it never left, or nobody knows. Only the first attempt of the activity can say that it never left (design 4.2). */
  async #afterSilence(answer: Extract<DispatchAnswer, { kind: 'not_sent' }> | null): Promise<OperationOutcome | null> {
    if (this.#givenUp !== null) return this.#giveUp(this.#givenUp);
    if (answer?.activityAttempt === 1 && !this.#started)
      return this.#endHalted(this.#halt ?? { by: 'stop', reason: 'operator' });
    this.#started = true;
    const unknown = await this.#resolve('stop');
    if (unknown !== null) return unknown;
    return this.#remote === null ? this.#endHalted(this.#halt ?? { by: 'stop', reason: 'operator' }) : null;
  }

  /** Finds out by key what became of a send whose answer was lost. Null once that is known, with the remote id if there is one. */
  async #resolve(purpose: 'stop' | 'settle'): Promise<OperationOutcome | null> {
    const scope = new CancellationScope({ cancellable: true });
    const input = { scope: this.#scope, idempotencyKey: this.#key, allowUnsafe: this.#input.allowUnsafe, purpose };
    const resolving = settled(scope.run(() => this.#controls.resolveDispatch(input)));
    await condition(() => resolving.done || this.#givenUp !== null);
    if (this.#givenUp !== null) {
      scope.cancel();
      return this.#giveUp(this.#givenUp);
    }
    return this.#recordResolved(await resolving.promise);
  }

  #recordResolved(answer: ResolveAnswer): OperationOutcome | null {
    if (answer.kind === 'unconfirmed') {
      this.#dispatch = 'unconfirmed';
      return this.#finish({ state: 'failed', message: this.#withIds(answer.message), confirmed: false });
    }
    this.#resolvedBy = answer.resolvedBy;
    if (answer.kind === 'found') return this.#record(answer.remoteApplyId, answer.remoteOperationId);
    this.#started = this.#input.initial.started;
    return null;
  }

  /** A remote id is written once per attempt; an empty or a different one fails closed (I6, design 6). */
  #record(remoteApplyId: string, remoteOperationId: string | null): OperationOutcome | null {
    this.#started = true;
    const known = this.#remote?.applyId ?? null;
    if (remoteApplyId === '' || (known !== null && known !== remoteApplyId)) {
      const message = `the engine answered with remote apply "${remoteApplyId}" where ${known ?? 'an id'} was due; nothing of the answer is believed`;
      return this.#finish({ state: 'failed', message: this.#withIds(message), confirmed: false });
    }
    this.#remote = { applyId: remoteApplyId, operationId: remoteOperationId };
    this.#dispatch = 'confirmed';
    return null;
  }

  async #startAgain(remoteApplyId: string): Promise<OperationOutcome | null> {
    try {
      const answer = await this.#forward.run(() =>
        this.#calls.startRemote({
          scope: this.#scope,
          remoteApplyId,
          remoteOperationId: this.#remote?.operationId ?? null,
        }),
      );
      this.#startedAgain = answer.kind === 'going';
      return answer.kind === 'refused' ? this.#finish({ state: 'failed', message: answer.message }) : null;
    } catch (error) {
      if (this.#halted) return null;
      throw error;
    }
  }

  /**
   * The change was found in place although the engine said failed: done, if the diff still says so (design 4.5). Where
   * the diff cannot be had the attempt goes ahead: the engine compares the live schema itself before it runs anything.
   */
  async #verifyFirst(): Promise<OperationOutcome | null> {
    try {
      const { remaining, drift } = await this.#forward.run(() => this.#calls.verifyPlan(this.#scope));
      return remaining.length === 0
        ? this.#finish({ state: 'completed', drift, message: 'the change was in place already' })
        : null;
    } catch {
      return null;
    }
  }

  /** Watches the remote apply to its end. Beside the watch runs, once there is a halt, the control that delivers it. */
  async #follow(): Promise<OperationOutcome> {
    let until: 'copy' | 'parked' | 'cutover' = 'copy';
    for (;;) {
      const news = await this.#watchUntilNews(until);
      switch (news.kind) {
        case 'ended':
          return this.#finishWatched(news);
        case 'given_up':
          return this.#giveUp(news.message);
        case 'look_again':
          until = 'cutover';
          break;
        case 'parked':
          this.#report('parked', '');
          until = 'parked';
          break;
        case 'left_parked':
          this.#report('left_parked', '');
          until = 'cutover';
          break;
        case 'cutover_refused':
          this.#permitted = false;
          this.#report('cutover_refused', news.message);
          until = 'parked';
          break;
        case 'permitted':
          until = await this.#cutOver();
          break;
      }
    }
  }

  async #watchUntilNews(until: 'copy' | 'parked' | 'cutover'): Promise<News> {
    const scope = new CancellationScope({ cancellable: true });
    const input = {
      ...this.#remoteInput,
      pollIntervalMs: this.#input.pollIntervalMs,
      verify: this.#input.verify,
      until,
      startedAgain: this.#startedAgain,
    };
    const watching = settled(scope.run(() => this.#watches.watch(input)));
    await condition(() => watching.value !== null || this.#halted || (until === 'parked' && this.#permitted));
    const news = await this.#judgeNews(watching);
    if (watching.value === null) scope.cancel();
    return news;
  }

  async #judgeNews(watching: Settled<WatchAnswer>): Promise<News> {
    if (this.#givenUp !== null) return { kind: 'given_up', message: this.#givenUp };
    if (
      watching.value !== null &&
      !this.#isResting(watching.value) &&
      (watching.value.kind === 'ended' || this.#halt === null)
    )
      return watching.value;
    return this.#halt === null ? { kind: 'permitted' } : this.#haltRemote(this.#halt, watching);
  }

  /** `stopped` is no end while a cancel is being delivered: only CANCELLED, or another end, is (C38). */
  #isResting(answer: WatchAnswer): boolean {
    return this.#halt?.by === 'cancel' && answer.kind === 'ended' && answer.state === 'stopped';
  }

  /** Delivers a halt while the watch goes on; whichever sees the end first tells it. */
  async #haltRemote(halt: Halt, watching: Settled<WatchAnswer>): Promise<News> {
    const scope = new CancellationScope({ cancellable: true });
    const controlling = settled(scope.run(() => this.#controls.control({ ...this.#remoteInput, control: halt.by })));
    const watched = () =>
      watching.value?.kind === 'ended' && !this.#isResting(watching.value) ? watching.value : null;
    await condition(
      () => watched() !== null || controlling.value !== null || this.#givenUp !== null || this.#halt !== halt,
    );
    if (controlling.value === null) scope.cancel();
    if (this.#givenUp !== null) return { kind: 'given_up', message: this.#givenUp };
    const end = watched();
    if (end !== null) return end;
    if (controlling.value === null) return { kind: 'look_again' };
    const { state } = controlling.value;
    if (this.#input.verify && (state === 'completed' || state === 'failed')) return this.#verifyEnd();
    return { kind: 'ended', drift: [], changeInPlace: false, ...controlling.value };
  }

  /** The control saw an end that has to be verified before it counts: a fresh watch reads it at once. */
  async #verifyEnd(): Promise<News> {
    const answer = await this.#watches.watch({
      ...this.#remoteInput,
      pollIntervalMs: null,
      verify: true,
      until: 'cutover',
      startedAgain: false,
    });
    return answer;
  }

  async #cutOver(): Promise<'parked' | 'cutover'> {
    if (this.#halted) return 'parked';
    const answer = await this.#calls.cutover(this.#remoteInput);
    if (answer.kind !== 'refused') return 'cutover';
    this.#permitted = false;
    this.#report('cutover_refused', answer.message);
    return 'parked';
  }

  #report(report: OperationReport['report'], message: string): void {
    this.#parked = report !== 'left_parked';
    const parent = getExternalWorkflowHandle(this.#input.applyId);
    const { deployment } = this.#input;
    void parent
      .signal(reportSignal, {
        deployment,
        attempt: this.#attempt,
        report,
        remoteApplyId: this.#remote?.applyId ?? null,
        message,
      })
      .catch(() => undefined);
  }

  #finishWatched(end: WatchEnd): OperationOutcome {
    const byUs = end.state === 'stopped' || end.state === 'cancelled' ? (this.#halt?.reason ?? 'engine') : null;
    return this.#finish({ ...end, reason: byUs });
  }

  #endHalted(halt: Halt): OperationOutcome {
    return this.#finish({ state: halt.by === 'cancel' ? 'cancelled' : 'stopped', reason: halt.reason });
  }

  /** A named person gives it up: ended without the engine's word, and no setback (I3). */
  #giveUp(message: GiveUpMessage): OperationOutcome {
    const who = message.by ?? 'an unnamed person';
    const text = `given up by ${who}: ${message.reason}. The engine never confirmed how it ended; key ${this.#key}`;
    return this.#finish({ state: 'failed', message: this.#withIds(text), confirmed: false, skipped: true });
  }

  #finish(
    end: { readonly state: OperationOutcome['state'] } & Partial<
      Pick<OperationOutcome, 'message' | 'confirmed' | 'skipped' | 'drift' | 'changeInPlace' | 'progress'>
    > & { readonly reason?: EndReason | null },
  ): OperationOutcome {
    const { deployment, target } = this.#input;
    return {
      deployment,
      target,
      state: end.state,
      reason: end.reason ?? null,
      started: this.#started,
      confirmed: end.confirmed ?? true,
      skipped: end.skipped ?? false,
      attempt: this.#attempt,
      remoteApplyId: this.#remote?.applyId ?? null,
      remoteOperationId: this.#remote?.operationId ?? null,
      dispatch: this.#dispatch,
      resolvedBy: this.#resolvedBy,
      message: end.message ?? '',
      drift: end.drift ?? [],
      changeInPlace: end.changeInPlace ?? false,
      progress: end.progress ?? null,
      startedAt: this.#started ? this.#startedAt : null,
      completedAt: end.state === 'stopped' ? null : now(),
    };
  }

  get #remoteInput() {
    if (this.#remote === null) throw new Error(`operation ${this.#input.deployment} has no remote apply to call`);
    return { scope: this.#scope, remoteApplyId: this.#remote.applyId, remoteOperationId: this.#remote.operationId };
  }

  get #scope(): OperationScope {
    const { applyId, applyRunId, deployment, target, database, type, environment, planId, planDigest, caller } =
      this.#input;
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
      attempt: this.#attempt,
    };
  }

  /** Made here, so that it is the same for every repeat of this attempt, whatever crashes (C02). */
  get #key(): string {
    return idempotencyKey({ ...this.#input, attempt: this.#attempt });
  }

  #withIds(message: string): string {
    return withOperationIds(message, {
      deployment: this.#input.deployment,
      remoteApplyId: this.#remote?.applyId ?? null,
      attempt: this.#attempt,
    });
  }

  #describe(): OperationQueryAnswer {
    const stage = this.#outcome !== null ? 'ended' : this.#parked ? 'parked' : this.#admitted ? 'admitted' : 'pending';
    return {
      apply: this.#input.applyId,
      deployment: this.#input.deployment,
      attempt: this.#attempt,
      remoteApplyId: this.#remote?.applyId ?? null,
      stage,
      outcome: this.#outcome,
    };
  }
}

/** What ends one round of watching. */
type News =
  | WatchAnswer
  | { readonly kind: 'permitted' }
  | { readonly kind: 'look_again' }
  | { readonly kind: 'given_up'; readonly message: GiveUpMessage };

function now(): string {
  return new Date().toISOString();
}
