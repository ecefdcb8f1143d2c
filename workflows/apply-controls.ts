import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type { Control, ControlRecord } from '../domain/apply.js';
import { anew } from '../domain/carry.js';
import { type Admission, type ControlRequest, admitControl } from '../domain/control.js';
import type { ApplyMemory, OperationRecord } from './apply-memory.js';
import {
  type ControlAnswer,
  type ControlEffect,
  type ControlMessage,
  type OperationReport,
  cancelSignal,
  cancelUpdate,
  giveUpSignal,
  haltSignal,
  releaseSignal,
  releaseUpdate,
  reportSignal,
  retryUpdate,
  skipUpdate,
  startUpdate,
  statusQuery,
  stopSignal,
  stopUpdate,
} from './messages.js';
import { tellOperation } from './tell-operation.js';

/**
 * Registers every handler of an apply. A handler records the intent before anything else, synchronously, and never
 * throws; whether a control is allowed is decided by the domain, in the validator of the update (design 3.1 and 6).
 */
export function listenToControls(memory: ApplyMemory): void {
  setHandler(stopSignal, (message) => recordQuietly(memory, 'stop', message), {
    description: 'Stop the rollout: nothing more starts, what runs is stopped on its engine. Resumable with start.',
  });
  setHandler(cancelSignal, (message) => recordQuietly(memory, 'cancel', message), {
    description: 'End the rollout for good.',
  });
  setHandler(releaseSignal, (message) => recordQuietly(memory, 'release', message), {
    description: 'Go on in spite of the setbacks.',
  });
  setHandler(reportSignal, (report) => recordReport(memory, report));
  setHandler(statusQuery, () => memory.view());
  const updates = {
    stop: stopUpdate,
    cancel: cancelUpdate,
    release: releaseUpdate,
    retry: retryUpdate,
    skip: skipUpdate,
    start: startUpdate,
  };
  for (const [name, update] of Object.entries(updates) as [Control, typeof stopUpdate][]) {
    setHandler(update, (message?: ControlMessage) => answer(memory, name, message), {
      validator: (message?: ControlMessage) => validate(memory, name, message),
    });
  }
}

/** Cancelling the workflow means stop. */
export function requestStop(memory: ApplyMemory): void {
  recordQuietly(memory, 'stop', { by: 'cancellation of the workflow' });
}

/** A signal has nobody to answer to: what is not allowed changes nothing. */
function recordQuietly(memory: ApplyMemory, name: Control, message: ControlMessage | undefined): void {
  const admission = judge(memory, name, message);
  if (admission.kind === 'accepted') carryIn(memory, name, toRequest(name, message), message, admission.deployments);
}

/** Refuses before the update is in history, so that a refusal leaves no trace there and the caller gets the reason. */
function validate(memory: ApplyMemory, name: Control, message: ControlMessage | undefined): void {
  const admission = judge(memory, name, message);
  if (admission.kind !== 'refused') return;
  const failure = ApplicationFailure.create({ type: 'ControlRefused', message: admission.because, nonRetryable: true });
  failure.stack = '';
  throw failure;
}

function answer(memory: ApplyMemory, name: Control, message: ControlMessage | undefined): ControlAnswer {
  const admission = judge(memory, name, message);
  if (admission.kind === 'accepted') carryIn(memory, name, toRequest(name, message), message, admission.deployments);
  const deployments = Object.fromEntries(
    memory.operations.map((operation) => [operation.spec.name, effectOn(operation, name, memory)]),
  );
  return { control: name, answer: admission.kind === 'accepted' ? 'accepted' : 'already', deployments };
}

function judge(memory: ApplyMemory, name: Control, message: ControlMessage | undefined): Admission {
  return admitControl(toRequest(name, message), {
    apply: memory.applyId,
    environment: memory.input.spec.environment,
    policy: memory.policy,
    operations: memory.rolloutOperations(),
    controls: memory.controlFacts(),
  });
}

/** Reads what a person or a tool sent; anything that is not of the expected shape is as good as absent. */
function toRequest(name: Control, message: unknown): ControlRequest {
  const given = typeof message === 'object' && message !== null ? (message as Readonly<Record<string, unknown>>) : {};
  const deployments = Array.isArray(given['deployments'])
    ? given['deployments'].filter((item): item is string => typeof item === 'string')
    : [];
  return {
    name,
    deployments,
    unconfirmed: given['unconfirmed'] === true,
    reason: typeof given['reason'] === 'string' ? given['reason'] : null,
    environment: typeof given['environment'] === 'string' ? given['environment'] : null,
  };
}

/** Puts an admitted control on record and makes it a fact. The rollout decides what follows from it. */
function carryIn(
  memory: ApplyMemory,
  name: Control,
  request: ControlRequest,
  message: ControlMessage | undefined,
  deployments: readonly string[],
): void {
  const at = new Date().toISOString();
  const by = typeof message?.by === 'string' ? message.by : null;
  const immediate = name === 'release' || name === 'retry';
  const entry: ControlRecord = { name, by, at, settledAt: immediate ? at : null, deployments, reason: request.reason };
  memory.controls.push(entry);
  memory.revision += 1;
  switch (name) {
    case 'stop':
      memory.stop = true;
      break;
    case 'cancel':
      memory.cancel = true;
      break;
    case 'release':
      memory.released = true;
      break;
    case 'retry':
      for (const deployment of deployments) retry(memory.record(deployment));
      break;
    case 'skip':
      for (const deployment of deployments)
        skip(memory, memory.record(deployment), { by, reason: request.reason ?? '' }, request.unconfirmed);
      break;
    case 'start':
      break;
  }
}

/** A new attempt of an operation that ended: pending again, with another key, and its setback taken back. */
function retry(record: OperationRecord): void {
  if (record.outcome === null) return;
  record.initial = anew(record.outcome);
  record.outcome = null;
  record.stage = 'pending';
  record.child = null;
  record.permitted = false;
  record.cutoverRefused = false;
  record.cutoverRefusal = '';
  record.remoteApplyId = null;
  record.halted = null;
  record.skipped = false;
}

function skip(
  memory: ApplyMemory,
  record: OperationRecord,
  who: { readonly by: string | null; readonly reason: string },
  unconfirmed: boolean,
): void {
  record.skipped = true;
  if (record.outcome !== null) memory.end(record, record.outcome);
  else if (record.stage === 'pending' && record.child === null) memory.endHere(record, 'stopped', 'skip');
  else if (record.stage === 'pending') tellOperation(record, haltSignal, { reason: 'skip' });
  else if (unconfirmed) tellOperation(record, giveUpSignal, who);
}

/** What a child says beyond its end. Judged by content, never by order: a report of an earlier attempt is stale. */
function recordReport(memory: ApplyMemory, report: OperationReport): void {
  const record = memory.operations.find((operation) => operation.spec.name === report.deployment);
  if (record === undefined || record.stage === 'ended') return;
  // An earlier attempt that is being settled is followed before the new one, and may park as well.
  const { attempt, unsettled } = record.initial;
  if (report.attempt !== attempt && report.attempt !== unsettled?.attempt) return;
  record.remoteApplyId = report.remoteApplyId;
  record.stage = report.report === 'left_parked' ? 'admitted' : 'parked';
  if (report.report === 'cutover_refused') {
    record.permitted = false;
    record.cutoverRefused = true;
    record.cutoverRefusal = report.message;
  }
  memory.revision += 1;
}

function effectOn(record: OperationRecord, name: Control, memory: ApplyMemory): ControlEffect {
  if (record.skipped) return 'skipped';
  if (record.stage === 'ended') return 'ended';
  if (name !== 'stop' && name !== 'cancel') return record.stage === 'pending' ? 'pending' : 'unchanged';
  if (record.stage === 'parked') return 'parked';
  const reachesEngine =
    record.stage === 'admitted' || !record.initial.atRest || (memory.cancel && record.initial.remoteApplyId !== null);
  return reachesEngine ? 'stopping' : 'not_started';
}
