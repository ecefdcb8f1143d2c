import { Context } from '@temporalio/activity';
import type { ControlDetail } from '../domain/live.js';
import type { Observation } from '../domain/observation.js';
import { hasEnded } from '../domain/state.js';
import type { ControlAnswer as EngineAnswer, Engine } from '../tern/engine.js';
import { Beat, abandonable, pause } from './beat.js';
import type { Activities, ControlAnswer, ControlInput } from './contract.js';
import { engineCaller } from './dispatch.js';
import { asEngineFailure } from './failure.js';
import type { ActivityPorts } from './ports.js';
import { READY_TIMEOUT_MS } from './timings.js';

/** Between two looks whether it has taken effect. */
const LOOK_MS = { first: 25, max: 2_000 } as const;

/**
 * Delivers a stop or a cancel to one remote apply and stays until the engine itself reports an end; never gives up
 * silently. A refusal is shown and tried again, because what an engine refuses in mid-cutover it may accept later.
 */
export function createControl(ports: ActivityPorts): Activities['control'] {
  return async (input) => {
    using beat = new Beat<ControlDetail>(
      {
        control: input.control,
        since: new Date().toISOString(),
        sent: 0,
        accepted: false,
        refused: null,
        lastError: null,
      },
      ports.timings,
    );
    const signal = Context.current().cancellationSignal;
    const engine = () => ports.engines.engineFor(input.scope.deployment);
    let lookMs: number = LOOK_MS.first;
    let sendAtMs = 0;
    let stoppedSinceMs: number | null = null;
    while (!signal.aborted) {
      beat.refuseIfLost();
      if (Date.now() >= sendAtMs) {
        const reached = await send(input, engine, beat);
        sendAtMs = Date.now() + (reached ? ports.timings.sendAgainMs : ports.timings.unansweredAgainMs);
      }
      const observation = await look(input, engine, beat);
      stoppedSinceMs = observation?.state === 'stopped' ? (stoppedSinceMs ?? Date.now()) : null;
      const answer = judge(input, observation, {
        isAccepted: beat.details.accepted,
        stoppedForMs: stoppedSinceMs === null ? 0 : Date.now() - stoppedSinceMs,
        settlesAfterMs: ports.timings.cancelSettlesMs,
      });
      if (answer !== null) return answer;
      await pause(Math.min(lookMs, Math.max(0, sendAtMs - Date.now()) + 1), signal);
      lookMs = Math.min(lookMs * 1.5, LOOK_MS.max);
    }
    return Context.current().cancelled;
  };
}

/** Sends the control once; true when the engine gave an answer of its own. */
async function send(input: ControlInput, engine: () => Engine, beat: Beat<ControlDetail>): Promise<boolean> {
  const request = { ...reference(input), caller: engineCaller(input.scope) };
  try {
    await engine().ready({ timeoutMs: READY_TIMEOUT_MS, signal: Context.current().cancellationSignal });
    const answer: EngineAnswer = await (input.control === 'stop' ? engine().stop(request) : engine().cancel(request));
    const refused = answer.kind === 'refused' ? answer.message || 'the engine refused without a reason' : null;
    beat.show({
      ...beat.details,
      sent: beat.details.sent + 1,
      accepted: beat.details.accepted || refused === null,
      refused,
      lastError: null,
    });
    return true;
  } catch (error) {
    const failure = asEngineFailure(error);
    const reached = failure.type !== 'Unreachable' && failure.type !== 'Ambiguous';
    const refused = failure.type === 'EngineRefused' ? failure.message : beat.details.refused;
    beat.show({ ...beat.details, sent: beat.details.sent + 1, refused, lastError: failure.message });
    return reached;
  }
}

/** An error of the control is reconciled by reading the state before anything is concluded (C39). */
async function look(input: ControlInput, engine: () => Engine, beat: Beat<ControlDetail>): Promise<Observation | null> {
  try {
    return await abandonable(engine().progress(reference(input)), Context.current().cancellationSignal);
  } catch (error) {
    beat.show({ ...beat.details, lastError: asEngineFailure(error).message });
    return null;
  }
}

function judge(
  input: ControlInput,
  observation: Observation | null,
  cancel: { readonly isAccepted: boolean; readonly stoppedForMs: number; readonly settlesAfterMs: number },
): ControlAnswer | null {
  if (observation === null || observation.state === 'missing' || !hasEnded(observation.state)) return null;
  const { state, message, progress } = observation;
  if (input.control === 'stop' || state !== 'stopped') return { state, message, progress, confirmed: true };
  if (!cancel.isAccepted || cancel.stoppedForMs < cancel.settlesAfterMs) return null;
  return {
    state: 'cancelled',
    message: 'the engine accepted the cancel and left the remote apply stopped',
    progress,
    confirmed: false,
  };
}

function reference(input: ControlInput) {
  return {
    remoteApplyId: input.remoteApplyId,
    remoteOperationId: input.remoteOperationId,
    environment: input.scope.environment,
  };
}
