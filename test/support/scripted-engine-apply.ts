import { State } from '../../proto/gen/tern.js';
import type { Ledger, Effect } from './scripted-engine-ledger.js';
import type { ScriptedChange } from './scripted-engine-schema.js';
import { type Script, type Step, WELL_BEHAVED } from './scripted-engine-script.js';

export interface Settled {
  readonly operation: string;
  readonly status: 'completed' | 'failed';
  readonly errorMessage: string;
  readonly settledAt: string;
  readonly requestedBy: string;
}

export interface ApplyIdentity {
  readonly remoteApplyId: string;
  readonly operationId: string;
  readonly idempotencyKey: string;
  readonly target: string;
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly caller: string;
  readonly planId: string;
  readonly defersCutover: boolean;
}

const ENDS: ReadonlySet<number> = new Set([
  State.STATE_COMPLETED,
  State.STATE_FAILED,
  State.STATE_CANCELLED,
  State.STATE_REVERTED,
]);

const END_STATE = {
  completed: State.STATE_COMPLETED,
  failed: State.STATE_FAILED,
  cancelled: State.STATE_CANCELLED,
  reverted: State.STATE_REVERTED,
} as const;

/** One accepted apply: walks through its script, and is halted, resumed and ended by controls or by a test. */
export class ScriptedApply {
  readonly identity: ApplyIdentity;
  readonly changes: readonly ScriptedChange[];
  readonly logs: { readonly message: string; readonly oldState: string; readonly newState: string }[] = [];
  readonly settled = new Map<string, Settled>();
  script: Script;
  message = '';
  /** Another apply took the target over while this one rested; it cannot be started again. */
  superseded = false;
  #state: number = State.STATE_PENDING;
  #step: Step | null = null;
  #cursor = 0;
  #run = 0;
  #began = false;
  #polls = 0;
  #staleStopped = 0;
  #cutoverPermitted = false;
  #wake: () => void = () => {};
  readonly #ledger: Ledger;
  readonly #effectOn: (changes: readonly ScriptedChange[]) => void;

  constructor(params: {
    readonly identity: ApplyIdentity;
    readonly changes: readonly ScriptedChange[];
    readonly script: Script;
    readonly ledger: Ledger;
    /** Makes the changes real on the target. */
    readonly effectOn: (changes: readonly ScriptedChange[]) => void;
  }) {
    this.identity = params.identity;
    this.changes = params.changes;
    this.script = params.script;
    this.#ledger = params.ledger;
    this.#effectOn = params.effectOn;
  }

  get remoteApplyId(): string {
    return this.identity.remoteApplyId;
  }

  get state(): number {
    return this.#state;
  }

  get step(): Step | null {
    return this.#step;
  }

  get hasEnded(): boolean {
    return ENDS.has(this.#state);
  }

  get isStopped(): boolean {
    return this.#state === State.STATE_STOPPED;
  }

  get isParked(): boolean {
    return this.#state === State.STATE_WAITING_FOR_CUTOVER;
  }

  /** A cutover was permitted, whether or not it is over. */
  get isCutoverPermitted(): boolean {
    return this.#cutoverPermitted;
  }

  /** Begins or goes on with the work, after the current answer has left. */
  begin(): void {
    const run = ++this.#run;
    setImmediate(() => void this.#work(run));
  }

  /** The state that this Progress answer shows; counts the answer. */
  poll(): number {
    if (this.#staleStopped > 0) {
      this.#staleStopped -= 1;
      return State.STATE_STOPPED;
    }
    this.#polls += 1;
    const shown = this.#state;
    this.#wake();
    return shown;
  }

  halt(): void {
    this.#run += 1;
    this.#wake();
    this.#enter(State.STATE_STOPPED);
    this.#note('stopped');
  }

  resume(): void {
    this.#staleStopped = this.script.staleStoppedPolls;
    this.begin();
  }

  permitCutover(): void {
    this.#cutoverPermitted = true;
    this.#wake();
  }

  end(end: Script['end'], message = ''): void {
    if (this.hasEnded) return;
    this.#run += 1;
    this.#wake();
    const real = this.script.effect === 'always' || (this.script.effect === 'as_reported' && end === 'completed');
    if (real) this.#effectOn(this.changes);
    this.message = message;
    this.#step = null;
    this.#enter(END_STATE[end]);
    if (end !== 'reverted') this.#note(end);
  }

  /** Ends the step that holds. */
  proceed(): void {
    this.#cursor += 1;
    this.begin();
  }

  /** From here on well-behaved: what is at work goes on to its end, what rests does when it is started. */
  behave(): void {
    this.script = WELL_BEHAVED;
    if (!this.hasEnded && !this.isStopped) this.begin();
  }

  /** Shows a state until something else happens; for what an engine should not do, such as going backwards. */
  show(state: keyof typeof State | number): void {
    this.#run += 1;
    this.#wake();
    this.#enter(numberOf(state));
  }

  settle(operation: string, status: Settled['status'], requestedBy: string, errorMessage = ''): void {
    const settledAt = new Date().toISOString();
    this.settled.set(operation, { operation, status, errorMessage, settledAt, requestedBy });
  }

  async #work(run: number): Promise<void> {
    if (run !== this.#run) return;
    if (!this.#began) this.#note('executed');
    else if (this.isStopped) this.#note('resumed');
    this.#began = true;
    for (const step of this.script.steps.slice(this.#cursor)) {
      this.#step = step;
      this.#enter(numberOf(step.state));
      await this.#untilOver(step, run);
      if (run !== this.#run) return;
      this.#cursor += 1;
    }
    this.#step = null;
    if (this.#mustPark && !this.#cutoverPermitted) {
      this.#enter(State.STATE_WAITING_FOR_CUTOVER);
      this.#note('parked');
      await this.#until(() => this.#cutoverPermitted, run);
      if (run !== this.#run) return;
    }
    if (this.#cutoverPermitted) {
      this.#note('cut_over');
      this.settle('cutover', 'completed', this.identity.caller);
    }
    const failing = this.changes.find(({ fails }) => fails !== '');
    if (failing !== undefined) return this.end('failed', failing.fails);
    const { end } = this.script;
    this.end(end, end === 'failed' ? this.script.message : '');
  }

  get #mustPark(): boolean {
    return this.script.parks === 'always' || (this.script.parks === 'when_asked' && this.identity.defersCutover);
  }

  async #untilOver(step: Step, run: number): Promise<void> {
    const { durationMs = 0, polls = 0, holds = false } = step;
    this.#polls = 0;
    let elapsed = durationMs === 0;
    const timer = elapsed
      ? undefined
      : setTimeout(() => {
          elapsed = true;
          this.#wake();
        }, durationMs);
    await this.#until(() => elapsed && this.#polls >= polls && !holds, run);
    clearTimeout(timer);
  }

  async #until(over: () => boolean, run: number): Promise<void> {
    while (run === this.#run && !over()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #enter(state: number): void {
    this.logs.push({
      message: `entered ${stateWord(state)}`,
      oldState: stateWord(this.#state),
      newState: stateWord(state),
    });
    this.#state = state;
  }

  #note(effect: Effect): void {
    const { target, remoteApplyId, idempotencyKey } = this.identity;
    this.#ledger.recordEffect(effect, { target, remoteApplyId, idempotencyKey });
  }
}

export function numberOf(state: keyof typeof State | number): number {
  return typeof state === 'number' ? state : State[state];
}

/** The word in which tables say their state, such as `waiting_for_cutover`. */
export function stateWord(state: number): string {
  const name = Object.entries(State).find(([, number]) => number === state)?.[0];
  return name === undefined ? `state_${state}` : name.slice('STATE_'.length).toLowerCase();
}
