/** The calls of the two services, by the name the contract gives them. */
export type Rpc =
  | 'Health'
  | 'PullSchema'
  | 'Plan'
  | 'PlanDiff'
  | 'Apply'
  | 'Progress'
  | 'Logs'
  | 'Cutover'
  | 'Revert'
  | 'SkipRevert'
  | 'Stop'
  | 'Cancel'
  | 'Start'
  | 'FindApply';

/** One call as the engine saw it. */
export interface LedgerCall {
  readonly kind: 'call';
  /** Calls and effects share one sequence, so that their order can be asked for. */
  readonly sequence: number;
  readonly atMs: number;
  readonly rpc: Rpc;
  /** The target named by the request, or that of the apply it names; empty where neither is known. */
  readonly target: string;
  readonly remoteApplyId: string;
  readonly operationId: string;
  readonly idempotencyKey: string;
  readonly caller: string;
  readonly environment: string;
  /** `pending` while the call is open, then `accepted`, `refused`, `answered`, a gRPC status name, or `swallowed`. */
  outcome: string;
  /** The remote apply that an accepted Apply gave, or that FindApply found. */
  givenApplyId: string;
}

/** Something that happened to a target, not merely a call about it. */
export interface LedgerEffect {
  readonly kind: 'effect';
  readonly sequence: number;
  readonly atMs: number;
  readonly effect: Effect;
  readonly target: string;
  readonly remoteApplyId: string;
  readonly idempotencyKey: string;
}

/** `executed`: work began. `resumed`: work went on after a stop. The others are what became of it. */
export type Effect =
  | 'executed'
  | 'resumed'
  | 'parked'
  | 'cut_over'
  | 'window_opened'
  | 'reverting'
  | 'reverted'
  | 'completed'
  | 'failed'
  | 'stopped'
  | 'cancelled'
  | 'stopped_everything';

export type LedgerEntry = LedgerCall | LedgerEffect;

export interface CallFilter {
  readonly rpc?: Rpc | readonly Rpc[];
  readonly target?: string;
  readonly remoteApplyId?: string;
}

/**
 * Everything an engine was asked and everything it did, in order. What a test proves about the orchestrator, it proves
 * here: at the effects, not at what the orchestrator says of itself.
 */
export class Ledger {
  readonly #startedAtMs = performance.now();
  readonly #entries: LedgerEntry[] = [];
  readonly #callsByRpc = new Map<Rpc, LedgerCall[]>();
  readonly #effectsByKind = new Map<Effect, LedgerEffect[]>();
  readonly #watchers = new Set<() => void>();
  readonly #running = new Map<string, Set<string>>();
  #concurrency = 0;
  #concurrencyMax = 0;
  #concurrencyMaxPerTarget = 0;

  get entries(): readonly LedgerEntry[] {
    return this.#entries;
  }

  /** The time of the ledger, in which `atMs` of its entries is. */
  get nowMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  calls(filter: CallFilter = {}): readonly LedgerCall[] {
    const { target, remoteApplyId } = filter;
    return this.#callsOf(filter.rpc === undefined ? [...this.#callsByRpc.keys()] : [filter.rpc].flat()).filter(
      (call) =>
        (target === undefined || call.target === target) &&
        (remoteApplyId === undefined || call.remoteApplyId === remoteApplyId),
    );
  }

  effects(filter: { readonly effect?: Effect; readonly target?: string } = {}): readonly LedgerEffect[] {
    const kinds = filter.effect === undefined ? [...this.#effectsByKind.keys()] : [filter.effect];
    return inOrder(kinds.map((kind) => this.#effectsByKind.get(kind) ?? [])).filter(
      ({ target }) => filter.target === undefined || target === filter.target,
    );
  }

  /** How often work began, by idempotency key. More than one anywhere is a schema change that ran twice (I1). */
  executionsPerKey(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { idempotencyKey } of this.effects({ effect: 'executed' })) {
      counts.set(idempotencyKey, (counts.get(idempotencyKey) ?? 0) + 1);
    }
    return counts;
  }

  /** The largest number of applies that were at work at one time, on all targets and on one. */
  concurrencyMax(): { readonly overall: number; readonly perTarget: number } {
    return { overall: this.#concurrencyMax, perTarget: this.#concurrencyMaxPerTarget };
  }

  /** Calls that move an engine forward and came after the first Stop that this engine saw (I2). */
  forwardCallsAfterStop(): readonly LedgerCall[] {
    const firstStop = this.calls({ rpc: ['Stop', 'Cancel'] })[0];
    if (firstStop === undefined) return [];
    return this.calls({ rpc: ['Apply', 'Start', 'Cutover'] }).filter((call) => call.sequence > firstStop.sequence);
  }

  /** Resolves with the first entry that the predicate likes, past or future. Rejects at the deadline, showing the calls. */
  async waitFor<Entry extends LedgerEntry>(
    predicate: (entry: LedgerEntry) => entry is Entry,
    deadlineMs?: number,
  ): Promise<Entry>;
  async waitFor(predicate: (entry: LedgerEntry) => boolean, deadlineMs?: number): Promise<LedgerEntry>;
  async waitFor(predicate: (entry: LedgerEntry) => boolean, deadlineMs = 10_000): Promise<LedgerEntry> {
    return this.until(() => this.#entries.find(predicate), deadlineMs);
  }

  /** Resolves with the n-th call (from 1) that matches, once it is there, and with an outcome if `answered` is asked. */
  async waitForCall(
    filter: CallFilter & { readonly nth?: number; readonly outcome?: string },
    deadlineMs = 10_000,
  ): Promise<LedgerCall> {
    const { nth = 1, outcome } = filter;
    const matching = (): readonly LedgerCall[] =>
      this.calls(filter).filter((call) => outcome === undefined || call.outcome === outcome);
    return this.until(() => matching()[nth - 1], deadlineMs);
  }

  /** Resolves with the first value of `read` that is not undefined; `read` is asked again after every entry. */
  async until<Value>(read: () => Value | undefined, deadlineMs = 10_000): Promise<Value> {
    const now = read();
    if (now !== undefined) return now;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = (): void => {
        const value = read();
        if (value !== undefined) finish(() => resolve(value));
      };
      const timer = setTimeout(() => {
        finish(() => reject(new Error(`not seen by the engine within ${deadlineMs} ms; it saw:\n${this.describe()}`)));
      }, deadlineMs);
      this.#watchers.add(look);
    });
  }

  /** One line per entry, the last 40; for messages of failed tests. */
  describe(): string {
    const lines = this.#entries.slice(-40).map((entry) => {
      const what = entry.kind === 'call' ? `${entry.rpc} ${entry.outcome}` : `-> ${entry.effect}`;
      return `  ${entry.sequence} ${entry.atMs.toFixed(0)} ms ${what} ${entry.target} ${entry.remoteApplyId}`;
    });
    return lines.length === 0 ? '  nothing' : lines.join('\n');
  }

  recordCall(fields: Omit<LedgerCall, 'kind' | 'sequence' | 'atMs' | 'outcome' | 'givenApplyId'>): LedgerCall {
    const call: LedgerCall = { kind: 'call', ...this.#stamp(), ...fields, outcome: 'pending', givenApplyId: '' };
    push(this.#callsByRpc, call.rpc, call);
    this.#append(call);
    return call;
  }

  settleCall(call: LedgerCall, outcome: string, givenApplyId = ''): void {
    call.outcome = outcome;
    call.givenApplyId = givenApplyId;
    this.#notify();
  }

  recordEffect(effect: Effect, about: Pick<LedgerEffect, 'target' | 'remoteApplyId' | 'idempotencyKey'>): void {
    this.#countRunning(effect, about);
    const entry: LedgerEffect = { kind: 'effect', ...this.#stamp(), effect, ...about };
    push(this.#effectsByKind, effect, entry);
    this.#append(entry);
  }

  #callsOf(rpcs: readonly Rpc[]): readonly LedgerCall[] {
    return inOrder(rpcs.map((rpc) => this.#callsByRpc.get(rpc) ?? []));
  }

  #countRunning(effect: Effect, { target, remoteApplyId }: Pick<LedgerEffect, 'target' | 'remoteApplyId'>): void {
    const onTarget = this.#running.get(target) ?? new Set<string>();
    this.#running.set(target, onTarget);
    const before = onTarget.size;
    if (effect === 'executed' || effect === 'resumed' || effect === 'cut_over') onTarget.add(remoteApplyId);
    else onTarget.delete(remoteApplyId);
    this.#concurrency += onTarget.size - before;
    this.#concurrencyMax = Math.max(this.#concurrencyMax, this.#concurrency);
    this.#concurrencyMaxPerTarget = Math.max(this.#concurrencyMaxPerTarget, onTarget.size);
  }

  #stamp(): { readonly sequence: number; readonly atMs: number } {
    return { sequence: this.#entries.length, atMs: this.nowMs };
  }

  #append(entry: LedgerEntry): void {
    this.#entries.push(entry);
    this.#notify();
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

function inOrder<Entry extends LedgerEntry>(lists: readonly (readonly Entry[])[]): readonly Entry[] {
  const [only, ...others] = lists;
  if (only !== undefined && others.length === 0) return only;
  return lists.flat().toSorted((left, right) => left.sequence - right.sequence);
}

function push<Key, Entry>(lists: Map<Key, Entry[]>, key: Key, entry: Entry): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [entry]);
  else list.push(entry);
}
