import { setHandler } from '@temporalio/workflow';
import type { Admission, ControlRequest } from '../domain/admission.js';
import type { Control } from '../domain/apply.js';
import { isUntouched } from '../domain/carry.js';
import { admitControl } from '../domain/control.js';
import { type SentControl, parseControl, parseReport } from '../domain/parse-message.js';
import type { ApplyMemory, OperationRecord } from './apply-memory.js';
import { carryIn } from './carry-in.js';
import { failedRun } from './failed-run.js';
import {
  CONTROL_SIGNALS,
  CONTROL_UPDATES,
  type ControlAnswer,
  type ControlEffect,
  SIGNALLED,
  type Signalled,
  reportSignal,
  statusQuery,
} from './messages.js';

/** What the Temporal UI shows beside the signal. */
const DESCRIPTIONS: Readonly<Record<Signalled, string>> = {
  stop: 'Stop the rollout: nothing more starts, what runs is stopped on its engine. Resumable with start.',
  cancel: 'End the rollout for good.',
  release: 'Go on in spite of the setbacks.',
  approve: 'Let the wave that waits at its gate start.',
  reject: 'End the wave that waits at its gate, and all later ones.',
  cutover: 'Permit every deployment that is parked to cut over.',
};

/**
 * Registers every handler of an apply. A handler records the intent before anything else, synchronously, and never
 * throws; whether a control is allowed is decided by the domain, in the validator of the update (design 3.1 and 6).
 */
export function listenToControls(memory: ApplyMemory): void {
  for (const name of SIGNALLED)
    setHandler(CONTROL_SIGNALS[name], (message?: unknown) => recordQuietly(memory, parseControl(name, message)), {
      description: DESCRIPTIONS[name],
    });
  setHandler(reportSignal, (message?: unknown) => recordReport(memory, message));
  setHandler(statusQuery, () => memory.view());
  for (const name of Object.keys(CONTROL_UPDATES) as Control[])
    setHandler(CONTROL_UPDATES[name], (message?: unknown) => answer(memory, parseControl(name, message)), {
      validator: (message?: unknown) => validate(memory, parseControl(name, message)),
    });
}

/** Cancelling the workflow means stop. */
export function requestStop(memory: ApplyMemory): void {
  recordQuietly(memory, parseControl('stop', { by: 'cancellation of the workflow' }));
}

/** A signal has nobody to answer to: what is not allowed changes nothing. */
function recordQuietly(memory: ApplyMemory, { request, by }: SentControl): void {
  const admission = judge(memory, request);
  if (admission.kind === 'accepted') carryIn(memory, { request, admission, by });
  if (admission.kind === 'refused') memory.unheard.push({ request, by, atMs: Date.now() });
}

/**
 * Judges signals once more that were refused in this workflow task. A task that comes after a time without a worker
 * delivers every signal before the ends of children, also of those that ended first: a release would be refused because
 * the failure that it is for has not been heard of.
 */
export function hearAgain(memory: ApplyMemory): void {
  const now = Date.now();
  for (const { request, by, atMs } of memory.unheard.splice(0)) {
    const admission = judge(memory, request);
    if (atMs === now && admission.kind === 'accepted') carryIn(memory, { request, admission, by });
  }
}

/** Refuses before the update is in history, so that a refusal leaves no trace there and the caller gets the reason. */
function validate(memory: ApplyMemory, { request }: SentControl): void {
  const admission = judge(memory, request);
  if (admission.kind === 'refused') throw failedRun('ControlRefused', admission.because);
}

function answer(memory: ApplyMemory, { request, by }: SentControl): ControlAnswer {
  const { name } = request;
  const admission = judge(memory, request);
  if (admission.kind === 'accepted') carryIn(memory, { request, admission, by });
  const named = admission.kind === 'accepted' ? admission.deployments : [];
  const effect = (record: OperationRecord): ControlEffect =>
    ASKS_ENGINE.includes(name) && named.includes(record.spec.name) ? 'asked' : effectOn(record, name, memory);
  const deployments = Object.fromEntries(memory.operations.map((record) => [record.spec.name, effect(record)]));
  return { control: name, answer: admission.kind === 'accepted' ? 'accepted' : 'already', deployments };
}

/** Controls that are carried to the engines of the deployments they are for. */
const ASKS_ENGINE: readonly Control[] = ['cutover', 'revert', 'skip-revert'];

function judge(memory: ApplyMemory, request: ControlRequest): Admission {
  const { applyId: apply, input } = memory;
  return admitControl(request, { ...memory.situation(), apply, environment: input.spec.environment });
}

/** What a child says beyond its end. Judged by content, never by order: a report of an earlier attempt is stale. */
function recordReport(memory: ApplyMemory, message: unknown): void {
  const report = parseReport(message);
  if (report === null) return;
  const record = memory.operations.find((operation) => operation.spec.name === report.deployment);
  if (record === undefined || record.stage === 'ended') return;
  // It waits to be admitted, so nobody but a stranger or a child of an earlier run speaks for it.
  if (record.stage === 'pending' && (record.child === null || isUntouched(record.initial))) return;
  // An earlier attempt that is being settled is followed before the new one, and may park as well.
  const { attempt, unsettled } = record.initial;
  if (report.attempt !== attempt && report.attempt !== unsettled?.attempt) return;
  record.remoteApplyId = report.remoteApplyId;
  record.reported = report.state;
  const isParked = report.state === 'waiting_for_cutover' || report.state === 'revert_window';
  record.stage = isParked ? 'parked' : 'admitted';
  // Each report is of another park, or of none: what was permitted, asked for or refused at the last one is over.
  record.permitted = false;
  if (report.state !== 'waiting_for_cutover') {
    record.cutoverAsked = false;
    record.cutoverRefused = false;
    record.cutoverRefusal = '';
  }
  if (report.refused !== null) {
    record.cutoverRefusal = `${report.refused.control}: ${report.refused.message}`;
    if (report.refused.control === 'cutover') record.cutoverRefused = true;
  }
  memory.revision += 1;
}

/** The halt in force ended it before anything was sent: said so also where it has ended before the answer is given. */
function wasNeverStarted({ outcome }: OperationRecord, { stop, cancel }: ApplyMemory): boolean {
  return (stop || cancel) && outcome?.reason === 'operator' && !outcome.started;
}

function effectOn(record: OperationRecord, name: Control, memory: ApplyMemory): ControlEffect {
  if (record.skipped) return 'skipped';
  if (record.stage === 'ended') return wasNeverStarted(record, memory) ? 'not_started' : 'ended';
  if (name !== 'stop' && name !== 'cancel') return record.stage === 'pending' ? 'pending' : 'unchanged';
  if (name === 'cancel' && !memory.cancel && !record.cancelAsked) return 'unchanged';
  if (record.stage === 'parked') return 'parked';
  const isForGood = memory.cancel || record.cancelAsked;
  const reachesEngine =
    record.stage === 'admitted' || !record.initial.atRest || (isForGood && record.initial.remoteApplyId !== null);
  return reachesEngine ? 'stopping' : 'not_started';
}
