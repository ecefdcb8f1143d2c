/** Kinds of a change, as `CHANGE_TYPE_*` of the wire names them. */
export type ChangeKind =
  | 'create'
  | 'alter'
  | 'drop'
  | 'create_index'
  | 'drop_index'
  | 'rename'
  | 'create_view'
  | 'other';

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

/** One logical statement of a plan. The order of a plan's changes is the order in which they run (engine contract E11). */
export interface Change {
  readonly namespace: string;
  /** The table, or the other object (view, type, function) that changes. */
  readonly table: string;
  readonly kind: ChangeKind;
  /** The DDL as it will run: the statements of all steps, joined by `;` and a line break. Equal plans have equal text. */
  readonly ddl: string;
  /** Why it needs `allow_unsafe`, or null when it does not (engine contract E12, E18). */
  readonly unsafeReason: string | null;
  /** Why this engine will not run it whatever the options, or null (engine contract E19). */
  readonly blockedReason: string | null;
  /** Empty when blocked. */
  readonly steps: readonly Step[];
}

/** The text of a change's steps, as shown and compared. */
export function ddlOf(steps: readonly Step[]): string {
  return steps.map((step) => step.statement).join(';\n');
}

/** Only brief steps: the change takes milliseconds once it has its lock. */
export function isInstant(change: Pick<Change, 'steps'>): boolean {
  return change.steps.every((step) => step.kind === 'transaction' && !step.scans);
}
