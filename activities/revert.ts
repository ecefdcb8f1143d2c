import type { Observation } from '../domain/observation.js';
import { hasEnded } from '../domain/state.js';
import { type Step, afterLooking, withRemoteIds } from './after-looking.js';
import type { Activities, RemoteInput, RevertAnswer } from './contract.js';
import type { ActivityPorts } from './ports.js';

/** Undoes a change, but only where Progress says that its revert window is open. */
export function createRevert(ports: ActivityPorts): Activities['revert'] {
  return (input) => inWindow(ports, input, (engine, request) => engine.revert(request));
}

/** Gives a revert window up, but only where Progress says that it is open. */
export function createSkipRevert(ports: ActivityPorts): Activities['skipRevert'] {
  return (input) => inWindow(ports, input, (engine, request) => engine.skipRevert(request));
}

async function inWindow(
  ports: ActivityPorts,
  input: RemoteInput,
  send: Step<RevertAnswer>['send'],
): Promise<RevertAnswer> {
  const answer = await afterLooking<RevertAnswer>(ports, input, {
    from: 'revert_window',
    judge: (observation) => judge(input, observation),
    send,
    settles: 'revert',
    errorsMsMax: ports.timings.controlErrorsMsMax,
  });
  return answer.kind === 'unconfirmed' ? { ...answer, kind: 'refused' } : answer;
}

/** Unlike a cutover nothing is waited for: a person asks for it, and what they saw was an open window. */
function judge(input: RemoteInput, { state }: Observation): RevertAnswer | 'send' {
  if (state === 'revert_window') return 'send';
  if (state === 'missing' || state === 'reverting' || hasEnded(state)) return { kind: 'past' };
  return {
    kind: 'refused',
    message: withRemoteIds(input, `it was not sent: the engine says ${state}, not revert_window`),
  };
}
