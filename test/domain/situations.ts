import type { ControlFacts } from '../../domain/derive.js';
import type { OperationFacts } from '../../domain/operation.js';
import { END_REASONS, OPERATION_STATES, type OperationState } from '../../domain/state.js';
import type { WaveFacts } from '../../domain/wave.js';
import { operation } from './builders.js';

const BOOLEANS = [false, true] as const;

/** Every combination of facts of one operation that can occur. */
export function everyOperation(): readonly OperationFacts[] {
  return OPERATION_STATES.flatMap((state) => factsIn(state).map((facts) => operation({ state, ...facts })));
}

function factsIn(state: OperationState): readonly Partial<OperationFacts>[] {
  switch (state) {
    case 'pending':
      return BOOLEANS.flatMap((started) => [
        { started, admitted: false },
        ...BOOLEANS.map((reachable) => ({ started, admitted: true, reachable })),
      ]);
    case 'dispatching':
      return BOOLEANS.flatMap((started) => BOOLEANS.map((reachable) => ({ started, reachable, admitted: true })));
    case 'waiting_for_cutover':
      return BOOLEANS.flatMap((reachable) =>
        [{}, { permitted: true }, { cutoverRefused: true }].map((cutover) => ({ ...SENT, reachable, ...cutover })),
      );
    case 'running':
    case 'failed_retryable':
    case 'cutting_over':
    case 'revert_window':
    case 'reverting':
      return BOOLEANS.map((reachable) => ({ ...SENT, reachable }));
    case 'completed':
      return [SENT, { reason: 'nothing_to_do' }];
    case 'failed':
      return BOOLEANS.flatMap((skipped) => BOOLEANS.map((started) => ({ started, admitted: true, skipped })));
    case 'stopped':
      return END_REASONS.filter((reason) => reason !== 'nothing_to_do').flatMap((reason) =>
        BOOLEANS.filter((started) => started || reason !== 'engine').map((started) => ({
          started,
          admitted: started,
          reason,
          skipped: reason === 'skip',
        })),
      );
    case 'cancelled':
      return [{ reason: 'operator' }, { ...SENT, reason: 'operator' }, { ...SENT, reason: 'engine' }];
    case 'reverted':
      return BOOLEANS.map((skipped) => ({ ...SENT, skipped }));
  }
}

const SENT = { started: true, admitted: true } as const;

/** Every choice of `size` items, with repetition and without regard to order: for what depends on no order. */
export function* multisets<Item>(items: readonly Item[], size: number, from = 0): Generator<Item[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let index = from; index < items.length; index += 1) {
    const item = items[index];
    if (item === undefined) continue;
    for (const rest of multisets(items, size - 1, index)) yield [item, ...rest];
  }
}

/** Every combination of the controls that the rules depend on. */
export function everyControls(): readonly ControlFacts[] {
  return BOOLEANS.flatMap((stop) =>
    BOOLEANS.flatMap((cancel) => BOOLEANS.map((release) => ({ stop, cancel, release }))),
  );
}

/** Every combination of the facts of two waves that can occur: the first may have started, and then the second. */
export function everyTwoWaves(): readonly (readonly WaveFacts[])[] {
  const fresh = BARS.flatMap((barred) =>
    BOOLEANS.map((approved) => ({ started: false, baked: false, approved, barred })),
  );
  const started = BOOLEANS.map((baked) => ({ started: true, baked, approved: true, barred: null }));
  return [
    ...fresh.map((first): readonly WaveFacts[] => [first, { ...FRESH, barred: first.barred }]),
    ...started.flatMap((first) => [...fresh, { ...FRESH, started: true }].map((second) => [first, second])),
  ];
}

const BARS = [null, 'operator', 'deadline'] as const;
const FRESH: WaveFacts = { started: false, baked: false, approved: false, barred: null };
