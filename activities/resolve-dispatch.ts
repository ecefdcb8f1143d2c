import { Context } from '@temporalio/activity';
import { type Engine, EngineFailure } from '../tern/engine.js';
import { FAILURES } from '../domain/failure.js';
import { Beat, abandonable, pause } from './beat.js';
import type { Activities, ResolveAnswer, ResolveInput } from './contract.js';
import { type DispatchDetails, buildApplyRequest, engineCaller, resumeDetails, sendUntilAnswered } from './dispatch.js';
import { asEngineFailure } from './failure.js';
import type { ActivityPorts } from './ports.js';

/**
 * Finds out what became of a dispatch whose answer was lost. An engine with a lookup by key is asked; for any other the
 * byte-identical Apply is sent once more, and after a stop the very next call is Stop (design 4.2, I2).
 */
export function createResolveDispatch(ports: ActivityPorts): Activities['resolveDispatch'] {
  return async (input) => {
    const plan = await ports.plans.fetch(input.scope);
    using beat = new Beat<DispatchDetails>(
      { ...resumeDetails(), started: true, startedAt: input.scope.startedAt },
      ports.timings,
    );
    const engine = () => ports.engines.engineFor(input.scope.deployment);
    const looked = await lookUp({ input, engine, beat, againMs: ports.timings.unansweredAgainMs });
    if (looked !== null) return looked;
    const answer = await sendUntilAnswered({
      input,
      beat,
      engine,
      timings: ports.timings,
      request: buildApplyRequest(input, plan),
      before: null,
      mayReportNotSent: false,
    });
    switch (answer.kind) {
      case 'accepted':
        if (input.purpose === 'stop') await stopAtOnce(input, engine(), answer.remoteApplyId, answer.remoteOperationId);
        return {
          kind: 'found',
          remoteApplyId: answer.remoteApplyId,
          remoteOperationId: answer.remoteOperationId,
          resolvedBy: 'resend',
        };
      case 'refused':
        return { kind: 'not_found', resolvedBy: 'resend' };
      case 'unconfirmed':
        return answer;
      case 'not_sent':
        throw new EngineFailure({ type: 'Unreachable', message: 'the re-send was cancelled before it left' });
    }
  };
}

/** The engine's own answer by key, or null where it offers no lookup. */
async function lookUp(params: {
  readonly input: ResolveInput;
  readonly engine: () => Engine;
  readonly beat: Beat<DispatchDetails>;
  readonly againMs: number;
}): Promise<ResolveAnswer | null> {
  const { input, engine, beat, againMs } = params;
  const signal = Context.current().cancellationSignal;
  for (;;) {
    if (signal.aborted) return Context.current().cancelled;
    try {
      const lookup = engine().findApply({ idempotencyKey: input.idempotencyKey, target: input.scope.target });
      const found = await abandonable(lookup, signal);
      if (found.kind === 'unsupported') return null;
      if (found.kind === 'not_found') return { kind: 'not_found', resolvedBy: 'lookup' };
      return {
        kind: 'found',
        remoteApplyId: found.remoteApplyId,
        remoteOperationId: found.remoteOperationId,
        resolvedBy: 'lookup',
      };
    } catch (error) {
      const failure = asEngineFailure(error);
      if (FAILURES[failure.type].retry === 'never') return { kind: 'unconfirmed', message: failure.message };
      beat.show({
        ...beat.details,
        unreachableSince: beat.details.unreachableSince ?? new Date().toISOString(),
        lastError: failure.message,
      });
    }
    await pause(againMs, signal);
  }
}

/** Errors are left to the stop that follows: it is sent again and again until the engine confirms it. */
async function stopAtOnce(
  input: ResolveInput,
  engine: Engine,
  remoteApplyId: string,
  remoteOperationId: string | null,
): Promise<void> {
  try {
    await engine.stop({
      remoteApplyId,
      remoteOperationId,
      environment: input.scope.environment,
      caller: engineCaller(input.scope),
    });
  } catch (error) {
    asEngineFailure(error);
  }
}
