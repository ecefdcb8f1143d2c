import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ApplyView, Control } from '../domain/apply.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { GiveUpMessage, OperationReport } from '../domain/parse-message.js';
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
  /** Only for `skip`, `revert` and `skip-revert`: all that it can be done to. Default false. */
  readonly all?: boolean;
  /** Only for `approve` and `reject`. Default: the wave whose gate is waited for. */
  readonly wave?: string;
  readonly reason?: string;
  /** Only for `skip`. Default false. */
  readonly unconfirmed?: boolean;
  /** Checked against the apply's own when given. */
  readonly environment?: string;
}

/** Where a control found each deployment. `not_started`: was never admitted and will not be. `asked`: the control is for it, and on its way. */
export type ControlEffect =
  | 'not_started'
  | 'stopping'
  | 'parked'
  | 'ended'
  | 'pending'
  | 'skipped'
  | 'asked'
  | 'unchanged';

export interface ControlAnswer {
  readonly control: Control;
  /** `already`: it was in force before and nothing changed. */
  readonly answer: 'accepted' | 'already';
  readonly deployments: Readonly<Record<string, ControlEffect>>;
}

/**
 * Every control is an update that answers once it is in history; a refusal leaves no trace there. `start` is always refused
 * by a running apply: it begins a new run of an ended one, and the refusal says what to do instead.
 */
export const CONTROL_UPDATES = {
  stop: defineUpdate<ControlAnswer, [ControlMessage]>('stop'),
  start: defineUpdate<ControlAnswer, [ControlMessage]>('start'),
  retry: defineUpdate<ControlAnswer, [ControlMessage]>('retry'),
  cancel: defineUpdate<ControlAnswer, [ControlMessage]>('cancel'),
  cutover: defineUpdate<ControlAnswer, [ControlMessage]>('cutover'),
  release: defineUpdate<ControlAnswer, [ControlMessage]>('release'),
  approve: defineUpdate<ControlAnswer, [ControlMessage]>('approve'),
  reject: defineUpdate<ControlAnswer, [ControlMessage]>('reject'),
  skip: defineUpdate<ControlAnswer, [ControlMessage]>('skip'),
  revert: defineUpdate<ControlAnswer, [ControlMessage]>('revert'),
  'skip-revert': defineUpdate<ControlAnswer, [ControlMessage]>('skip-revert'),
} as const satisfies Record<Control, unknown>;

/** Controls that are signals of the same name as well: recorded while no worker runs, and sent from tctl, the CLI and the UI. */
export const SIGNALLED = [
  'stop',
  'cancel',
  'release',
  'approve',
  'reject',
  'cutover',
] as const satisfies readonly Control[];

export type Signalled = (typeof SIGNALLED)[number];

/** They take an optional message and ignore everything else, so that a bare one means the whole apply (`parseControl`). */
export const CONTROL_SIGNALS = {
  stop: defineSignal<[ControlMessage?]>('stop'),
  cancel: defineSignal<[ControlMessage?]>('cancel'),
  release: defineSignal<[ControlMessage?]>('release'),
  approve: defineSignal<[ControlMessage?]>('approve'),
  reject: defineSignal<[ControlMessage?]>('reject'),
  cutover: defineSignal<[ControlMessage?]>('cutover'),
} as const satisfies Record<Signalled, unknown>;

export const statusQuery = defineQuery<ApplyView>('status');

/** Parent to operation: it may go. */
export const admitSignal = defineSignal('admit');
/** Parent to operation: it may cut over. */
export const permitSignal = defineSignal('permit');
/** Parent or person to operation: halt it. A bare one is an operator's stop. */
export const haltSignal = defineSignal<[HaltMessage?]>('stop');
/** Parent or person to operation: end it for good. */
export const cancelOperationSignal = defineSignal<[HaltMessage?]>('cancel');
/** Parent to operation: undo the change within its engine's window. */
export const revertSignal = defineSignal('revert');
/** Parent to operation: give the window up, the change stays. */
export const skipRevertSignal = defineSignal('skip-revert');
/** Parent to operation: a named person gives it up, confirmed or not. */
export const giveUpSignal = defineSignal<[GiveUpMessage]>('giveUp');

export interface HaltMessage {
  readonly reason?: EndReason;
}

/** Operation to parent: a state that the rollout depends on, or what its engine refused. */
export const reportSignal = defineSignal<[OperationReport]>('report');

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

export type { GiveUpMessage, OperationReport };
export { MEMO_APPLY, MEMO_SPEC_DIGEST } from '../domain/ids.js';
