import { ChangeType, State, type TableChange } from '../../proto/gen/tern.js';
import type { ApplyState } from '../apply-state.js';
import type { ChangeKind, PlannedChange } from '../change.js';
import type { TableSize } from '../target.js';

/** The one translation between the engine's words and the wire. A word that is added breaks the build here. */
export const STATE_ON_WIRE = {
  pending: State.STATE_PENDING,
  running: State.STATE_RUNNING,
  failed_retryable: State.STATE_FAILED_RETRYABLE,
  waiting_for_cutover: State.STATE_WAITING_FOR_CUTOVER,
  cutting_over: State.STATE_CUTTING_OVER,
  stopped: State.STATE_STOPPED,
  completed: State.STATE_COMPLETED,
  failed: State.STATE_FAILED,
  cancelled: State.STATE_CANCELLED,
} as const satisfies Record<ApplyState, State>;

export const CHANGE_TYPE_ON_WIRE = {
  create: ChangeType.CHANGE_TYPE_CREATE,
  alter: ChangeType.CHANGE_TYPE_ALTER,
  drop: ChangeType.CHANGE_TYPE_DROP,
  create_index: ChangeType.CHANGE_TYPE_CREATE_INDEX,
  drop_index: ChangeType.CHANGE_TYPE_DROP_INDEX,
  rename: ChangeType.CHANGE_TYPE_RENAME,
  create_view: ChangeType.CHANGE_TYPE_CREATE_VIEW,
  other: ChangeType.CHANGE_TYPE_OTHER,
} as const satisfies Record<ChangeKind, ChangeType>;

export function tableChangeOnWire(change: PlannedChange, size: TableSize | undefined): TableChange {
  return {
    tableName: change.table,
    ddl: change.ddl,
    changeType: CHANGE_TYPE_ON_WIRE[change.kind],
    namespace: change.namespace,
    isUnsafe: change.unsafeReason !== null,
    unsafeReason: change.unsafeReason ?? '',
    executionMode: executionMode(change),
    modeReason: change.blockedReason ?? '',
    metadata: change.stepCount > 1 ? { steps: String(change.stepCount) } : {},
    estimatedRows: size === undefined || size.rows === null ? undefined : String(size.rows),
    shardCount: 0,
    largestShardRows: undefined,
    estimatedBytes: size === undefined ? undefined : String(size.bytes),
    collationChanges: [],
  };
}

/** `blocked`: refused whatever the options. `instant`: brief steps only. `online`: long, with readers and writers going on. */
function executionMode(change: PlannedChange): 'blocked' | 'instant' | 'online' {
  if (change.blockedReason !== null) return 'blocked';
  return change.instant ? 'instant' : 'online';
}

/** RFC 3339 in UTC; empty where there is no time. */
export function timeOnWire(time: Date | null): string {
  return time === null ? '' : time.toISOString();
}

/** The way back, for plans that arrive with their payload. A number that is not ours is absent. */
export const CHANGE_KIND_FROM_WIRE: ReadonlyMap<number, ChangeKind> = new Map(
  (Object.keys(CHANGE_TYPE_ON_WIRE) as ChangeKind[]).map((kind) => [CHANGE_TYPE_ON_WIRE[kind], kind]), // keys of the table above
);
