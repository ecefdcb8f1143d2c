/** States of an apply as they are stored and, in the same words, shown per table (engine contract 2.5). */
export const APPLY_STATES = [
  'pending',
  'running',
  'failed_retryable',
  'waiting_for_cutover',
  'cutting_over',
  'stopped',
  'completed',
  'failed',
  'cancelled',
] as const;
export type ApplyState = (typeof APPLY_STATES)[number];

export interface ApplyStateFacts {
  /** It holds its target: no other apply is accepted there. */
  readonly live: boolean;
  /** Steps of it are being carried out, unless somebody else is faster. */
  readonly working: boolean;
  /** Nothing will ever change it again. `stopped` rests, and can be started or cancelled. */
  readonly final: boolean;
}

export const APPLY_STATE: Readonly<Record<ApplyState, ApplyStateFacts>> = {
  pending: { live: true, working: false, final: false },
  running: { live: true, working: true, final: false },
  failed_retryable: { live: true, working: true, final: false },
  waiting_for_cutover: { live: true, working: false, final: false },
  cutting_over: { live: true, working: true, final: false },
  stopped: { live: false, working: false, final: false },
  completed: { live: false, working: false, final: true },
  failed: { live: false, working: false, final: true },
  cancelled: { live: false, working: false, final: true },
};
