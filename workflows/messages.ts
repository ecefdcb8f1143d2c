import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ApplyView, Control } from '../domain/apply.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { EndReason } from '../domain/state.js';

/** Every signal, update and query of the workflows, shared by workflows and clients, so that a rename is a compile error. */

/** Names of the workflow types. */
export const APPLY_WORKFLOW = 'apply';
export const OPERATION_WORKFLOW = 'operation';
export const PLAN_WORKFLOW = 'plan';
export const LOGS_WORKFLOW = 'logs';

/** What a person or a client may say with a control. Every field is optional; a bare signal carries none. */
export interface ControlMessage {
  /** Who sends it, for the record. */
  readonly by?: string;
  /** The deployments it names. Default: the whole apply. */
  readonly deployments?: readonly string[];
  readonly reason?: string;
  /** Only for `skip`. Default false. */
  readonly unconfirmed?: boolean;
  /** Checked against the apply's own when given. */
  readonly environment?: string;
}

/** Where a control found each deployment. `not_started`: was never admitted and will not be. */
export type ControlEffect = 'not_started' | 'stopping' | 'parked' | 'ended' | 'pending' | 'skipped' | 'unchanged';

export interface ControlAnswer {
  readonly control: Control;
  /** `already`: it was in force before and nothing changed. */
  readonly answer: 'accepted' | 'already';
  readonly deployments: Readonly<Record<string, ControlEffect>>;
}

/** Signals take an optional message and ignore everything else, so that tctl, the CLI and the UI can send them bare. */
export const stopSignal = defineSignal<[ControlMessage?]>('stop');
export const cancelSignal = defineSignal<[ControlMessage?]>('cancel');
export const releaseSignal = defineSignal<[ControlMessage?]>('release');

/** Updates of the same names answer once the control is in history; a refusal leaves no trace there. */
export const stopUpdate = defineUpdate<ControlAnswer, [ControlMessage]>('stop');
export const cancelUpdate = defineUpdate<ControlAnswer, [ControlMessage]>('cancel');
export const releaseUpdate = defineUpdate<ControlAnswer, [ControlMessage]>('release');
export const retryUpdate = defineUpdate<ControlAnswer, [ControlMessage]>('retry');
export const skipUpdate = defineUpdate<ControlAnswer, [ControlMessage]>('skip');
/** Always refused: `start` begins a new run of an ended apply. The refusal says what to do instead. */
export const startUpdate = defineUpdate<ControlAnswer, [ControlMessage]>('start');

export const statusQuery = defineQuery<ApplyView>('status');

/** Parent to operation: it may go. */
export const admitSignal = defineSignal('admit');
/** Parent to operation: it may cut over. */
export const permitSignal = defineSignal('permit');
/** Parent or person to operation: halt it. A bare one is an operator's stop. */
export const haltSignal = defineSignal<[HaltMessage?]>('stop');
/** Parent or person to operation: end it for good. */
export const cancelOperationSignal = defineSignal<[HaltMessage?]>('cancel');
/** Parent to operation: a named person gives it up, confirmed or not. */
export const giveUpSignal = defineSignal<[GiveUpMessage]>('giveUp');

export interface HaltMessage {
  readonly reason?: EndReason;
}

export interface GiveUpMessage {
  readonly by: string | null;
  readonly reason: string;
}

/** Operation to parent: it is parked, or goes on, or its engine refused the cutover. */
export const reportSignal = defineSignal<[OperationReport]>('report');

export interface OperationReport {
  readonly deployment: string;
  readonly attempt: number;
  readonly report: 'parked' | 'left_parked' | 'cutover_refused';
  readonly remoteApplyId: string | null;
  readonly message: string;
}

/** The state of an operation, for a person who looks at it alone. */
export const operationQuery = defineQuery<OperationQueryAnswer>('status');

export interface OperationQueryAnswer {
  readonly apply: string;
  readonly deployment: string;
  readonly attempt: number;
  readonly remoteApplyId: string | null;
  readonly stage: 'pending' | 'admitted' | 'parked' | 'ended';
  readonly outcome: OperationOutcome | null;
}

export { MEMO_APPLY, MEMO_SPEC_DIGEST } from '../domain/ids.js';
