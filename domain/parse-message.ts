import type { ControlRequest } from './admission.js';
import type { Control } from './apply.js';
import { isRecord, show } from './parse-value.js';
import { DEPLOYMENTS_MAX } from './spec.js';
import { END_REASONS, type EndReason, OPERATION_STATE, OPERATION_STATES, type OperationState } from './state.js';

/**
 * The door: everything that a message can hold is read here, into a typed message or into nothing. Anyone who reaches
 * Temporal can send anything, so nothing here throws, and nothing behind the door looks at what was sent. The workflows
 * and the reader of their histories share it, so that both believe the same.
 */

/** Longest text of a person, in UTF-16 units; it goes into histories, failures and details, so what is longer is cut. */
export const TEXT_LENGTH_MAX = 2_000;

/** Longest name that is looked at; one of ours has at most 63 characters. */
const NAME_LENGTH_MAX = 100;

/**
 * Stands for bytes that no data converter can read. It is not the same as nothing: what was named in them is unknown, and
 * an unknown is never read as the whole apply.
 */
export const UNREADABLE = { unreadable: true } as const;

/** A control, and who sent it as far as the sender says. */
export interface SentControl {
  readonly request: ControlRequest;
  readonly by: string | null;
}

/**
 * What was sent with a control. What is of another shape counts as absent, except where it narrows the control: which
 * deployments, which wave, which environment. A value there that cannot be read becomes a name that no apply has, so that
 * the control is refused instead of reaching more than it was meant for. A stop is for the whole apply, and never
 * refused for that.
 */
export function parseControl(name: Control, message: unknown): SentControl {
  const given = isRecord(message) ? message : {};
  const narrowed = (key: string) => narrowing(name, given[key]);
  return {
    request: {
      name,
      deployments: parseNames(name, given),
      all: given['all'] === true,
      wave: narrowed('wave'),
      unconfirmed: given['unconfirmed'] === true,
      reason: parseText(given['reason']),
      environment: narrowed('environment'),
    },
    by: parseText(given['by']),
  };
}

function parseNames(name: Control, given: Readonly<Record<string, unknown>>): readonly string[] {
  const sent: unknown = given['unreadable'] === true ? UNREADABLE : (given['deployments'] ?? []);
  const isList = Array.isArray(sent) && sent.every((one) => typeof one === 'string');
  if (!isList && name === 'stop') return [];
  if (!Array.isArray(sent)) return [unreadable(sent)];
  // One more than an apply can have: the control is refused for it, and nothing was dropped unseen.
  return [...new Set(sent.slice(0, DEPLOYMENTS_MAX + 1).map((one) => narrowing(name, one) ?? unreadable(one)))];
}

function narrowing(name: Control, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return clip(value, NAME_LENGTH_MAX);
  return name === 'stop' ? null : unreadable(value);
}

/** In brackets, which no name of ours has. */
function unreadable(value: unknown): string {
  return `(${clip(show(value), NAME_LENGTH_MAX)})`;
}

/** Operation to parent: a state that the rollout depends on, or what its engine refused. */
export interface OperationReport {
  readonly deployment: string;
  readonly attempt: number;
  readonly state: OperationState;
  readonly remoteApplyId: string | null;
  /** What its engine refused, and its text; null when it refused nothing. */
  readonly refused: { readonly control: RefusedControl; readonly message: string } | null;
}

const REFUSED_CONTROLS = ['cutover', 'revert', 'skip-revert'] as const satisfies readonly Control[];

type RefusedControl = (typeof REFUSED_CONTROLS)[number];

/**
 * A report, or null where any field of it is not what an operation sends. Only a live operation reports: its end is the
 * result of its workflow, so a report of an end is somebody else's, and believing it would read an unknown as success.
 */
export function parseReport(message: unknown): OperationReport | null {
  if (!isRecord(message)) return null;
  const { deployment, attempt, remoteApplyId } = message;
  const state = OPERATION_STATES.find((known) => known === message['state']);
  const refused = parseRefusal(message['refused']);
  if (typeof deployment !== 'string' || state === undefined || refused === undefined) return null;
  if (state === 'pending' || OPERATION_STATE[state].ended) return null;
  if (typeof attempt !== 'number' || !Number.isSafeInteger(attempt) || attempt < 0) return null;
  if (remoteApplyId !== null && (typeof remoteApplyId !== 'string' || remoteApplyId === '')) return null;
  return {
    deployment: clip(deployment, NAME_LENGTH_MAX),
    attempt,
    state,
    remoteApplyId: parseText(remoteApplyId),
    refused,
  };
}

/** Undefined for what is no refusal, and not the word that there is none either. */
function parseRefusal(value: unknown): OperationReport['refused'] | undefined {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const control = REFUSED_CONTROLS.find((known) => known === value['control']);
  const message = parseText(value['message']);
  return control === undefined || message === null ? undefined : { control, message };
}

/** Why an operation is halted by somebody, as opposed to how it ended otherwise. */
const HALT_REASONS: readonly EndReason[] = ['operator', 'skip', 'policy', 'deadline'];

/** Why an operation is to halt. Whatever else is in it, a halt is a halt: one without a known reason is an operator's. */
export function parseHaltReason(message: unknown): EndReason {
  const reason = isRecord(message) ? END_REASONS.find((known) => known === message['reason']) : undefined;
  return reason !== undefined && HALT_REASONS.includes(reason) ? reason : 'operator';
}

/** A person gives an operation up, confirmed or not. */
export interface GiveUpMessage {
  readonly by: string | null;
  readonly reason: string;
}

/** Null unless it says why, and who or that nobody is named: it ends what may be alive, so no junk may stand for it. */
export function parseGiveUp(message: unknown): GiveUpMessage | null {
  if (!isRecord(message)) return null;
  const { by } = message;
  const reason = parseText(message['reason']);
  if (reason === null || reason.trim() === '') return null;
  if (by !== null && typeof by !== 'string') return null;
  return { by: by === null || by.trim() === '' ? null : clip(by, TEXT_LENGTH_MAX), reason };
}

function parseText(value: unknown): string | null {
  return typeof value === 'string' ? clip(value, TEXT_LENGTH_MAX) : null;
}

/** Cut to a length, and free of halves of characters, which a cut leaves and not every tool can store. Cutting twice changes nothing. */
function clip(text: string, lengthMax: number): string {
  const short = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return short.replace(/\p{Surrogate}/gu, '\uFFFD');
}
