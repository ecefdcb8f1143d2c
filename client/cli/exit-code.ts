import { APPLY_STATE } from '../../domain/state.js';
import type { ApplyStatus } from '../../domain/status.js';
import type { SkeinErrorKind } from '../errors.js';
import { type RolloutPlan, openProblems } from '../plan.js';
import { needsPerson } from '../why.js';

/** What a script can tell from the exit code of any command. One row per code, printed by `--help`. */
export const EXIT_CODES = {
  0: 'completed, or the command did what it was asked',
  1: 'failed or partly failed; a control or a plan was refused; an apply was interrupted',
  2: 'a defect in this program',
  3: 'stopped, cancelled or reverted',
  4: 'waits for a human',
  64: 'usage: wrong arguments, or there is no such apply',
  65: 'bad spec, or another spec under the same apply id; nothing was started',
  69: 'unavailable: the server, a worker or an engine does not answer',
  78: 'configuration: the connection settings, or a file that cannot be written',
} as const;

export type ExitCode = keyof typeof EXIT_CODES;

const ERROR_EXIT_CODE = {
  invalid_spec: 65,
  conflict: 65,
  plan_refused: 1,
  refused: 1,
  unknown_apply: 64,
  unavailable: 69,
  configuration: 78,
} as const satisfies Record<SkeinErrorKind, ExitCode>;

export function exitCodeOfError(kind: SkeinErrorKind): ExitCode {
  return ERROR_EXIT_CODE[kind];
}

/** 0 for an apply that goes on by itself; what it waits for decides, never its state alone (design 5). */
export function exitCodeOfStatus(status: Pick<ApplyStatus, 'state' | 'interrupted' | 'waitingFor'>): ExitCode {
  if (status.interrupted !== null) return 1;
  return needsPerson(status) ? 4 : APPLY_STATE[status.state].exitCode;
}

/** The block at the end of every help. */
export function describeExitCodes(): string {
  const rows = Object.entries(EXIT_CODES).map(([code, meaning]) => `  ${code.padStart(2)}  ${meaning}`);
  return ['', 'Exit codes:', ...rows].join('\n');
}

/** Of a plan that is only looked at: 1 when it cannot be applied as it stands, 69 when an engine could not be asked. */
export function exitCodeOfPlan(
  plan: Pick<RolloutPlan, 'problems'>,
  options: { readonly allowUnsafe: boolean },
): ExitCode {
  const open = openProblems(plan, options);
  if (open.some(({ kind }) => kind === 'unreachable')) return 69;
  return open.length === 0 ? 0 : 1;
}
