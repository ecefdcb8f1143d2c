import { State } from '../../proto/gen/tern.js';

/** States that nothing leaves any more. */
export const ENDS: ReadonlySet<number> = new Set([
  State.STATE_COMPLETED,
  State.STATE_FAILED,
  State.STATE_CANCELLED,
  State.STATE_REVERTED,
]);

/** The ends that a script names. */
export const END_STATE = {
  completed: State.STATE_COMPLETED,
  failed: State.STATE_FAILED,
  cancelled: State.STATE_CANCELLED,
  reverted: State.STATE_REVERTED,
} as const;

export function numberOf(state: keyof typeof State | number): number {
  return typeof state === 'number' ? state : State[state];
}

/** The word in which tables say their state, such as `waiting_for_cutover`. */
export function stateWord(state: number): string {
  const name = Object.entries(State).find(([, number]) => number === state)?.[0];
  return name === undefined ? `state_${state}` : name.slice('STATE_'.length).toLowerCase();
}
