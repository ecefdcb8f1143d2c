import { State } from '../../proto/gen/tern.js';
import type { Ledger, Effect } from './scripted-engine-ledger.js';
import type { ScriptedChange } from './scripted-engine-schema.js';
import { END_STATE, ENDS, numberOf, stateWord } from './scripted-engine-states.js';
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
  /** Who permitted the cutover; null while nobody has. */
  #cutoverBy: string | null = null;
  #parkedUntilMs = Number.POSITIVE_INFINITY;
  /** What was decided in the revert window, and by whom; null while nothing is. */
  #decision: { readonly operation: 'revert' | 'skip_revert'; readonly by: string } | null = null;
  #revertReleased = false;
  /** Undoes the effect; null while there is none. */
  #undo: (() => void) | null = null;
  #wake: () => void = () => {};
  readonly #ledger: Ledger;
  readonly #effectOn: (changes: readonly ScriptedChange[]) => () => void;
  readonly #byHand: (ddl: string) => void;

  constructor(params: {
    readonly identity: ApplyIdentity;
    readonly changes: readonly ScriptedChange[];
    readonly script: Script;
    readonly ledger: Ledger;
    /** Makes the changes real on the target; what it gives undoes them. */
    readonly effectOn: (changes: readonly ScriptedChange[]) => () => void;
    /** Somebody else changes the target. */
    readonly byHand: (ddl: string) => void;
  }) {
    this.identity = params.identity;
    this.changes = params.changes;
    this.script = params.script;
    this.#ledger = params.ledger;
    this.#effectOn = params.effectOn;
    this.#byHand = params.byHand;
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

  get isInRevertWindow(): boolean {
    return this.#state === State.STATE_REVERT_WINDOW;
  }

  /** The change is there, and can only be undone. */
  get isLive(): boolean {
    return this.isInRevertWindow || this.#state === State.STATE_REVERTING;
  }

  /** When it is given up by itself, in ms since 1970; null while nothing is parked, or for ever. */
  get parkedUntilMs(): number | null {
    const waits = this.isParked || this.isInRevertWindow;
    return waits && Number.isFinite(this.#parkedUntilMs) ? this.#parkedUntilMs : null;
  }

  /** A cutover was permitted, whether or not it is over. */
  get isCutoverPermitted(): boolean {
    return this.#cutoverBy !== null;
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

  permitCutover(by: string): void {
    this.#cutoverBy = by;
    this.#wake();
  }

  leaveWindow(operation: 'revert' | 'skip_revert', by: string): void {
    if (!this.isInRevertWindow)
      throw new Error(`apply ${this.remoteApplyId} is not in a revert window: ${stateWord(this.#state)}`);
    this.#decision = { operation, by };
    this.#wake();
  }

  landRevert(): void {
    this.#revertReleased = true;
    this.#wake();
  }

  /** Gives up what is parked, at the cutover or in the window, as if its time had come. */
  expire(): void {
    if (!this.isParked && !this.isInRevertWindow)
      throw new Error(`apply ${this.remoteApplyId} is not parked: ${stateWord(this.#state)}`);
    this.#parkedUntilMs = Date.now();
    this.#wake();
  }

  end(end: Script['end'], message = ''): void {
    if (this.hasEnded) return;
    this.#run += 1;
    this.#wake();
    this.#takeEffect(end);
    this.#meanwhile('ended');
    this.message = message;
    this.#step = null;
    this.#enter(END_STATE[end]);
    this.#note(end);
  }

  #meanwhile(moment: Script['byHand'][number]['when']): void {
    for (const { when, ddl } of this.script.byHand) if (when === moment) this.#byHand(ddl);
  }

  #takeEffect(end: Script['end']): void {
    const real = this.script.effect === 'always' || (this.script.effect === 'as_reported' && end === 'completed');
    if (real) this.#undo ??= this.#effectOn(this.changes);
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
    if (!this.#began) {
      this.#note('executed');
      this.#meanwhile('copying');
    }
    if (this.#began && this.isStopped) this.#note('resumed');
    this.#began = true;
    for (const step of this.script.steps.slice(this.#cursor)) {
      this.#step = step;
      this.#enter(numberOf(step.state));
      await this.#untilOver(step, run);
      if (run !== this.#run) return;
      this.#cursor += 1;
    }
    this.#step = null;
    if (this.#mustPark && this.#cutoverBy === null) {
      this.#enter(State.STATE_WAITING_FOR_CUTOVER);
      this.#note('parked');
      await this.#untilOrExpired(() => this.#cutoverBy !== null, this.script.parkedMs, run);
      if (run !== this.#run) return;
      if (this.#cutoverBy === null) return this.end(this.script.expiresAs, 'it waited too long for its cutover');
    }
    if (this.#cutoverBy !== null) {
      this.#note('cut_over');
      this.settle('cutover', 'completed', this.#cutoverBy);
    }
    const failing = this.changes.find(({ fails }) => fails !== '');
    if (failing !== undefined) return this.end('failed', failing.fails);
    const { end } = this.script;
    if (end === 'completed' && this.script.revertWindow === 'opens') return this.#standInWindow(run);
    this.end(end, end === 'failed' ? this.script.message : '');
  }

  /** Completed, and still to be undone: until somebody decides, or the window closes by itself. */
  async #standInWindow(run: number): Promise<void> {
    this.#takeEffect('completed');
    this.#enter(State.STATE_REVERT_WINDOW);
    this.#note('window_opened');
    await this.#untilOrExpired(() => this.#decision !== null, this.script.revertWindowMs, run);
    if (run !== this.#run) return;
    if (this.#decision?.operation !== 'revert') {
      if (this.#decision !== null) this.settle('skip_revert', 'completed', this.#decision.by);
      return this.end('completed');
    }
    this.#enter(State.STATE_REVERTING);
    this.#note('reverting');
    await this.#until(() => this.script.revert !== 'on_release' || this.#revertReleased, run);
    if (run !== this.#run) return;
    this.#undo?.();
    this.settle('revert', 'completed', this.#decision.by);
    this.end('reverted');
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

  async #untilOrExpired(over: () => boolean, limitMs: number, run: number): Promise<void> {
    this.#parkedUntilMs = Date.now() + limitMs;
    const timer = Number.isFinite(limitMs) ? setTimeout(() => this.#wake(), limitMs + 1) : undefined;
    await this.#until(() => over() || Date.now() >= this.#parkedUntilMs, run);
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
