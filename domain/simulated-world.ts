import { type ControlRequest, describeStates } from './admission.js';
import { admitControl } from './control.js';
import { type ControlFacts, type Situation, type WaitingFor, deriveWaitingFor } from './derive.js';
import { type Decision, type RolloutOperation, decide } from './rollout.js';
import type { Reach } from './simulate.js';
import type { SimulatedControl, SimulatedOperation, SimulationEvent, SimulationInput } from './simulation-input.js';
import { waveIndexes } from './spec.js';
import type { EndReason, OperationState } from './state.js';
import { hasEnded } from './state.js';
import { isoTime } from './time.js';
import { type WaveRecord, bakedAtMs, expiresAtMs, freshWave, nextWave, waveFacts } from './wave.js';

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** One deployment of a simulated rollout. */
export interface SimulatedState extends Mutable<RolloutOperation> {
  readonly behaviour: SimulatedOperation;
  /** When its engine gets to its next state by itself; null while it waits. */
  dueMs: number | null;
  startedAtMs: number | null;
  /** Its cutover has begun. */
  cutOver: boolean;
  endedAtMs: number | null;
}

/** Decisions never need more rounds than this to come to rest at one moment. */
const ROUNDS_MAX = 1_000;

/** The engines, the people and the clock of a simulated rollout. Holds no rule of its own: it asks `decide`. */
export class SimulatedWorld {
  readonly operations: readonly SimulatedState[];
  readonly events: SimulationEvent[] = [];
  nowMs = 0;
  readonly #input: SimulationInput;
  readonly #waves: WaveRecord[];
  readonly #controls: Mutable<ControlFacts> = { stop: false, cancel: false, release: false };
  #people: readonly SimulatedControl[];
  /** The wait that a person ends: since when, and whether it was answered and goes on all the same. */
  #waiting: { readonly waitsFor: WaitingFor; readonly sinceMs: number; readonly isAnswered: boolean } | null = null;

  constructor(input: SimulationInput) {
    const waves = waveIndexes(input.policy);
    this.#input = input;
    this.#waves = input.policy.waves.map(({ name }) => freshWave(name));
    this.#people = input.controls.toSorted((one, other) => one.atMs - other.atMs);
    this.operations = input.operations.map(
      (behaviour): SimulatedState => ({
        behaviour,
        deployment: behaviour.deployment,
        wave: waves.get(behaviour.deployment) ?? 0,
        state: behaviour.nothingToDo ? 'completed' : 'pending',
        admitted: false,
        permitted: false,
        cutoverRefused: false,
        cutoverAsked: false,
        cancelAsked: false,
        started: false,
        reachable: true,
        reason: behaviour.nothingToDo ? 'nothing_to_do' : null,
        skipped: false,
        resumes: false,
        atRest: true,
        dueMs: null,
        startedAtMs: null,
        endedAtMs: behaviour.nothingToDo ? 0 : null,
        cutOver: false,
      }),
    );
  }

  /** How far it has come. Under `rolling` nobody knows when an engine cuts over, so what has started counts as changed. */
  reach(): Reach {
    const started = this.operations.filter(({ startedAtMs }) => startedAtMs !== null).length;
    const isRolling = this.#input.policy.cutover === 'rolling';
    return { started, changed: isRolling ? started : this.operations.filter(({ cutOver }) => cutOver).length };
  }

  situation(): Situation & { readonly operations: readonly RolloutOperation[] } {
    return {
      policy: this.#input.policy,
      operations: this.operations,
      waves: waveFacts(this.#waves, this.#input.policy, this.nowMs),
      controls: this.#controls,
    };
  }

  /** Does what is decided until there is nothing new to do, as the apply workflow does between two events. */
  carryOutDecisions(): void {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      this.#noteEndedWaves();
      const decision = decide(this.situation());
      if (!this.#carryOut(decision)) {
        this.#noteGate(decision);
        return;
      }
    }
    throw new Error('the decisions of a simulated rollout never come to rest');
  }

  /** Moves the clock to the next thing that happens; false when nothing does. */
  advance(): boolean {
    const moments = [this.#nextEngineMs(), this.#people[0]?.atMs ?? null, this.#nextWaveMs(), this.#nextAnswerMs()];
    const known = moments.filter((moment) => moment !== null);
    if (known.length === 0) return false;
    this.nowMs = Math.max(this.nowMs, Math.min(...known));
    this.#moveEngines();
    this.#sendControls();
    this.#expireGates();
    this.#answerWaits();
    return true;
  }

  #carryOut(decision: Decision): boolean {
    for (const { deployment, as, reason } of decision.end) this.#end(this.#find(deployment), as, reason);
    const halted = decision.halt.map(({ deployment, by, reason }) => this.#halt(this.#find(deployment), by, reason));
    if (decision.startWave !== null) this.#startWave(decision.startWave);
    for (const deployment of decision.admit) this.#dispatch(this.#find(deployment));
    for (const deployment of decision.permit) this.#cutOver(this.#find(deployment));
    const done = decision.end.length + decision.admit.length + decision.permit.length;
    return done > 0 || decision.startWave !== null || halted.includes(true);
  }

  #startWave(index: number): void {
    this.#waves[index] = { ...this.#wave(index), startedAt: this.#iso() };
    if (this.#waves.length > 1) this.#tell(this.#wave(index).name, 'wave started');
  }

  #dispatch(operation: SimulatedState): void {
    const { copyMs, failsAfterMs } = operation.behaviour;
    operation.admitted = true;
    operation.started = true;
    operation.state = 'running';
    operation.startedAtMs = this.nowMs;
    operation.dueMs = this.nowMs + (failsAfterMs === null ? copyMs : Math.min(copyMs, failsAfterMs));
    this.#tell(operation.deployment, 'started');
  }

  #cutOver(operation: SimulatedState): void {
    operation.permitted = true;
    operation.cutoverAsked = false;
    operation.state = 'cutting_over';
    operation.cutOver = true;
    operation.dueMs = this.nowMs + operation.behaviour.cutoverMs;
    this.#tell(operation.deployment, 'cutover begun');
  }

  /** An engine stops at once what still copies or is parked; a swap that has begun comes to its end. */
  #halt(operation: SimulatedState, by: 'stop' | 'cancel', reason: EndReason): boolean {
    if (operation.state === 'cutting_over') return false;
    this.#end(operation, by === 'cancel' ? 'cancelled' : 'stopped', reason);
    return true;
  }

  #end(operation: SimulatedState, state: OperationState, reason: EndReason | null): void {
    operation.state = state;
    operation.reason = reason;
    operation.admitted = operation.started;
    operation.dueMs = null;
    operation.endedAtMs = this.nowMs;
    this.#tell(operation.deployment, `${state}${reason === null ? '' : ` (${reason})`}`);
  }

  #nextEngineMs(): number | null {
    const due = this.operations.flatMap(({ dueMs }) => (dueMs === null ? [] : [dueMs]));
    return due.length === 0 ? null : Math.min(...due);
  }

  #moveEngines(): void {
    for (const operation of this.operations) {
      if (operation.dueMs === null || operation.dueMs > this.nowMs) continue;
      operation.dueMs = null;
      const { failsAfterMs, copyMs, failsAtCutover } = operation.behaviour;
      if (operation.state === 'running' && failsAfterMs !== null && failsAfterMs <= copyMs)
        this.#end(operation, 'failed', null);
      else if (operation.state === 'running' && this.#input.policy.cutover !== 'rolling') {
        operation.state = 'waiting_for_cutover';
        this.#tell(operation.deployment, 'copy ready, parked');
      } else this.#end(operation, failsAtCutover && operation.cutOver ? 'failed' : 'completed', null);
    }
  }

  #sendControls(): void {
    const due = this.#people.filter(({ atMs }) => atMs <= this.nowMs);
    this.#people = this.#people.filter(({ atMs }) => atMs > this.nowMs);
    for (const control of due) this.#send(control);
  }

  #send({ name, deployments, wave }: SimulatedControl): void {
    const request: ControlRequest = {
      name,
      deployments,
      wave,
      all: false,
      unconfirmed: false,
      reason: null,
      environment: null,
    };
    const admission = admitControl(request, { ...this.situation(), apply: 'simulated', environment: '' });
    if (admission.kind !== 'accepted') {
      this.#tell(null, `${name}: ${admission.kind === 'already' ? 'done already' : admission.because}`);
      return;
    }
    const named = admission.deployments.length === 0 ? '' : ` ${admission.deployments.join(', ')}`;
    this.#tell(null, `${name}${admission.wave === null ? '' : ` wave ${admission.wave}`}${named}`);
    const index = this.#waves.findIndex((record) => record.name === admission.wave);
    switch (name) {
      case 'stop':
      case 'release':
        this.#controls[name] = true;
        break;
      case 'cancel':
        if (deployments.length === 0) this.#controls.cancel = true;
        for (const deployment of admission.deployments) this.#find(deployment).cancelAsked = true;
        break;
      case 'approve':
        this.#waves[index] = { ...this.#wave(index), approvedAt: this.#iso() };
        break;
      case 'reject':
        this.#waves[index] = { ...this.#wave(index), barred: 'operator' };
        break;
      case 'cutover':
        for (const deployment of admission.deployments) this.#find(deployment).cutoverAsked = true;
        break;
    }
  }

  #noteEndedWaves(): void {
    this.#waves.forEach((record, index) => {
      const isEnded = this.operations.every(({ wave, state }) => wave !== index || hasEnded(state));
      if (isEnded && record.endedAt === null) this.#waves[index] = { ...record, endedAt: this.#iso() };
    });
  }

  #noteGate({ wait }: Decision): void {
    this.#waves.forEach((record, index) => {
      const isWaited = wait?.waitsFor === 'gate' && wait.index === index;
      if (isWaited && record.gateSince === null) {
        this.#waves[index] = { ...record, gateSince: this.#iso() };
        this.#tell(record.name, 'gate waits for approve');
      }
    });
  }

  /** The end of a bake, or the expiry of a gate, whichever is next. */
  #nextWaveMs(): number | null {
    const next = nextWave(this.#input.policy, this.operations, this.situation().waves);
    if (next?.waitsFor === 'bake') {
      const bakeTimeMs = this.#input.policy.waves[next.index - 1]?.bakeTimeMs ?? 0;
      return bakedAtMs(this.#wave(next.index - 1), bakeTimeMs);
    }
    if (next?.waitsFor !== 'gate') return null;
    return expiresAtMs(this.#wave(next.index), this.#input.policy.waves[next.index]?.expiresAfterMs ?? null);
  }

  #expireGates(): void {
    this.#waves.forEach((record, index) => {
      const expiresMs = expiresAtMs(record, this.#input.policy.waves[index]?.expiresAfterMs ?? null);
      const isOpen = record.startedAt === null && record.approvedAt === null && record.barred === null;
      if (!isOpen || expiresMs === null || expiresMs > this.nowMs) return;
      this.#waves[index] = { ...record, barred: 'deadline' };
      this.#tell(record.name, 'gate expired');
    });
  }

  /** When the simulated person answers what is waited for; null when nobody is asked, or nobody answers. */
  #nextAnswerMs(): number | null {
    const waitingFor = deriveWaitingFor(this.situation());
    const afterMs =
      waitingFor === 'gate' ? this.#input.approveAfterMs : waitingFor === 'cutover' ? this.#input.cutoverAfterMs : null;
    if (waitingFor === null || afterMs === null) {
      this.#waiting = null;
      return null;
    }
    if (this.#waiting?.waitsFor !== waitingFor)
      this.#waiting = { waitsFor: waitingFor, sinceMs: this.nowMs, isAnswered: false };
    return this.#waiting.isAnswered ? null : this.#waiting.sinceMs + afterMs;
  }

  #answerWaits(): void {
    const isStillWaited = this.#waiting?.waitsFor === deriveWaitingFor(this.situation());
    const dueMs = isStillWaited ? this.#nextAnswerMs() : null;
    if (this.#waiting === null || dueMs === null || dueMs > this.nowMs) return;
    // Once: what an answer does not end would otherwise be answered at this very moment for ever.
    this.#waiting = { ...this.#waiting, isAnswered: true };
    const name = this.#waiting.waitsFor === 'gate' ? 'approve' : 'cutover';
    this.#send({ atMs: this.nowMs, name, wave: null, deployments: [] });
  }

  #find(deployment: string): SimulatedState {
    const found = this.operations.find((operation) => operation.deployment === deployment);
    if (found === undefined)
      throw new Error(`a simulated rollout has no deployment ${deployment}: ${describeStates(this.operations)}`);
    return found;
  }

  #wave(index: number): WaveRecord {
    return this.#waves[index] ?? freshWave('');
  }

  #tell(subject: string | null, what: string): void {
    this.events.push({ atMs: this.nowMs, subject, what });
  }

  #iso(): string {
    return isoTime(this.nowMs);
  }
}
