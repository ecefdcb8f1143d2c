import type { OperationState } from '../domain/state.js';
import { OPERATION_STATE, hasEnded } from '../domain/state.js';
import { afterLooking } from './after-looking.js';
import type { Activities, CutoverAnswer, StartAnswer } from './contract.js';
import type { ActivityPorts } from './ports.js';

/** Start, but only what Progress says is stopped; what has ended otherwise is read and verified by the watch (C36). */
export function createStartRemote(ports: ActivityPorts): Activities['startRemote'] {
  return async (input): Promise<StartAnswer> => {
    const answer = await afterLooking<StartAnswer>(ports, input, {
      from: 'dispatching',
      judge: ({ state }) => {
        if (state === 'missing') return { kind: 'ended' };
        if (state === 'stopped') return 'send';
        return hasEnded(state) ? { kind: 'ended' } : { kind: 'going' };
      },
      send: (engine, request) => engine.start(request),
      settles: null,
      errorsMsMax: ports.timings.internalErrorsMsMax,
    });
    return answer.kind === 'accepted' ? { kind: 'going' } : answer;
  };
}

/**
 * Cutover, but only where Progress says parked, and never again once it is under way (C37). What is not parked any more
 * and not beyond either, such as on an engine that recovers, is waited for: some engines hold an early cutover, and it
 * would happen at a moment that nobody decided on (engine contract 7.6).
 */
export function createCutover(ports: ActivityPorts): Activities['cutover'] {
  return async (input): Promise<CutoverAnswer> => {
    const answer = await afterLooking<CutoverAnswer>(ports, input, {
      from: 'waiting_for_cutover',
      judge: ({ state }) => {
        if (state === 'waiting_for_cutover') return 'send';
        return state === 'missing' || isBeyondParked(state) ? { kind: 'past' } : 'look_again';
      },
      send: (engine, request) => engine.cutover(request),
      settles: 'cutover',
      errorsMsMax: ports.timings.controlErrorsMsMax,
    });
    return answer.kind === 'unconfirmed' ? { ...answer, kind: 'refused' } : answer;
  };
}

function isBeyondParked(state: OperationState): boolean {
  return OPERATION_STATE[state].rank > OPERATION_STATE.waiting_for_cutover.rank;
}
