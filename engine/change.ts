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

/** A statement as it was reviewed. */
export interface ReviewedChange {
  readonly namespace: string;
  /** The table, or the other object (view, type, function) that changes. */
  readonly table: string;
  readonly kind: ChangeKind;
  /** The DDL as it will run. Equal plans have equal text. */
  readonly ddl: string;
}

/** One logical statement of a plan. The order of a plan's changes is the order in which they run (engine contract E11). */
export interface PlannedChange extends ReviewedChange {
  /** Why it needs `allow_unsafe`, or null when it does not (engine contract E12, E18). */
  readonly unsafeReason: string | null;
  /** Why this engine will not run it whatever the options, or null (engine contract E19). */
  readonly blockedReason: string | null;
  /** It takes milliseconds once it has its lock. */
  readonly instant: boolean;
  /** Durable units of work that it consists of; 0 when it is blocked. */
  readonly stepCount: number;
}
