import { Context } from '@temporalio/activity';
import { FAILURES } from '../domain/failure.js';
import { withOperationIds } from '../domain/ids.js';
import type { LiveDetail } from '../domain/live.js';
import type { Observation } from '../domain/observation.js';
import { type EndedState, OPERATION_STATE, type OperationState, hasEnded } from '../domain/state.js';
import type { Engine, EngineFailure } from '../tern/engine.js';
import { Beat, abandonable, pause } from './beat.js';
import type { Activities, ParkedState, WatchAnswer, WatchEnd, WatchInput, WatchUntil } from './contract.js';
import { asEngineFailure, lookAgain } from './failure.js';
import { Pace, parkedIntervalMs } from './pace.js';
import type { ActivityPorts } from './ports.js';
import { type SettlingControl, failedSince } from './settled.js';
import type { Timings } from './timings.js';
import { type Verifier, examineFailure, verifyEnd } from './verify-end.js';

/** From here up an interval ends the attempt instead of sleeping inside it (design 4.4). */
const SLEEP_INSIDE_MS_MAX = 30_000;

/** Reads in a row that must say "unknown" before a known apply counts as missing; an engine may lag behind its own writes. */
const MISSING_READS = 3;

/** The state in which a watch begins; what is shown until the engine has been asked. */
const BEGINS_IN = {
  copy: 'running',
  parked: 'waiting_for_cutover',
  cutover: 'waiting_for_cutover',
  window: 'revert_window',
  revert: 'revert_window',
  end: 'running',
} as const satisfies Record<WatchUntil, OperationState>;

interface WatchDetails extends LiveDetail {
  readonly missingReads: number;
}

export function createWatch(ports: ActivityPorts): Activities['watch'] {
  return async (input) => {
    using beat = new Beat<WatchDetails>(resumeDetails(input), ports.timings);
    using pace = new Pace({
      startedAtMs: Context.current().info.scheduledTimestampMs,
      askedMs: input.pollIntervalMs,
    });
    // Awaited here: without it the beat would end as soon as the promise is made.
    return await new Watch({ ports, input, beat, pace }).run();
  };
}

/** One attempt of the watch over one remote apply. */
class Watch {
  readonly #ports: ActivityPorts;
  readonly #input: WatchInput;
  readonly #beat: Beat<WatchDetails>;
  readonly #pace: Pace;
  readonly #signal = Context.current().cancellationSignal;
  readonly #scheduledAtMs = Context.current().info.scheduledTimestampMs;

  constructor(params: {
    readonly ports: ActivityPorts;
    readonly input: WatchInput;
    readonly beat: Beat<WatchDetails>;
    readonly pace: Pace;
  }) {
    this.#ports = params.ports;
    this.#input = params.input;
    this.#beat = params.beat;
    this.#pace = params.pace;
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
    if (hasEnded(state)) return verifyEnd(endOf(state, observation), this.#verifier);
    this.#showObservation(observation);
    return this.#newsOf(state, observation);
  }

  /** What a live state is to a watch that began where this one did. */
  #newsOf(state: OperationState, observation: Observation): WatchAnswer | null {
    switch (this.#input.until) {
      case 'copy':
        return isParked(state) ? { kind: 'parked', state } : null;
      case 'parked':
      case 'window':
        return state === BEGINS_IN[this.#input.until] ? null : { kind: 'left_parked', state };
      case 'cutover': {
        if (state === 'revert_window') return { kind: 'parked', state };
        const message = state === 'waiting_for_cutover' ? this.#refusal(observation, 'cutover') : null;
        return message === null ? null : { kind: 'cutover_refused', message };
      }
      case 'revert': {
        const message = state === 'revert_window' ? this.#refusal(observation, 'revert') : null;
        return message === null ? null : { kind: 'revert_refused', message };
      }
      case 'end':
        return state === 'revert_window' ? { kind: 'parked', state } : null;
    }
  }

  /** The state is still what it was before our request, and the engine settled that as failed, or has had long enough. */
  #refusal(observation: Observation, control: SettlingControl): string | null {
    const failed = failedSince(observation, control, this.#input.settledBefore);
    const waitedMs = Date.now() - this.#scheduledAtMs;
    if (failed !== null || waitedMs < this.#timings.requestSettlesMs) return failed;
    const seconds = Math.round(waitedMs / 1_000);
    return this.#withIds(
      `the engine accepted it and still says ${observation.state} after ${seconds} s; it may carry it out later all the same`,
    );
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
    return this.#input.verify ? examineFailure(end, this.#verifier) : { ...end, message: this.#withIds(message) };
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
    const now = new Date().toISOString();
    const parked = isParked(state);
    this.#show({
      state: stale ? current.state : state,
      phase: observation.phase,
      progress: observation.progress,
      detail: observation.detail || (state === 'failed_retryable' ? observation.message : ''),
      unreachableSince: null,
      lastError: null,
      missingReads: 0,
      progressAt: now,
      parkedSince: parked ? ((current.state === state ? current.parkedSince : null) ?? now) : null,
      parkedUntil: parked ? observation.parkedUntil : null,
    });
  }

  #show(change: Partial<WatchDetails>): void {
    this.#beat.show({ ...this.#beat.details, ...change });
  }

  /** What is parked may stay so for days: it holds no slot between two looks, and a look at it adds nothing to the history. */
  async #wait(): Promise<void> {
    const restsBetweenLooks = this.#input.until === 'parked' || this.#input.until === 'window';
    const { parkedMsMax } = this.#timings;
    const intervalMs = restsBetweenLooks
      ? parkedIntervalMs({ askedMs: this.#input.pollIntervalMs, parkedMsMax })
      : this.#pace.lookMs;
    if (restsBetweenLooks || intervalMs >= SLEEP_INSIDE_MS_MAX) {
      this.#beat.leave();
      throw lookAgain(intervalMs, this.#withIds(this.#beat.details.state));
    }
    await pause(intervalMs, this.#signal);
  }

  get #verifier(): Verifier {
    return {
      ports: this.#ports,
      input: this.#input,
      shown: () => this.#beat.details,
      show: (change) => this.#show(change),
      retryMs: () => this.#pace.retryMs,
    };
  }

  get #timings(): Timings {
    return this.#ports.timings;
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

function endOf(state: EndedState, { message, progress }: Observation): WatchEnd {
  return { kind: 'ended', state, message, progress, drift: [], changeInPlace: false, confirmed: true };
}

function isParked(state: OperationState): state is ParkedState {
  return state === 'waiting_for_cutover' || state === 'revert_window';
}

function resumeDetails(input: WatchInput): WatchDetails {
  const earlier: unknown = Context.current().info.heartbeatDetails;
  const known = typeof earlier === 'object' && earlier !== null ? (earlier as Partial<WatchDetails>) : {}; // only this activity writes them
  return {
    state: BEGINS_IN[input.until],
    phase: null,
    progress: null,
    detail: '',
    unreachableSince: null,
    lastError: null,
    progressAt: null,
    parkedSince: null,
    parkedUntil: null,
    missingReads: 0,
    ...known,
    started: true,
    startedAt: input.scope.startedAt,
    remoteApplyId: input.remoteApplyId,
  };
}
