import { CancellationScope, condition, proxyActivities } from '@temporalio/workflow';
import type { Activities, DispatchAnswer, ResolveInput } from '../activities/contract.js';
import type { OperationOutcome } from '../domain/operation.js';
import { forward } from './forward.js';
import { followRemote } from './follow-remote.js';
import type { OperationMemory } from './operation-memory.js';
import { controlOptions } from './options.js';
import { report } from './report.js';
import { settled } from './scope.js';

/**
 * An earlier attempt whose end nobody knows comes first: it is found by its remote id or its own key, and only once it
 * is known to have ended is there a new attempt (design 4). Null to go on with the new one.
 */
export async function settleEarlierAttempt(memory: OperationMemory): Promise<OperationOutcome | null> {
  const earlier = memory.input.initial.unsettled;
  if (earlier === null) return null;
  memory.turnTo(earlier.attempt, earlier.remoteApplyId, earlier.baseline ?? null);
  if (earlier.remoteApplyId === null) {
    const unknown = await resolve(memory, memory.isHalted ? 'stop' : 'settle');
    if (unknown !== null) return unknown;
  }
  if (memory.remoteApplyId !== null) {
    const outcome = await followRemote(memory);
    // What a person undid in its window is not applied anew.
    const isDone = outcome.state === 'completed' || outcome.state === 'reverted';
    // Where nobody can tell whether it is there it is not sent again: only a person who has looked knows more than the diff.
    if (isDone || outcome.unverified === true || memory.isHalted) return outcome;
    memory.verifyFirst ||= outcome.changeInPlace && memory.input.initial.before?.unverified === true;
  }
  if (memory.halt !== null) return memory.finishHalted(memory.halt);
  memory.turnTo(memory.input.initial.attempt, null, null);
  if (memory.reported !== null) report(memory, 'dispatching');
  return null;
}

/** Gets this attempt a remote apply: the one it had, started again, or a new one. Null once there is one to follow. */
export async function reachRemote(memory: OperationMemory): Promise<OperationOutcome | null> {
  if (memory.remoteApplyId !== null) return memory.isHalted ? null : startAgain(memory);
  if (memory.verifyFirst && !memory.isHalted) {
    const done = await verifyFirst(memory);
    if (done !== null) return done;
  }
  const answer = await send(memory);
  switch (answer?.kind) {
    case 'accepted':
      memory.baseline = answer.baseline ?? null;
      return memory.recordRemote(answer.remoteApplyId, answer.remoteOperationId);
    case 'refused':
      memory.started ||= answer.sent;
      return memory.finish({ state: 'failed', message: answer.message });
    case 'unconfirmed':
      return finishUnconfirmed(memory, answer.message);
    case 'not_sent':
    case undefined:
      return afterSilence(memory, answer ?? null);
  }
}

/** Sends Apply, unless it is halted: checked with no wait between the check and the call (I2). Null when no answer came back. */
async function send(memory: OperationMemory): Promise<DispatchAnswer | null> {
  if (memory.isHalted) return memory.perhapsSent ? null : { kind: 'not_sent', activityAttempt: 1 };
  memory.startedAt ??= new Date().toISOString();
  return forward(memory, (calls) => calls.dispatch(memory.dispatchInput));
}

/** No answer: it never left, or nobody knows. Only the first attempt of the activity can say that it never left (design 4.2). */
async function afterSilence(
  memory: OperationMemory,
  answer: Extract<DispatchAnswer, { kind: 'not_sent' }> | null,
): Promise<OperationOutcome | null> {
  const halt = memory.halt ?? { by: 'stop', reason: 'operator' };
  const neverSent = answer?.activityAttempt === 1 && !memory.perhapsSent;
  memory.started ||= !neverSent;
  if (memory.givenUp !== null) return memory.finishGivenUp(memory.givenUp);
  if (neverSent) return memory.finishHalted(halt);
  const unknown = await resolve(memory, 'stop');
  if (unknown !== null) return unknown;
  return memory.remoteApplyId === null ? memory.finishHalted(halt) : null;
}

/** Finds out by key what became of a send whose answer was lost. Null once that is known, with the remote id if there is one. */
async function resolve(memory: OperationMemory, purpose: ResolveInput['purpose']): Promise<OperationOutcome | null> {
  const scope = new CancellationScope({ cancellable: true });
  const resolving = settled(
    scope.run(() =>
      proxyActivities<Activities>(controlOptions(memory.input.queue)).resolveDispatch({
        ...memory.dispatchInput,
        purpose,
      }),
    ),
  );
  await condition(() => resolving.done || memory.givenUp !== null);
  if (memory.givenUp !== null) {
    scope.cancel();
    return memory.finishGivenUp(memory.givenUp);
  }
  const answer = await resolving.promise;
  if (answer.kind === 'unconfirmed') return finishUnconfirmed(memory, memory.withIds(answer.message));
  memory.resolvedBy = answer.resolvedBy;
  if (answer.kind === 'found') return memory.recordRemote(answer.remoteApplyId, answer.remoteOperationId);
  // The engine that owns the target does not have it: nothing was accepted, so nothing was started by this attempt.
  memory.started = memory.input.initial.started;
  return null;
}

function finishUnconfirmed(memory: OperationMemory, message: string): OperationOutcome {
  memory.started = true;
  memory.dispatch = 'unconfirmed';
  return memory.finish({ state: 'failed', message, confirmed: false });
}

async function startAgain(memory: OperationMemory): Promise<OperationOutcome | null> {
  const answer = await forward(memory, (calls) => calls.startRemote(memory.remoteInput));
  if (answer === null) return null;
  memory.startedAgain = answer.kind === 'going';
  if (answer.kind !== 'refused' && answer.kind !== 'unconfirmed') return null;
  return memory.finish({ state: 'failed', message: answer.message, confirmed: answer.kind === 'refused' });
}

/**
 * The change was found in place although the engine said failed: done, if the diff still says so (design 4.5). Where the
 * diff cannot be had the attempt goes ahead: the engine compares the live schema itself before it runs anything.
 */
async function verifyFirst(memory: OperationMemory): Promise<OperationOutcome | null> {
  const answer = await forward(memory, (calls) => calls.verifyPlan(memory.scope).catch(() => null));
  if (answer === null || answer.remaining.length > 0) return null;
  return memory.finish({ state: 'completed', drift: answer.drift, message: 'the change was in place already' });
}
