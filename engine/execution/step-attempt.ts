import type { Blocker } from './activity.js';

/** One try at one step. */
export interface StepAttempt {
  readonly applyId: string;
  readonly position: number;
  readonly namespace: string;
  readonly table: string;
  /** Estimated rows of the table; "0" when unknown. */
  readonly rowsTotal: string;
}

/** What became of it. An error says nothing yet about whether it is tried again. */
export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly error: unknown; readonly blocker: Blocker | null };
