import type {
  CancelRequest,
  CancelResponse,
  CutoverRequest,
  CutoverResponse,
  RevertResponse,
  StartRequest,
  StartResponse,
  StopRequest,
  StopResponse,
} from '../../proto/gen/tern.js';
import { APPLY_STATE } from '../apply-state.js';
import { failedPrecondition, TargetTaken } from '../errors.js';
import type { ApplySession, ControlOperation, ControlRequest, StoredApply } from '../target.js';
import { applyUnknown, applyWithId, type EngineState } from './routing.js';

/** What a control call answers: recorded, or refused with a reason. Never "done" (engine contract 2.6). */
interface Verdict {
  readonly accepted: boolean;
  readonly message: string;
  /** It was recorded or took effect, as opposed to "there was nothing to do". */
  readonly counted: boolean;
}

interface ControlCall {
  readonly applyId: string;
  readonly environment: string;
  readonly caller: string;
}

/** Stop: recorded durably, carried out by the executor, and stronger than everything that is pending but cancel (E40 to E42). */
export async function stop(engine: EngineState, request: StopRequest): Promise<StopResponse> {
  const verdict = await decide(engine, request, 'stop', async (session) => {
    const { apply } = session;
    if (APPLY_STATE[apply.state].final)
      return { accepted: true, message: `Schema change already ${apply.state}`, counted: false };
    if (apply.state === 'stopped') return { accepted: true, message: '', counted: false };
    await session.request('stop', request.caller);
    const message = 'a stop was requested before it could take effect';
    const overtaken: readonly ControlOperation[] =
      apply.state === 'waiting_for_cutover' ? ['start', 'cutover'] : ['start'];
    // A cutover that has begun is settled by how it ends.
    for (const operation of overtaken) {
      await session.settle(operation, 'failed', message);
    }
    return { accepted: true, message: '', counted: true };
  });
  const [stoppedCount, skippedCount] = counts(verdict);
  return { accepted: verdict.accepted, errorMessage: verdict.message, resumeDeadline: '', stoppedCount, skippedCount };
}

/** Start: goes on with a stopped apply from its first step that is not done (E43). */
export async function start(engine: EngineState, request: StartRequest): Promise<StartResponse> {
  const verdict = await decide(engine, request, 'start', async (session) => {
    const { apply } = session;
    const controls = await session.controls();
    const ending = controls.find(isPendingEnd);
    if (ending !== undefined)
      return refused(`a ${ending.operation} of this schema change is pending; start it once that has taken effect`);
    if (apply.supersededBy !== null)
      return refused(`superseded by ${apply.supersededBy}: the schema has moved on; plan and apply again`);
    // A repeat of a start that was accepted, or a start of what runs: one resume in all.
    if (APPLY_STATE[apply.state].live) return { accepted: true, message: '', counted: false };
    if (apply.state !== 'stopped') return refused(`schema change is not stopped (current state: ${apply.state})`);
    const holder = await session.findLiveApply();
    if (holder !== null)
      return refused(`schema change already in progress for database "${holder.database}" (plan ${holder.planId})`);
    await session.request('start', request.caller);
    const state = apply.startedAt === null ? 'pending' : 'running';
    await session.setState(state);
    await session.log({
      level: 'info',
      event: 'state_transition',
      message: 'started again',
      oldState: apply.state,
      newState: state,
    });
    return { accepted: true, message: '', counted: true };
  });
  const [startedCount, skippedCount] = counts(verdict);
  return { accepted: verdict.accepted, errorMessage: verdict.message, startedCount, skippedCount };
}

/** Cancel: ends an apply for good, a stopped one as well, and leaves no unfinished index (E44). */
export async function cancel(engine: EngineState, request: CancelRequest): Promise<CancelResponse> {
  const verdict = await decide(engine, request, 'cancel', async (session) => {
    const { apply } = session;
    if (APPLY_STATE[apply.state].final)
      return { accepted: true, message: `Schema change already ${apply.state}`, counted: false };
    await session.request('cancel', request.caller);
    if (apply.state === 'stopped' && (await session.hasNothingToTakeBack())) {
      // A resting apply needs no executor, which may be busy with another one for hours.
      await session.setState('cancelled');
      for (const operation of ['cancel', 'stop'] as const) {
        await session.settle(operation, 'completed');
      }
      await session.log({
        level: 'info',
        event: 'state_transition',
        message: 'cancelled',
        oldState: 'stopped',
        newState: 'cancelled',
      });
    }
    return { accepted: true, message: '', counted: true };
  });
  const [cancelledCount, skippedCount] = counts(verdict);
  return { accepted: verdict.accepted, errorMessage: verdict.message, cancelledCount, skippedCount };
}

function isPendingEnd({ operation, status }: ControlRequest): boolean {
  return status === 'pending' && (operation === 'stop' || operation === 'cancel');
}

/**
 * Cutover: permits the visible steps of an apply that waits for it. Never held for later, and a repeat has one effect (E41,
 * E42, E45).
 */
export async function cutover(engine: EngineState, request: CutoverRequest): Promise<CutoverResponse> {
  const verdict = await decide(engine, request, 'cutover', async (session) => {
    const { apply } = session;
    const { applyOperationId } = request;
    if (applyOperationId !== '' && applyOperationId !== apply.operationId)
      return refused(`cutover names an operation this apply does not have: ${applyOperationId}`);
    const controls = await session.controls();
    const ending = controls.find(isPendingEnd);
    if (ending !== undefined)
      return refused(`a ${ending.operation} of this schema change is pending, and goes before a cutover`);
    const before = controls.find(({ operation }) => operation === 'cutover')?.status;
    // A repeat whose first answer was lost.
    if (before === 'pending') return { accepted: true, message: '', counted: false };
    if (before === 'completed')
      return { accepted: true, message: `Schema change already ${apply.state}`, counted: false };
    if (apply.state !== 'waiting_for_cutover') {
      const never = apply.deferCutover ? '' : '; it was applied without defer_cutover, so it does not wait for one';
      return refused(`cutover needs waiting_for_cutover (current state: ${apply.state})${never}`);
    }
    await session.request('cutover', request.caller);
    return { accepted: true, message: '', counted: true };
  });
  return { accepted: verdict.accepted, errorMessage: verdict.message };
}

/** Revert and SkipRevert: refused with a reason, nothing changed (E47). */
export async function refuseControl(
  engine: EngineState,
  request: { readonly applyId: string; readonly environment: string },
  reason: string,
): Promise<RevertResponse> {
  const { apply } = await applyWithId(engine, request.applyId);
  assertEnvironment(apply, request.environment);
  return { accepted: false, errorMessage: `${reason} (current state: ${apply.state})` };
}

/** Decides about one control under the lock of its apply, and writes down who asked for what and what was said. */
async function decide(
  engine: EngineState,
  request: ControlCall,
  operation: ControlOperation,
  rule: (session: ApplySession) => Promise<Verdict>,
): Promise<Verdict> {
  const { target, apply: found } = await applyWithId(engine, request.applyId);
  assertEnvironment(found, request.environment);
  const caller = request.caller === '' ? 'an unnamed caller' : request.caller;
  try {
    const verdict = await target.control(request.applyId, async (session) => {
      const decided = await rule(session);
      if (decided.counted || !decided.accepted) {
        await session.log({
          level: decided.accepted ? 'info' : 'warn',
          event: 'control_request',
          message: `${operation} requested by ${caller}: ${decided.accepted ? 'accepted' : decided.message}`,
          metadata: { operation, caller: request.caller },
        });
      }
      return decided;
    });
    if (verdict === null) throw applyUnknown(request.applyId);
    return verdict;
  } catch (error) {
    if (error instanceof TargetTaken) return refused('schema change already in progress for this target');
    throw error;
  }
}

function refused(message: string): Verdict {
  return { accepted: false, message, counted: false };
}

function counts(verdict: Verdict): readonly [done: string, skipped: string] {
  return verdict.counted ? ['1', '0'] : ['0', '1'];
}

/** An environment that is given must be the apply's own; an empty one is not checked (engine contract 2.6). */
export function assertEnvironment(apply: StoredApply, environment: string): void {
  if (environment === '' || environment === apply.environment) return;
  throw failedPrecondition(
    `apply ${apply.applyId} belongs to environment ${apply.environment}; refusing a request for environment ${environment}`,
  );
}
