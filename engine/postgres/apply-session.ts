import type { ApplyState } from '../apply-state.js';
import type { ApplySession, ControlOperation, LogEntry, StoredApply } from '../target.js';
import type { Queryable } from './database.js';
import { stepsOfCancel } from './execution/extent.js';
import { findLiveApply, setApplyState } from './storage/applies.js';
import { readControls, requestControl, settleControl } from './storage/controls.js';
import { writeLog } from './storage/logs.js';
import { readSteps } from './storage/steps.js';

/** An apply whose row is locked, in the transaction of `client`. */
export function applySession(client: Queryable, apply: StoredApply): ApplySession {
  const { applyId } = apply;
  return {
    apply,
    controls: () => readControls(client, applyId),
    findLiveApply: () => findLiveApply(client),
    hasNothingToTakeBack: async () => {
      const steps = stepsOfCancel(apply, await readSteps(client, applyId));
      return steps.every((step) => step.state === 'pending' && !step.leftover);
    },
    request: (operation: ControlOperation, caller: string) => requestControl(client, { applyId, operation, caller }),
    settle: (operation: ControlOperation, status, message) =>
      settleControl(client, { applyId, operation, status, ...(message === undefined ? {} : { message }) }),
    setState: async (state: ApplyState) => {
      await setApplyState(client, applyId, state);
    },
    log: (entry: LogEntry) => writeLog(client, applyId, entry),
  };
}
