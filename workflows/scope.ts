import { CancellationScope } from '@temporalio/workflow';

/** Calls back when somebody cancels this workflow. Cancelling means stop (design 3), so the work itself runs in a scope that cannot be cancelled. */
export function onCancellation(callback: () => void): void {
  CancellationScope.current().cancelRequested.catch(callback);
}

/** A promise whose value can be asked for without waiting, as the predicates of `condition` have to. */
export interface Settled<Value> {
  readonly promise: Promise<Value>;
  /** Null while it is open, and after a rejection. */
  readonly value: Value | null;
  readonly done: boolean;
}

/** Follows a promise. A rejection is no error until somebody awaits `promise`: what was cancelled rejects, and nobody cares. */
export function settled<Value>(promise: Promise<Value>): Settled<Value> {
  const state: { promise: Promise<Value>; value: Value | null; done: boolean } = { promise, value: null, done: false };
  promise.then(
    (value) => {
      state.value = value;
      state.done = true;
    },
    () => {
      state.done = true;
    },
  );
  return state;
}
