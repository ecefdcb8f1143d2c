import { Context } from '@temporalio/activity';
import { FAILURES } from '../domain/failure.js';
import { withOperationIds } from '../domain/ids.js';
import type { LiveDetail } from '../domain/live.js';
import type { Baseline } from '../domain/verification.js';
import type { ApplyAnswer, ApplyRequest, Engine, EngineFailure } from '../tern/engine.js';
import { BaselineReader } from './baseline.js';
import { Beat, cancelledByWorkflow, pause } from './beat.js';
import type { Activities, DispatchAnswer, DispatchInput, OperationScope } from './contract.js';
import { asEngineFailure } from './failure.js';
import type { ActivityPorts, PlanMaterial } from './ports.js';
import { READY_TIMEOUT_MS, type Timings } from './timings.js';

/** Waits between two sends of the same Apply. */
const BACKOFF_MS = { first: 200, max: 10_000 } as const;

export interface DispatchDetails extends LiveDetail {
  /** Since when a live engine has answered with errors, ISO 8601; null before the first. */
  readonly internalSince: string | null;
  /** What was read before the first send; absent until it was. */
  readonly baseline?: Baseline;
}

export function createDispatch(ports: ActivityPorts): Activities['dispatch'] {
  return async (input) => {
    const plan = await ports.plans.fetch(input.scope);
    const earlier = resumeDetails();
    using beat = new Beat<DispatchDetails>(earlier, ports.timings);
    const show = (change: Partial<DispatchDetails>) => beat.show({ ...beat.details, ...change });
    // Awaited here: without it the beat would end as soon as the promise is made.
    return await sendUntilAnswered({
      input,
      beat,
      before: new BaselineReader({
        scope: input.scope,
        plan,
        show,
        earlier: earlier.baseline,
        perhapsSent: input.perhapsSent ?? false,
      }),
      request: buildApplyRequest(input, plan),
      engine: () => ports.engines.engineFor(input.scope.deployment),
      timings: ports.timings,
      mayReportNotSent: true,
    });
  };
}

interface SendParams {
  readonly input: DispatchInput;
  readonly beat: Beat<DispatchDetails>;
  readonly request: ApplyRequest;
  readonly engine: () => Engine;
  readonly timings: Timings;
  /** Reads what is different before the first send; null while an earlier send is being settled. */
  readonly before: BaselineReader | null;
  /** A cancelled attempt that sent nothing says so. Off while an earlier send is being settled. */
  readonly mayReportNotSent: boolean;
}

/**
 * Sends the same Apply until there is a definite answer. Nothing but the key makes the repeats harmless, so the request
 * is built once and every repeat is byte-identical (engine contract 2.3).
 */
export async function sendUntilAnswered(params: SendParams): Promise<DispatchAnswer> {
  const { input, beat, before } = params;
  const signal = Context.current().cancellationSignal;
  let sent = false;
  let backoffMs: number = BACKOFF_MS.first;
  for (;;) {
    if (signal.aborted) {
      if (!sent && params.mayReportNotSent && cancelledByWorkflow())
        return { kind: 'not_sent', activityAttempt: Context.current().info.attempt };
      return Context.current().cancelled;
    }
    try {
      const engine = params.engine();
      await engine.ready({ timeoutMs: READY_TIMEOUT_MS, signal });
      if (!sent) await before?.read(engine);
      if (signal.aborted) continue;
      beat.refuseIfLost();
      sent = true;
      beat.show({ ...beat.details, ...markOfSend(input, before) });
      return toDispatchAnswer(await engine.apply(params.request), params);
    } catch (error) {
      const failure = asEngineFailure(error);
      if (signal.aborted && (failure.type === 'Unreachable' || !sent)) continue;
      const answer = judgeFailure(failure, params, sent);
      if (answer !== null) return answer;
    }
    await pause(backoffMs, signal);
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.max);
  }
}

/** A definite answer, or null to send again; records why in the heartbeat. */
function judgeFailure(failure: EngineFailure, params: SendParams, sent: boolean): DispatchAnswer | null {
  const { beat, input, timings } = params;
  const now = new Date().toISOString();
  const ids = { ...input.scope, remoteApplyId: null };
  const { retry, mayHaveHappened } = FAILURES[failure.type];
  // An answer that breaks the contract may stand for an apply that runs: nothing of it is believed, not even a no (I12).
  if (retry === 'never' && mayHaveHappened && sent)
    return { kind: 'unconfirmed', message: withOperationIds(failure.message, ids) };
  if (retry === 'never') {
    const hasLeft = sent && failure.type !== 'PayloadTooLarge';
    return { kind: 'refused', message: withOperationIds(failure.message, ids), sent: hasLeft };
  }
  const internalSince = failure.type === 'EngineInternal' ? (beat.details.internalSince ?? now) : null;
  beat.show({
    ...beat.details,
    internalSince,
    unreachableSince: failure.type === 'EngineInternal' ? null : (beat.details.unreachableSince ?? now),
    lastError: failure.message,
  });
  if (internalSince === null || Date.now() - Date.parse(internalSince) < timings.internalErrorsMsMax) return null;
  const text = `the engine answered Apply with nothing but errors since ${internalSince}, so it cannot be told whether it was accepted; last: ${failure.message}`;
  return { kind: 'unconfirmed', message: withOperationIds(text, ids) };
}

/** What the heartbeat says from the first send on: that it may have left, and what was read before. */
function markOfSend({ scope }: DispatchInput, before: BaselineReader | null) {
  const mark = { started: true, startedAt: scope.startedAt, unreachableSince: null };
  return before === null ? mark : { ...mark, baseline: before.baseline };
}

function toDispatchAnswer(
  answer: ApplyAnswer,
  { input, before }: Pick<SendParams, 'input' | 'before'>,
): DispatchAnswer {
  if (answer.kind === 'accepted') return { ...answer, baseline: before?.baseline ?? null };
  const holder =
    answer.conflict === null
      ? ''
      : ` (held by remote apply ${answer.conflict.holderRemoteApplyId || 'unknown'}, ${answer.conflict.blockingState || 'state unknown'}, of ${answer.conflict.caller || 'an unknown caller'})`;
  const text = `the engine refused the apply: ${answer.message}${holder}`;
  return { kind: 'refused', message: withOperationIds(text, { ...input.scope, remoteApplyId: null }), sent: true };
}

export function buildApplyRequest(input: DispatchInput, plan: PlanMaterial): ApplyRequest {
  const { scope } = input;
  return {
    database: scope.database,
    type: scope.type,
    environment: scope.environment,
    target: scope.target,
    schemaFiles: plan.schemaFiles,
    planId: scope.planId,
    changes: plan.changes,
    idempotencyKey: input.idempotencyKey,
    allowUnsafe: input.allowUnsafe,
    deferCutover: input.deferCutover,
    caller: engineCaller(scope),
  };
}

/** How we name ourselves to engines: the person, and the apply it was for. */
export function engineCaller(scope: Pick<OperationScope, 'caller' | 'applyId'>): string {
  return `${scope.caller} (skein ${scope.applyId})`;
}

/** What an earlier attempt of this activity left in its heartbeat, or a fresh start. */
export function resumeDetails(): DispatchDetails {
  const earlier: unknown = Context.current().info.heartbeatDetails;
  const known = typeof earlier === 'object' && earlier !== null ? (earlier as Partial<DispatchDetails>) : {}; // only this activity writes them
  return {
    state: 'dispatching',
    phase: null,
    started: known.started ?? false,
    startedAt: known.startedAt ?? null,
    remoteApplyId: null,
    progress: null,
    detail: '',
    unreachableSince: known.unreachableSince ?? null,
    lastError: known.lastError ?? null,
    progressAt: null,
    parkedSince: null,
    parkedUntil: null,
    internalSince: known.internalSince ?? null,
    ...(known.baseline === undefined ? {} : { baseline: known.baseline }),
  };
}
