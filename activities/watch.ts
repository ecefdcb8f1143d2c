import { Context } from '@temporalio/activity';
import { FAILURES } from '../domain/failure.js';
import { withOperationIds } from '../domain/ids.js';
import type { LiveDetail } from '../domain/live.js';
import type { Observation } from '../domain/observation.js';
import { type EndedState, OPERATION_STATE, hasEnded } from '../domain/state.js';
import type { Engine, EngineFailure } from '../tern/engine.js';
import { Beat, abandonable, pause } from './beat.js';
import type { Activities, WatchAnswer, WatchEnd, WatchInput } from './contract.js';
import { asEngineFailure, lookAgain } from './failure.js';
import type { ActivityPorts, PlanMaterial } from './ports.js';
import type { Timings } from './timings.js';
import { readDifference } from './verify-plan.js';

/** From here up an interval ends the attempt instead of sleeping inside it (design 4.4). */
const SLEEP_INSIDE_MS_MAX = 30_000;

/** The adaptive interval: a tenth of the time it has been going on, within these limits. */
const ADAPTIVE_MS = { min: 20, max: 15_000 } as const;

/** How often a parked operation is looked at, so that a change made by someone else is noticed within a minute. */
const PARKED_INTERVAL_MS = 45_000;

/** Reads in a row that must say "unknown" before a known apply counts as missing; an engine may lag behind its own writes. */
const MISSING_READS = 3;

/** Times the diff is tried before a failure is recorded without it. */
const DIFF_TRIES_AFTER_FAILURE = 3;

interface WatchDetails extends LiveDetail {
  readonly missingReads: number;
}

export function createWatch(ports: ActivityPorts): Activities['watch'] {
  return async (input) => {
    using beat = new Beat<WatchDetails>(resumeDetails(input), ports.timings);
    // Awaited here: without it the beat would end as soon as the promise is made.
    return await new Watch(ports, input, beat).run();
  };
}

/** One attempt of the watch over one remote apply. */
class Watch {
  readonly #ports: ActivityPorts;
  readonly #input: WatchInput;
  readonly #beat: Beat<WatchDetails>;
  readonly #signal = Context.current().cancellationSignal;
  readonly #scheduledAtMs = Context.current().info.scheduledTimestampMs;

  constructor(ports: ActivityPorts, input: WatchInput, beat: Beat<WatchDetails>) {
    this.#ports = ports;
    this.#input = input;
    this.#beat = beat;
  }

  async run(): Promise<WatchAnswer> {
    for (;;) {
      if (this.#signal.aborted) return Context.current().cancelled;
      this.#beat.refuseIfLost();
      const answer = await this.#look();
      if (answer !== null) return answer;
      await this.#wait();
    }
  }

  /** One look at the engine: an answer for the workflow, or null to look again. */
  async #look(): Promise<WatchAnswer | null> {
    let observation: Observation;
    try {
      observation = await abandonable(this.#engine.progress(this.#reference), this.#signal);
    } catch (error) {
      return this.#judgeFailure(asEngineFailure(error));
    }
    return this.#judge(observation);
  }

  async #judge(observation: Observation): Promise<WatchAnswer | null> {
    if (observation.state === 'missing') return this.#judgeMissing();
    const { state } = observation;
    if (
      state === 'stopped' &&
      this.#input.startedAgain &&
      Date.now() - this.#scheduledAtMs < this.#timings.startGraceMs
    )
      return null;
    if (hasEnded(state)) return this.#end(state, observation);
    this.#showObservation(observation);
    const refused = this.#refusedCutover(observation);
    if (refused !== null) return { kind: 'cutover_refused', message: refused };
    if (state === 'waiting_for_cutover') return this.#input.until === 'copy' ? { kind: 'parked' } : null;
    return this.#input.until === 'parked' ? { kind: 'left_parked', state } : null;
  }

  /** The engine settled our cutover as failed while the operation is still parked. */
  #refusedCutover(observation: Observation): string | null {
    if (this.#input.until !== 'cutover' || observation.state !== 'waiting_for_cutover') return null;
    const failed = observation.settledControls.find(
      (control) =>
        control.operation === 'cutover' &&
        control.status === 'failed' &&
        Date.parse(control.settledAt) >= this.#scheduledAtMs,
    );
    return failed === undefined ? null : failed.message || 'the engine settled the cutover as failed';
  }

  async #end(state: EndedState, observation: Observation): Promise<WatchEnd> {
    const end: WatchEnd = {
      kind: 'ended',
      state,
      message: observation.message,
      progress: observation.progress,
      drift: [],
      changeInPlace: false,
      confirmed: true,
    };
    if (state === 'completed' && !this.#input.verify && observation.progress === null) return this.#withoutTasks(end);
    if (!this.#input.verify || (state !== 'completed' && state !== 'failed')) return end;
    this.#show({
      state: 'running',
      phase: 'verifying',
      progress: observation.progress,
      detail: '',
      progressAt: new Date().toISOString(),
    });
    return state === 'completed' ? this.#verifyCompletion(end) : this.#examineFailure(end);
  }

  /** Completed, and not one task of a plan that has changes: without a verification nothing says that it was done (design 6). */
  #withoutTasks(end: WatchEnd): WatchEnd {
    const message = 'the engine reported completed for an operation without tasks, although its plan has changes';
    return { ...end, state: 'failed', message: this.#withIds(message), confirmed: false };
  }

  /** A completion counts once the engine's own diff holds nothing of this plan any more (design 4.5, I12). */
  async #verifyCompletion(end: WatchEnd): Promise<WatchEnd> {
    const plan = await this.#plan();
    let missingBefore = false;
    for (;;) {
      if (this.#signal.aborted) return Context.current().cancelled;
      try {
        const { remaining, drift } = await abandonable(
          readDifference(this.#engine, this.#input.scope, plan),
          this.#signal,
        );
        if (remaining.length === 0) return { ...end, drift };
        if (missingBefore)
          return {
            ...end,
            state: 'failed',
            drift,
            message: this.#withIds(`the engine reported completed, but ${remaining.join('; ')} is still missing`),
          };
        missingBefore = true;
        await pause(this.#timings.verifyAgainMs, this.#signal);
      } catch (error) {
        const failure = asEngineFailure(error);
        this.#show({ detail: `the verification cannot be read: ${failure.message}`, lastError: failure.message });
        await pause(this.#adaptiveMs(), this.#signal);
      }
    }
  }

  /** Before a failure is recorded the diff is read as well: the change may be there in spite of it. */
  async #examineFailure(end: WatchEnd): Promise<WatchEnd> {
    const message = this.#withIds(end.message || 'the engine reported failed without a message');
    const plan = await this.#plan();
    for (let tries = 0; tries < DIFF_TRIES_AFTER_FAILURE && !this.#signal.aborted; tries += 1) {
      try {
        const { remaining, drift } = await abandonable(
          readDifference(this.#engine, this.#input.scope, plan),
          this.#signal,
        );
        if (remaining.length > 0) return { ...end, message, drift };
        return {
          ...end,
          drift,
          changeInPlace: true,
          message: `${message}. The change is there although the engine says failed; retry verifies it and completes the operation without a new attempt`,
        };
      } catch (error) {
        asEngineFailure(error);
        await pause(this.#timings.missingAgainMs, this.#signal);
      }
    }
    return {
      ...end,
      message: `${message} (the diff could not be read, so it is not known whether the change is there)`,
    };
  }

  /** A known apply that its engine does not know: neither success nor idleness (C19). */
  async #judgeMissing(): Promise<WatchAnswer | null> {
    const missingReads = this.#beat.details.missingReads + 1;
    this.#show({
      missingReads,
      lastError: 'the engine does not know this remote apply',
      progressAt: new Date().toISOString(),
    });
    if (missingReads < MISSING_READS) {
      await pause(this.#timings.missingAgainMs, this.#signal);
      return null;
    }
    return this.#cannotTell('the engine does not know this remote apply any more, so it cannot say how it ended');
  }

  async #cannotTell(message: string): Promise<WatchEnd> {
    const end: WatchEnd = {
      kind: 'ended',
      state: 'failed',
      message,
      progress: this.#beat.details.progress,
      drift: [],
      changeInPlace: false,
      confirmed: false,
    };
    return this.#input.verify ? this.#examineFailure(end) : { ...end, message: this.#withIds(message) };
  }

  /** An error says nothing about the remote apply: it is shown and polling goes on, unless the engine will never answer (C24, C25). */
  async #judgeFailure(failure: EngineFailure): Promise<WatchAnswer | null> {
    if (failure.type === 'RemoteApplyMissing') return this.#judgeMissing();
    if (FAILURES[failure.type].retry === 'never' && failure.type !== 'ContractBroken')
      return this.#cannotTell(failure.message);
    this.#show({
      unreachableSince: this.#beat.details.unreachableSince ?? new Date().toISOString(),
      lastError: failure.message,
    });
    return null;
  }

  #showObservation(observation: Observation): void {
    const current = this.#beat.details;
    const state = observation.state === 'missing' ? current.state : observation.state;
    const stale = OPERATION_STATE[state].rank < OPERATION_STATE[current.state].rank;
    this.#show({
      state: stale ? current.state : state,
      phase: observation.phase,
      progress: observation.progress,
      detail: observation.detail || (state === 'failed_retryable' ? observation.message : ''),
      unreachableSince: null,
      lastError: null,
      missingReads: 0,
      progressAt: new Date().toISOString(),
    });
  }

  #show(change: Partial<WatchDetails>): void {
    this.#beat.show({ ...this.#beat.details, ...change });
  }

  async #wait(): Promise<void> {
    const intervalMs =
      this.#input.until === 'parked' ? PARKED_INTERVAL_MS : (this.#input.pollIntervalMs ?? this.#adaptiveMs());
    if (intervalMs >= SLEEP_INSIDE_MS_MAX) {
      this.#beat.leave();
      throw lookAgain(intervalMs, this.#withIds(this.#beat.details.state));
    }
    await pause(intervalMs, this.#signal);
  }

  #adaptiveMs(): number {
    return Math.min(ADAPTIVE_MS.max, Math.max(ADAPTIVE_MS.min, (Date.now() - this.#scheduledAtMs) / 10));
  }

  get #timings(): Timings {
    return this.#ports.timings;
  }

  async #plan(): Promise<PlanMaterial> {
    return this.#ports.plans.fetch(this.#input.scope);
  }

  get #engine(): Engine {
    return this.#ports.engines.engineFor(this.#input.scope.deployment);
  }

  get #reference() {
    return {
      remoteApplyId: this.#input.remoteApplyId,
      remoteOperationId: this.#input.remoteOperationId,
      environment: this.#input.scope.environment,
    };
  }

  #withIds(message: string): string {
    return withOperationIds(message, { ...this.#input.scope, remoteApplyId: this.#input.remoteApplyId });
  }
}

function resumeDetails(input: WatchInput): WatchDetails {
  const earlier: unknown = Context.current().info.heartbeatDetails;
  const known = typeof earlier === 'object' && earlier !== null ? (earlier as Partial<WatchDetails>) : {}; // only this activity writes them
  return {
    state: input.until === 'copy' ? 'running' : 'waiting_for_cutover',
    phase: null,
    progress: null,
    detail: '',
    unreachableSince: null,
    lastError: null,
    progressAt: null,
    missingReads: 0,
    ...known,
    started: true,
    startedAt: input.scope.startedAt,
    remoteApplyId: input.remoteApplyId,
  };
}
