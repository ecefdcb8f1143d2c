import { Context } from '@temporalio/activity';
import { FAILURES } from '../domain/failure.js';
import { withOperationIds } from '../domain/ids.js';
import type { Observation } from '../domain/observation.js';
import type { OperationState } from '../domain/state.js';
import type { ControlAnswer, ControlRequest, Engine, EngineFailure } from '../tern/engine.js';
import { Beat, abandonable, pause } from './beat.js';
import type { RemoteInput } from './contract.js';
import { type DispatchDetails, engineCaller, resumeDetails } from './dispatch.js';
import { asEngineFailure } from './failure.js';
import type { ActivityPorts } from './ports.js';
import { type SettlingControl, lastSettledAt } from './settled.js';

/** A control that is only sent where the state of the remote apply allows it. */
export interface Step<Answer> {
  /** Shown until the engine has been asked. */
  readonly from: OperationState;
  /** What the state alone decides; `send` sends the control, `look_again` waits for another state. */
  readonly judge: (observation: Observation) => Answer | 'send' | 'look_again';
  readonly send: (engine: Engine, request: ControlRequest) => Promise<ControlAnswer>;
  /** Whose earlier outcomes are noted before it is sent; null for a control that shows in the state. */
  readonly settles: SettlingControl | null;
  /** How long a live engine may answer with errors before it is given up (C47). */
  readonly errorsMsMax: number;
}

export type StepAnswer =
  | { readonly kind: 'accepted'; readonly settledBefore: string | null }
  /** A definite no: nothing happened. */
  | { readonly kind: 'refused'; readonly message: string }
  /** Nothing but errors of a live engine, or an answer that breaks the contract: it may have happened unheard. */
  | { readonly kind: 'unconfirmed'; readonly message: string };

/** Asks Progress, then sends the control once and reads again after any doubt: an unheard answer shows in the state (C39). */
export async function afterLooking<Answer>(
  ports: ActivityPorts,
  input: RemoteInput,
  step: Step<Answer>,
): Promise<Answer | StepAnswer> {
  using beat = new Beat<DispatchDetails>(
    {
      ...resumeDetails(),
      state: step.from,
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
    beat.refuseIfLost();
    try {
      const engine = ports.engines.engineFor(input.scope.deployment);
      const observation = await abandonable(engine.progress(reference), signal);
      showObservation(beat, observation);
      const verdict = step.judge(observation);
      if (verdict === 'send') {
        if (signal.aborted) continue;
        beat.refuseIfLost();
        const settledBefore = step.settles === null ? null : lastSettledAt(observation, step.settles);
        const answer = await step.send(engine, { ...reference, caller: engineCaller(input.scope) });
        return answer.kind === 'accepted'
          ? { kind: 'accepted', settledBefore }
          : { kind: 'refused', message: withRemoteIds(input, answer.message) };
      }
      if (verdict !== 'look_again') return verdict;
      // The engine answers and nothing was sent: what went wrong before is over.
      beat.show({ ...beat.details, internalSince: null, lastError: null });
    } catch (error) {
      const answer = judgeFailure(asEngineFailure(error), { beat, input, errorsMsMax: step.errorsMsMax });
      if (answer !== null) return answer;
    }
    await pause(ports.timings.unansweredAgainMs, signal);
  }
}

function showObservation(beat: Beat<DispatchDetails>, observation: Observation): void {
  if (observation.state === 'missing') return;
  const { state, phase, progress, detail } = observation;
  const progressAt = new Date().toISOString();
  beat.show({ ...beat.details, state, phase, progress, detail, progressAt, unreachableSince: null });
}

/** A definite answer, or null to look and send again; records why in the heartbeat. */
function judgeFailure(
  failure: EngineFailure,
  params: { readonly beat: Beat<DispatchDetails>; readonly input: RemoteInput; readonly errorsMsMax: number },
): StepAnswer | null {
  const { beat, input, errorsMsMax } = params;
  const now = new Date().toISOString();
  const { retry, mayHaveHappened } = FAILURES[failure.type];
  if (retry === 'never')
    return { kind: mayHaveHappened ? 'unconfirmed' : 'refused', message: withRemoteIds(input, failure.message) };
  const internalSince = failure.type === 'EngineInternal' ? (beat.details.internalSince ?? now) : null;
  beat.show({
    ...beat.details,
    internalSince,
    unreachableSince: internalSince === null ? (beat.details.unreachableSince ?? now) : null,
    lastError: failure.message,
  });
  if (internalSince === null || Date.now() - Date.parse(internalSince) < errorsMsMax) return null;
  const text = `the engine has answered with nothing but errors since ${internalSince}; last: ${failure.message}`;
  return { kind: 'unconfirmed', message: withRemoteIds(input, text) };
}

export function withRemoteIds(input: RemoteInput, message: string): string {
  return withOperationIds(message || 'the engine refused without a reason', {
    ...input.scope,
    remoteApplyId: input.remoteApplyId,
  });
}
