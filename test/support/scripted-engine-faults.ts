import type { status } from '@grpc/grpc-js';
import type { Rpc } from './scripted-engine-ledger.js';

/** What happens to a call instead of the ordinary. "After" means: the engine did it, durably, and then this happened. */
export type FaultAction =
  /** A status before the engine looked at the request: nothing happened. */
  | { readonly kind: 'error_before'; readonly status: keyof typeof status; readonly message?: string }
  | { readonly kind: 'error_after'; readonly status: keyof typeof status; readonly message?: string }
  /** No answer ever, after the engine did it; the caller's deadline ends the call. */
  | { readonly kind: 'swallow' }
  /** No answer ever, and nothing was done. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Waits for `release()` before the engine looks at the request, or after it has acted and before it answers. */
  | { readonly kind: 'hold_before' }
  | { readonly kind: 'hold_after' }
  /** Another answer than the true one: no id, another id, another key, no echo, an unknown state, an older state. */
  | { readonly kind: 'rewrite'; readonly rewrite: (response: Readonly<Record<string, unknown>>) => object };

export interface FaultRule {
  readonly rpc: Rpc | 'any';
  /** Only calls about this target. Absent: all. */
  readonly target?: string;
  /** From the how many-th matching call on, from 1. Default 1. */
  readonly nth?: number;
  /** For how many calls. Default 1; `Infinity` until removed. */
  readonly times?: number;
  readonly action: FaultAction;
}

export interface Fault {
  /** How many calls it hit. A test that relies on a fault asserts that this is not zero. */
  readonly hits: number;
  /** Lets held calls go on, now and from now on. */
  release(): void;
  remove(): void;
}

class ActiveFault implements Fault {
  readonly rule: FaultRule;
  readonly #forget: (fault: ActiveFault) => void;
  /** Resolves when the fault was released. */
  readonly released: Promise<void>;
  #release: () => void = () => {};
  #matched = 0;
  hits = 0;

  constructor(rule: FaultRule, forget: (fault: ActiveFault) => void) {
    this.rule = rule;
    this.#forget = forget;
    this.released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Whether this call is one of those; counts it. */
  hit(rpc: Rpc, target: string): boolean {
    const { rule } = this;
    if (rule.rpc !== 'any' && rule.rpc !== rpc) return false;
    if (rule.target !== undefined && rule.target !== target) return false;
    this.#matched += 1;
    const first = rule.nth ?? 1;
    if (this.#matched < first || this.#matched >= first + (rule.times ?? 1)) return false;
    this.hits += 1;
    return true;
  }

  release(): void {
    this.#release();
  }

  remove(): void {
    this.release();
    this.#forget(this);
  }
}

/** The faults that are in force. At most one hits a call: the first that was set. */
export class Faults {
  readonly #faults = new Set<ActiveFault>();

  add(rule: FaultRule): Fault {
    const fault = new ActiveFault(rule, (gone) => this.#faults.delete(gone));
    this.#faults.add(fault);
    return fault;
  }

  take(rpc: Rpc, target: string): { readonly action: FaultAction; readonly released: Promise<void> } | null {
    for (const fault of this.#faults) {
      if (fault.hit(rpc, target)) return { action: fault.rule.action, released: fault.released };
    }
    return null;
  }

  clear(): void {
    for (const fault of this.#faults) fault.remove();
  }
}
