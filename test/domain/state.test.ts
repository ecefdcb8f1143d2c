import { describe, expect, it } from 'vitest';
import {
  APPLY_STATE,
  APPLY_STATES,
  OPERATION_STATE,
  OPERATION_STATES,
  type OperationState,
  hasEnded,
} from '../../domain/state.js';

function those(fact: 'ended' | 'holdsSlot'): readonly OperationState[] {
  return OPERATION_STATES.filter((state) => OPERATION_STATE[state][fact]);
}

describe('the states of an operation', () => {
  it('that are an end are these five and no others', () => {
    expect(those('ended')).toEqual(['completed', 'failed', 'stopped', 'cancelled', 'reverted']);
    expect(OPERATION_STATES.filter(hasEnded)).toEqual(those('ended'));
  });

  it('that count against the width are those of a copy that is going on', () => {
    expect(those('holdsSlot')).toEqual(['dispatching', 'running', 'failed_retryable']);
  });

  it('are ranked in the order in which a schema change passes through them, all ends alike', () => {
    const live = OPERATION_STATES.filter((state) => !hasEnded(state)).map((state) => OPERATION_STATE[state].rank);
    expect(live).toEqual(live.toSorted((one, other) => one - other));
    expect(new Set(those('ended').map((state) => OPERATION_STATE[state].rank)).size).toBe(1);
    expect(Math.max(...live)).toBeLessThan(OPERATION_STATE.completed.rank);
  });

  it('each say what comes next (I8)', () => {
    for (const state of OPERATION_STATES) expect(OPERATION_STATE[state].next, state).not.toBe('');
  });
});

describe('the states of an apply', () => {
  it('that are an end are those of its operations', () => {
    const ends = APPLY_STATES.filter((state) => APPLY_STATE[state].ended);
    expect(ends).toEqual(['completed', 'failed', 'stopped', 'cancelled', 'reverted']);
  });

  it('have the exit codes that scripts rely on', () => {
    const codes = Object.fromEntries(
      APPLY_STATES.filter((state) => APPLY_STATE[state].ended).map((state) => [state, APPLY_STATE[state].exitCode]),
    );
    expect(codes).toEqual({ completed: 0, failed: 1, stopped: 3, cancelled: 3, reverted: 3 });
    expect(APPLY_STATES.filter((state) => !APPLY_STATE[state].ended && APPLY_STATE[state].exitCode !== 0)).toEqual([]);
  });
});
