import { CancellationScope, condition, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { ApplyInput, ApplyResult } from '../domain/apply.js';
import { type Decision, decide } from '../domain/rollout.js';
import { APPLY_STATE } from '../domain/state.js';
import { countStates, joinStatus } from '../domain/status.js';
import { Alarm } from './alarm.js';
import { hearAgain, listenToControls, requestStop } from './apply-controls.js';
import { ApplyMemory, type OperationRecord } from './apply-memory.js';
import { checkInput } from './check-input.js';
import { failedRun } from './failed-run.js';
import { admitSignal, cancelOperationSignal, haltSignal, permitSignal } from './messages.js';
import type { Halt } from './operation-input.js';
import { Reservation } from './reservation.js';
import { onCancellation } from './scope.js';
import { tellOperation } from './tell-operation.js';

/**
 * Rolls one reviewed schema change out over many deployments. Its workflow id is the apply id. Completes with the result,
 * or fails with `ApplyFailed` carrying it, so that every Temporal tool shows the truth (design 3.5).
 */
export async function apply(input: ApplyInput): Promise<ApplyResult> {
  checkInput(input);
  const memory = new ApplyMemory(workflowInfo().workflowId, input);
  const reservation = new Reservation(memory);
  listenToControls(memory);
  onCancellation(() => requestStop(memory));
  return CancellationScope.nonCancellable(() => rollOut(memory, reservation));
}

async function rollOut(memory: ApplyMemory, reservation: Reservation): Promise<ApplyResult> {
  completeEmptyPlans(memory);
  const alarm = new Alarm(() => {
    memory.revision += 1;
  });
  for (;;) {
    await reservation.reserve();
    const seen = memory.revision;
    memory.look();
    hearAgain(memory);
    const decision = decide(memory.situation());
    if (decision.settle) return settle(memory, reservation);
    await carryOut(decision, memory, reservation);
    alarm.set(memory.waves.await(decision.wait));
    showDetails(memory);
    await condition(() => memory.revision !== seen);
  }
}

/** An empty plan means done: nothing to reserve, nothing to dispatch (design 4). */
function completeEmptyPlans(memory: ApplyMemory): void {
  const empty = new Set(
    memory.input.plan.classes
      .filter((planClass) => planClass.changes.length === 0)
      .map((planClass) => planClass.digest),
  );
  for (const { deployment, digest } of memory.input.plan.deployments) {
    const record = memory.record(deployment);
    if (empty.has(digest) && record.outcome === null && !record.initial.started)
      memory.endHere(record, 'completed', 'nothing_to_do');
  }
}

/** Does what was decided, in the order of precedence. Holds no policy of its own. */
async function carryOut(decision: Decision, memory: ApplyMemory, reservation: Reservation): Promise<void> {
  for (const { deployment, as, reason } of decision.end) {
    const record = memory.record(deployment);
    const because = reservation.isHeld ? 'policy' : reason;
    if (record.child === null) memory.endHere(record, as, because);
    else sendHalt(record, { by: as === 'cancelled' ? 'cancel' : 'stop', reason: because });
  }
  const decidedAt = memory.revision;
  for (const { deployment, by, reason } of decision.halt) {
    const record = memory.record(deployment);
    if (record.child === null) await reservation.startHalted(record, { by, reason });
    else sendHalt(record, { by, reason });
  }
  // A start takes its time. What came meanwhile, a stop above all, is decided about before anything goes forward (I2).
  if (memory.revision !== decidedAt) return;
  if (decision.startWave !== null) memory.startWave(decision.startWave);
  for (const deployment of decision.admit) admit(memory.record(deployment));
  for (const deployment of decision.permit) permit(memory.record(deployment));
}

function sendHalt(record: OperationRecord, halt: Halt): void {
  if (record.halted?.by === halt.by) return;
  record.halted = halt;
  const signal = halt.by === 'cancel' ? cancelOperationSignal : haltSignal;
  tellOperation(record, signal, { reason: halt.reason });
}

/** Not what a halt is on its way to: it ends, whichever of the two messages comes first. */
function admit(record: OperationRecord): void {
  if (record.child === null || record.halted !== null) return;
  record.stage = 'admitted';
  tellOperation(record, admitSignal);
}

function permit(record: OperationRecord): void {
  record.permitted = true;
  record.cutoverAsked = false;
  tellOperation(record, permitSignal);
}

function settle(memory: ApplyMemory, reservation: Reservation): ApplyResult {
  const result = memory.result();
  const held = reservation.heldTargets;
  if (held.length > 0) {
    const holders = held
      .map(
        (target) =>
          `${target.deployment} (target ${target.target}) by ${target.holderApplyId ?? `workflow ${target.workflowId}`}`,
      )
      .join(', ');
    const message = `another apply holds ${holders}; nothing was dispatched. Wait for it or end it, then: start ${memory.applyId}`;
    throw failedRun('TargetHeld', message, held, { ...result, state: 'failed', message });
  }
  if (result.state === 'failed')
    throw failedRun('ApplyFailed', result.message || `apply ${memory.applyId} failed`, result);
  return result;
}

/** What the Temporal UI shows beside the run. Costs no history. */
function showDetails(memory: ApplyMemory): void {
  const status = joinStatus({ view: memory.view(), described: {}, detail: 'coarse', nowMs: Date.now() });
  const counts = Object.entries(countStates(status.operations)).map(([state, count]) => `${count} ${state}`);
  const waiting =
    status.waitingFor === null
      ? ''
      : `\n\nWaits for **${status.waitingFor.for}**: ${status.waitingFor.commands.map((command) => `\`${command}\``).join(', ')}`;
  setCurrentDetails(
    `**${APPLY_STATE[status.state].label}**: ${counts.join(', ')}${status.message === '' ? '' : `\n\n${status.message}`}${waiting}`,
  );
}
