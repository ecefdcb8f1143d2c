import type { ScriptedApply } from './scripted-engine-apply.js';
import { type Dialect, StatusOutcome } from './scripted-engine-plans.js';
import { stateWord } from './scripted-engine-states.js';

export interface ControlOutcome {
  readonly accepted: boolean;
  readonly errorMessage: string;
}

/** A request for one apply, and who made it. */
export interface ControlOf {
  readonly apply: ScriptedApply;
  readonly dialect: Dialect;
  readonly caller: string;
}

const ACCEPTED: ControlOutcome = { accepted: true, errorMessage: '' };

/** Accepted stops that wait for `landStop`, and what landing does. */
const pendingStops = new WeakMap<ScriptedApply, () => void>();

/** Accepted cancels of a stopped apply that a limited engine carries out only after a Start (engine contract 7.14). */
const cancelsAfterStart = new WeakSet<ScriptedApply>();

export function landStop(apply: ScriptedApply): void {
  const land = pendingStops.get(apply);
  if (land === undefined) throw new Error(`apply ${apply.remoteApplyId} has no stop that waits to land`);
  pendingStops.delete(apply);
  land();
}

/** Records the request and answers; what it does, it does after the answer (engine contract 2.6). */
export function stop({ apply, caller, dialect }: ControlOf): ControlOutcome {
  if (apply.hasEnded) return { accepted: true, errorMessage: dialect === 'full' ? alreadyEnded(apply) : '' };
  if (apply.isStopped) return ACCEPTED;
  if (apply.isLive) return refused(`stop is not possible any more: the change is live (${stateWord(apply.state)})`);
  const land = (): void => {
    if (apply.hasEnded) {
      apply.settle('stop', 'failed', caller, alreadyEnded(apply));
      return;
    }
    if (!apply.isStopped) apply.halt();
    apply.settle('stop', 'completed', caller);
  };
  switch (apply.script.stop) {
    case 'refused':
      return refused('stop not supported for this schema change; use cancel to permanently cancel it');
    case 'never_lands':
      return ACCEPTED;
    case 'on_release':
      pendingStops.set(apply, land);
      return ACCEPTED;
    case 'lands':
      setImmediate(land);
      return ACCEPTED;
  }
}

export function cancel({ apply, caller, dialect }: ControlOf): ControlOutcome {
  if (apply.hasEnded) {
    if (dialect === 'full') return { accepted: true, errorMessage: alreadyEnded(apply) };
    const text = `schema change ${apply.remoteApplyId} is already terminal (state: ${stateWord(apply.state)})`;
    throw new StatusOutcome('INTERNAL', text);
  }
  if (apply.isLive) return refused(`cancel is not possible any more: the change is live (${stateWord(apply.state)})`);
  if (apply.script.cancel === 'refused') return refused('cancel is not supported for this schema change');
  if (apply.script.cancel === 'never_lands') return ACCEPTED;
  if (dialect === 'limited' && apply.isStopped) {
    // It stays stopped, for ever unless it is started (engine contract 7.8).
    cancelsAfterStart.add(apply);
  } else {
    setImmediate(() => {
      if (apply.hasEnded) return;
      apply.end('cancelled');
      apply.settle('cancel', 'completed', caller);
    });
  }
  return ACCEPTED;
}

export function start({ apply, caller, dialect }: ControlOf): ControlOutcome {
  if (apply.superseded) return refused(`apply ${apply.remoteApplyId} was superseded by a newer apply`);
  if (apply.script.start === 'refused') return refused('start is not supported for this schema change');
  if (pendingStops.has(apply)) return refused('a stop is pending');
  if (!apply.isStopped) {
    const text = `schema change is not stopped (current state: ${stateWord(apply.state)})`;
    if (dialect !== 'full') throw new StatusOutcome('INTERNAL', text);
    return apply.hasEnded ? refused(text) : ACCEPTED;
  }
  apply.resume();
  if (cancelsAfterStart.delete(apply)) setImmediate(() => apply.end('cancelled'));
  apply.settle('start', 'completed', caller);
  return ACCEPTED;
}

export function cutover({ apply, dialect, caller }: ControlOf, operationId: string): ControlOutcome {
  if (dialect === 'full' && operationId !== '' && operationId !== apply.identity.operationId) {
    return refused(`cutover names an operation this apply does not have: ${operationId}`);
  }
  if (apply.script.cutover === 'refused') return refused('the swap was refused: another session holds the table');
  // A repeat of a request that was granted.
  if (apply.isCutoverPermitted && !apply.isStopped && !pendingStops.has(apply)) return ACCEPTED;
  // A limited engine holds an early request, and accepts one for what has ended (engine contract 7.6 and 7.7).
  if (dialect === 'full' && (!apply.isParked || pendingStops.has(apply))) {
    return refused(`cutover needs waiting_for_cutover (current state: ${stateWord(apply.state)})`);
  }
  if (apply.script.cutover === 'lands') apply.permitCutover(caller);
  if (apply.script.cutover === 'fails')
    setImmediate(() => apply.settle('cutover', 'failed', caller, 'the swap failed: lock wait timeout'));
  return ACCEPTED;
}

export function revert(of: ControlOf): ControlOutcome {
  return inWindow(of, 'revert', of.apply.script.revert);
}

export function skipRevert(of: ControlOf): ControlOutcome {
  return inWindow(of, 'skip_revert', of.apply.script.skipRevert);
}

/** A limited engine has no window, and says so in its way in every state (engine contract 7.7). */
function inWindow(
  { apply, dialect, caller }: ControlOf,
  operation: 'revert' | 'skip_revert',
  behaviour: ScriptedApply['script']['revert' | 'skipRevert'],
): ControlOutcome {
  if (dialect !== 'full') throw new StatusOutcome('INTERNAL', 'no active schema change');
  if (!apply.isInRevertWindow) {
    return refused(`${operation} needs revert_window (current state: ${stateWord(apply.state)})`);
  }
  if (behaviour === 'refused') return refused(`${operation} is not supported for this schema change`);
  if (behaviour === 'lands' || behaviour === 'on_release') apply.leaveWindow(operation, caller);
  if (behaviour === 'fails')
    setImmediate(() => apply.settle(operation, 'failed', caller, `the ${operation} failed: lock wait timeout`));
  return ACCEPTED;
}

function alreadyEnded(apply: ScriptedApply): string {
  return `Schema change already ${stateWord(apply.state)}`;
}

function refused(errorMessage: string): ControlOutcome {
  return { accepted: false, errorMessage };
}
