import type { Blocker } from '../storage/blocker.js';

/** One try at one step. */
export interface StepAttempt {
  readonly applyId: string;
  readonly position: number;
}

/** What became of it. An error says nothing yet about whether it is tried again. */
export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly error: unknown; readonly blocker: Blocker | null };
