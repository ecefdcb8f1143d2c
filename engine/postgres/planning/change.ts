import type { PlannedChange, ReviewedChange } from '../../change.js';

/**
 * One durable unit of work. A step is done or not done; there is no half-done step that counts.
 *
 * - `transaction`: the statement and its done mark commit together, so it cannot run twice. `scans` says that it reads
 *   the whole table (VALIDATE CONSTRAINT) and may therefore take long; it never blocks writers while it does.
 * - `build_index`: CREATE INDEX CONCURRENTLY, which cannot share a transaction with its mark. Its truth is the catalogue:
 *   done means that an index of this name is valid and has this `definition` (the text of pg_get_indexdef).
 * - `drop_index`: DROP INDEX CONCURRENTLY. Done means that the index is absent.
 */
export type Step = StepWork & {
  /** Why it is left for the cutover where that is deferred. Absent where it runs before (see cutover-rule.ts). */
  readonly waitsBecause?: string;
};

type StepWork =
  | {
      readonly kind: 'transaction';
      readonly statement: string;
      readonly scans: boolean;
      /** Takes this step back when a later step of the same change fails for good, or the apply is cancelled. */
      readonly undo: string | null;
    }
  | {
      readonly kind: 'build_index';
      readonly statement: string;
      readonly schema: string;
      readonly index: string;
      readonly definition: string;
    }
  | { readonly kind: 'drop_index'; readonly statement: string; readonly schema: string; readonly index: string };

/** A change as this engine's PostgreSQL side plans it: with the steps that carry it out. */
export interface Change extends ReviewedChange {
  /** As PlannedChange. */
  readonly unsafeReason: string | null;
  /** As PlannedChange. */
  readonly blockedReason: string | null;
  /** Empty when blocked. Their statements, joined by `;` and a line break, are the ddl. */
  readonly steps: readonly Step[];
}

/** What calls see of a change. */
export function planned(change: Change): PlannedChange {
  const { namespace, table, kind, ddl, unsafeReason, blockedReason, steps } = change;
  return {
    namespace,
    table,
    kind,
    ddl,
    unsafeReason,
    blockedReason,
    instant: isInstant(change),
    stepCount: steps.length,
  };
}

/** The text of a change's steps, as shown and compared. */
export function ddlOf(steps: readonly Step[]): string {
  return steps.map((step) => step.statement).join(';\n');
}

/** Only brief steps: the change takes milliseconds once it has its lock. */
export function isInstant(change: Pick<Change, 'steps'>): boolean {
  return change.steps.every((step) => step.kind === 'transaction' && !step.scans);
}
