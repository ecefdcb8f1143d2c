import type { ChangeKind } from '../../change.js';
import type { Step } from './change.js';

/** How one statement is to be run, or why it is not. What is lost by it stands in its statements (see loss.ts). */
export interface Verdict {
  readonly kind: ChangeKind;
  readonly steps: readonly Step[];
  readonly blockedReason: string | null;
}

/** A statement that only touches the catalogue: milliseconds under its lock, in one transaction with its done mark. */
export function brief(kind: ChangeKind, statement: string, options: { readonly undo?: string } = {}): Verdict {
  return {
    kind,
    steps: [{ kind: 'transaction', statement, scans: false, undo: options.undo ?? null }],
    blockedReason: null,
  };
}

/** A statement that would block writers, or of which this engine does not know that it would not. */
export function blocked(kind: ChangeKind, reason: string): Verdict {
  return { kind, steps: [], blockedReason: reason };
}

/** Several steps that make one change. */
export function online(kind: ChangeKind, steps: readonly Step[]): Verdict {
  return { kind, steps, blockedReason: null };
}
