import type { Admission, ControlRequest } from '../domain/admission.js';
import type { Control, ControlRecord } from '../domain/apply.js';
import { anew, endForGood } from '../domain/initial-operation.js';
import type { ApplyMemory, OperationRecord } from './apply-memory.js';
import { giveUpSignal, haltSignal, revertSignal, skipRevertSignal } from './messages.js';
import { tellOperation } from './tell-operation.js';

/** An admitted control, and who sent it. */
export interface Accepted {
  readonly request: ControlRequest;
  readonly admission: Extract<Admission, { kind: 'accepted' }>;
  readonly by: string | null;
}

/** Controls that have done all they ask for the moment they are on record. */
const IMMEDIATE: readonly Control[] = ['release', 'retry', 'approve', 'reject'];

/** Puts an admitted control on record and makes it a fact. The rollout decides what follows from it. */
export function carryIn(memory: ApplyMemory, accepted: Accepted): void {
  const { request, admission, by } = accepted;
  const at = new Date().toISOString();
  const entry: ControlRecord = {
    name: request.name,
    by,
    at,
    settledAt: IMMEDIATE.includes(request.name) ? at : null,
    deployments: admission.deployments,
    wave: admission.wave,
    reason: request.reason,
  };
  memory.controls.push(entry);
  memory.revision += 1;
  EFFECTS[request.name](
    memory,
    accepted,
    admission.deployments.map((name) => memory.record(name)),
  );
}

type Effect = (memory: ApplyMemory, accepted: Accepted, named: readonly OperationRecord[]) => void;

const EFFECTS: Readonly<Record<Control, Effect>> = {
  stop: (memory) => {
    memory.stop = true;
  },
  // A running apply refuses it; a new run of an ended one begins with it.
  start: () => undefined,
  retry: (memory, _, named) => {
    for (const record of named) if (record.outcome !== null) memory.reopen(record, anew(record.outcome));
  },
  cancel: (memory, accepted, named) => {
    memory.cancel ||= accepted.request.deployments.length === 0;
    for (const record of memory.cancel ? memory.operations : named) cancel(memory, record);
  },
  cutover: (_, __, named) => {
    for (const record of named) {
      record.cutoverAsked = true;
      record.cutoverRefused = false;
      record.cutoverRefusal = '';
    }
  },
  release: (memory) => {
    memory.released = true;
  },
  approve: (memory, { admission, by }) => memory.waves.approve(admission.wave ?? '', by),
  reject: (memory, { admission }) => memory.waves.reject(admission.wave ?? ''),
  skip: (memory, accepted, named) => {
    for (const record of named) skip(memory, record, accepted);
  },
  revert: (_, __, named) => {
    for (const record of named) askInWindow(record, revertSignal);
  },
  'skip-revert': (_, __, named) => {
    for (const record of named) askInWindow(record, skipRevertSignal);
  },
};

/** What was stopped on its engine begins again, only to be ended there for good; what never reached one ends here. */
function cancel(memory: ApplyMemory, record: OperationRecord): void {
  if (record.outcome === null) {
    record.cancelAsked = true;
    return;
  }
  const initial = endForGood(record.outcome, new Date().toISOString());
  if (initial === null) return;
  if (initial.ended === null) memory.reopen(record, initial);
  else memory.end(record, initial.ended);
}

/** What its engine refused before is over. */
function askInWindow(record: OperationRecord, signal: typeof revertSignal | typeof skipRevertSignal): void {
  record.cutoverRefusal = '';
  tellOperation(record, signal);
}

function skip(memory: ApplyMemory, record: OperationRecord, { request, by }: Accepted): void {
  record.skipped = true;
  if (record.outcome !== null) return memory.end(record, record.outcome);
  if (record.stage === 'pending' && record.child === null) return memory.endHere(record, 'stopped', 'skip');
  // One that was never admitted in this run may still be at its engine: to be halted there, or of an earlier run.
  const isAtEngine = record.stage !== 'pending' || record.halted !== null || !record.initial.atRest;
  if (request.unconfirmed && isAtEngine)
    return tellOperation(record, giveUpSignal, { by, reason: request.reason ?? '' });
  record.halted ??= { by: 'stop', reason: 'skip' };
  tellOperation(record, haltSignal, { reason: 'skip' });
}
