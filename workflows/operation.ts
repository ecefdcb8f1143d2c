import { CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { OperationOutcome } from '../domain/operation.js';
import { parseGiveUp, parseHaltReason } from '../domain/parse-message.js';
import { failedRun } from './failed-run.js';
import { followRemote } from './follow-remote.js';
import {
  admitSignal,
  cancelOperationSignal,
  giveUpSignal,
  haltSignal,
  operationQuery,
  permitSignal,
  revertSignal,
  skipRevertSignal,
} from './messages.js';
import type { OperationInput } from './operation-input.js';
import { OperationMemory } from './operation-memory.js';
import { reachRemote, settleEarlierAttempt } from './reach-remote.js';
import { onCancellation } from './scope.js';

/**
 * One deployment's part of an apply: waits to be admitted, dispatches once, watches to the end. Its workflow id is its
 * target, so Temporal itself holds the target for it (I11). Completes with the outcome, or fails with `OperationFailed`
 * carrying it (design 3.5).
 */
export async function operation(input: OperationInput): Promise<OperationOutcome> {
  const memory = new OperationMemory(input);
  listen(memory);
  memory.outcome = await CancellationScope.nonCancellable(() => toTheEnd(memory));
  if (memory.outcome.state === 'failed') throw failedRun('OperationFailed', memory.outcome.message, memory.outcome);
  return memory.outcome;
}

/** The story. Each step gives the outcome when it is the last one, and null to go on. */
async function toTheEnd(memory: OperationMemory): Promise<OperationOutcome> {
  await condition(() => memory.admitted || memory.isHalted);
  return (
    endBeforeDispatch(memory) ??
    (await settleEarlierAttempt(memory)) ??
    (await reachRemote(memory)) ??
    followRemote(memory)
  );
}

/** Halted before anything of it can be going on: it ends here, with no call to its engine. */
function endBeforeDispatch(memory: OperationMemory): OperationOutcome | null {
  if (memory.givenUp !== null) return memory.finishGivenUp(memory.givenUp);
  if (memory.halt === null || !memory.input.initial.atRest) return null;
  // A stopped remote apply can be left alone by a stop; only its engine can end it for good.
  return memory.halt.by === 'cancel' && memory.remoteApplyId !== null ? null : memory.finishHalted(memory.halt);
}

/**
 * A handler reads what was sent at the door and records the intent, nothing else; what follows from it is decided where the
 * story waits.
 */
function listen(memory: OperationMemory): void {
  setHandler(haltSignal, (message?: unknown) => memory.recordHalt({ by: 'stop', reason: parseHaltReason(message) }), {
    description: 'Stop this deployment. Resumable.',
  });
  setHandler(
    cancelOperationSignal,
    (message?: unknown) => memory.recordHalt({ by: 'cancel', reason: parseHaltReason(message) }),
    {
      description: 'End this deployment for good.',
    },
  );
  setHandler(admitSignal, () => {
    memory.admitted = true;
  });
  setHandler(permitSignal, () => {
    memory.permitted = true;
  });
  setHandler(revertSignal, () => memory.recordWindowAsked('revert'));
  setHandler(skipRevertSignal, () => memory.recordWindowAsked('skip-revert'));
  setHandler(giveUpSignal, (sent?: unknown) => {
    const message = parseGiveUp(sent);
    if (message !== null) memory.recordGiveUp(message);
  });
  setHandler(operationQuery, () => memory.describe());
  onCancellation(() => memory.recordHalt({ by: 'stop', reason: 'operator' }));
}
