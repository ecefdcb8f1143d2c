import { Context } from '@temporalio/activity';
import { FAILURES } from '../domain/failure.js';
import { withOperationIds } from '../domain/ids.js';
import type { LiveDetail } from '../domain/live.js';
import type { Observation } from '../domain/observation.js';
import { hasEnded } from '../domain/state.js';
import type { ControlAnswer, Engine } from '../tern/engine.js';
import { Beat, abandonable, pause } from './beat.js';
import type { Activities, CutoverAnswer, RemoteInput, StartAnswer } from './contract.js';
import { engineCaller, resumeDetails } from './dispatch.js';
import { asEngineFailure } from './failure.js';
import type { ActivityPorts } from './ports.js';

/** Between two tries to reach an engine that does not answer. */
const RETRY_MS = 1_000;

/** Start, but only what Progress says is stopped; what has ended otherwise is read and verified by the watch (C36). */
export function createStartRemote(ports: ActivityPorts): Activities['startRemote'] {
  return async (input): Promise<StartAnswer> => {
    const answer = await afterLooking<StartAnswer>(ports, input, {
      judge: ({ state }) => {
        if (state === 'missing') return { kind: 'ended' };
        if (state === 'stopped') return null;
        return hasEnded(state) ? { kind: 'ended' } : { kind: 'going' };
      },
      send: (engine, request) => engine.start(request),
    });
    return answer === 'accepted' ? { kind: 'going' } : answer;
  };
}

/** Cutover, but only where Progress says parked, and never again once it is under way (C37). */
export function createCutover(ports: ActivityPorts): Activities['cutover'] {
  return async (input): Promise<CutoverAnswer> => {
    const answer = await afterLooking<CutoverAnswer>(ports, input, {
      judge: ({ state }) => (state === 'waiting_for_cutover' ? null : { kind: 'past' }),
      send: (engine, request) => engine.cutover(request),
    });
    return answer === 'accepted' ? { kind: 'accepted' } : answer;
  };
}

interface Step<Answer> {
  /** What the state alone decides; null to send the control. */
  readonly judge: (observation: Observation) => Answer | null;
  readonly send: (engine: Engine, request: Parameters<Engine['start']>[0]) => Promise<ControlAnswer>;
}

/** Asks Progress, then sends the control once and reads again after any doubt: an unheard answer shows in the state. */
async function afterLooking<Answer>(
  ports: ActivityPorts,
  input: RemoteInput,
  step: Step<Answer>,
): Promise<Answer | 'accepted' | { readonly kind: 'refused'; readonly message: string }> {
  using beat = new Beat<LiveDetail>(
    {
      ...resumeDetails(),
      started: true,
      startedAt: input.scope.startedAt,
      remoteApplyId: input.remoteApplyId,
    },
    ports.timings,
  );
  const signal = Context.current().cancellationSignal;
  const reference = {
    remoteApplyId: input.remoteApplyId,
    remoteOperationId: input.remoteOperationId,
    environment: input.scope.environment,
  };
  for (;;) {
    if (signal.aborted) return Context.current().cancelled;
    try {
      const engine = ports.engines.engineFor(input.scope.deployment);
      const decided = step.judge(await abandonable(engine.progress(reference), signal));
      if (decided !== null) return decided;
      if (signal.aborted) continue;
      beat.refuseIfLost();
      const answer = await step.send(engine, { ...reference, caller: engineCaller(input.scope) });
      return answer.kind === 'accepted' ? 'accepted' : { kind: 'refused', message: withIds(input, answer.message) };
    } catch (error) {
      const failure = asEngineFailure(error);
      if (FAILURES[failure.type].retry === 'never')
        return { kind: 'refused', message: withIds(input, failure.message) };
      beat.show({
        ...beat.details,
        unreachableSince: beat.details.unreachableSince ?? new Date().toISOString(),
        lastError: failure.message,
      });
    }
    await pause(RETRY_MS, signal);
  }
}

function withIds(input: RemoteInput, message: string): string {
  return withOperationIds(message || 'the engine refused without a reason', {
    ...input.scope,
    remoteApplyId: input.remoteApplyId,
  });
}
