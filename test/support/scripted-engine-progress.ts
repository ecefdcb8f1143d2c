import * as wire from '../../proto/gen/tern.js';
import type { ScriptedApply } from './scripted-engine-apply.js';
import type { Dialect } from './scripted-engine-plans.js';
import { stateWord } from './scripted-engine-states.js';

/** States that a limited engine does not have, and what it says instead (engine contract 7). */
const LIMITED_STATE: ReadonlyMap<number, number> = new Map([
  [wire.State.STATE_FAILED_RETRYABLE, wire.State.STATE_FAILED],
  [wire.State.STATE_RECOVERING, wire.State.STATE_RUNNING],
  [wire.State.STATE_CATCHING_UP, wire.State.STATE_RUNNING],
  [wire.State.STATE_CHECKSUMMING, wire.State.STATE_RUNNING],
  [wire.State.STATE_POST_CHECKSUM, wire.State.STATE_RUNNING],
]);

/** What Progress says about an apply, in the words of a dialect. */
export function progressOf(apply: ScriptedApply, scope: string, dialect: Dialect): wire.ProgressResponse {
  const state = apply.poll();
  const limited = dialect !== 'full';
  const message = state === wire.State.STATE_FAILED || state === wire.State.STATE_FAILED_RETRYABLE ? apply.message : '';
  return {
    applyId: apply.remoteApplyId,
    // Enumerations of the wire are open, and a script may show a number that is in no contract.
    state: (limited ? (LIMITED_STATE.get(state) ?? state) : state) as wire.State,
    engine: wire.Engine.ENGINE_POSTGRES,
    summary: '',
    errorMessage: message,
    tables: tablesOf(apply, state),
    startedAt: '',
    completedAt: '',
    metadata:
      limited || apply.parkedUntilMs === null ? {} : { parked_until: new Date(apply.parkedUntilMs).toISOString() },
    settledControlRequests: limited ? [] : [...apply.settled.values()],
    applyOperationId: limited ? '' : scope,
  };
}

/** Changes run in their order: before the one that failed they are done, after it they have not begun. */
function tablesOf(apply: ScriptedApply, state: number): wire.TableProgress[] {
  const failed = state === wire.State.STATE_FAILED;
  const failing = Math.max(
    0,
    apply.changes.findIndex(({ fails }) => fails !== ''),
  );
  return apply.changes.map(({ change }, index) => {
    const own = failed && index < failing ? DONE : failed && index > failing ? wire.State.STATE_PENDING : state;
    return tableOf(apply, own, change, `task-${index + 1}`);
  });
}

const DONE = wire.State.STATE_COMPLETED;

function tableOf(apply: ScriptedApply, state: number, change: wire.TableChange, taskId: string): wire.TableProgress {
  const { copied, total } = apply.step?.rows ?? { copied: 0, total: 0 };
  const done = state === DONE;
  return wire.TableProgress.fromPartial({
    taskId,
    namespace: change.namespace,
    tableName: change.tableName,
    ddl: change.ddl,
    changeType: change.changeType,
    status: stateWord(state),
    rowsCopied: String(copied),
    rowsTotal: String(total),
    percentComplete: done ? 100 : total === 0 ? 0 : Math.floor((copied * 100) / total),
    progressDetail: apply.step?.detail ?? '',
  });
}
