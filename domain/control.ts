import {
  ALREADY,
  type Admission,
  type ControlRequest,
  type ControlSituation,
  accept,
  describeStates,
  namedIn,
  refuse,
} from './admission.js';
import type { Control } from './apply.js';
import { admitApprove, admitReject } from './control-gate.js';
import { admitCutover, admitRevert, admitSkipRevert } from './control-cutover.js';
import { admitRelease, admitRetry, admitSkip } from './control-setback.js';
import { isPolicyOpen } from './derive.js';
import type { OperationFacts } from './operation.js';
import { listNames } from './listing.js';
import { hasEnded } from './state.js';

/**
 * Whether a control is allowed now (design 3 and 5). One pure function, used by the synchronous validators of the
 * updates and by the handlers of the signals, so that a refusal leaves no trace in history and both say the same.
 */
export function admitControl(request: ControlRequest, situation: ControlSituation): Admission {
  return refuseCommon(request, situation) ?? RULES[request.name](request, situation);
}

type Rule = (request: ControlRequest, situation: ControlSituation) => Admission;

const RULES: Readonly<Record<Control, Rule>> = {
  stop: (_, { controls }) => (controls.stop || controls.cancel ? ALREADY : accept([])),
  start: (_, situation) => refuseStart(situation),
  retry: admitRetry,
  cancel: admitCancel,
  cutover: admitCutover,
  release: (_, situation) => admitRelease(situation),
  approve: admitApprove,
  reject: admitReject,
  skip: admitSkip,
  revert: admitRevert,
  'skip-revert': admitSkipRevert,
};

/** Controls that are for the whole apply and name no deployment (design 5). */
export const APPLY_WIDE: readonly Control[] = ['stop', 'start', 'release', 'approve', 'reject'];

function refuseCommon(request: ControlRequest, { apply, environment, operations }: ControlSituation): Admission | null {
  if (request.environment !== null && request.environment !== environment) {
    return refuse(
      `${request.name} names environment ${request.environment}, and apply ${apply} is in ${environment}; name the right environment or the right apply`,
    );
  }
  const known = operations.map((operation) => operation.deployment);
  const unknown = request.deployments.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    return refuse(
      `${request.name} names deployment ${listNames(unknown)}, which apply ${apply} does not have; it has ${listNames(known)}`,
    );
  if (APPLY_WIDE.includes(request.name) && request.deployments.length > 0)
    return refuse(
      `${request.name} is for the whole apply ${apply} and names ${listNames(request.deployments)}; leave the deployments out`,
    );
  if (request.all && request.deployments.length > 0)
    return refuse(
      `${request.name} of apply ${apply} names ${listNames(request.deployments)} and all; give one of them`,
    );
  if (operations.every((operation) => hasEnded(operation.state)))
    return refuse(
      `apply ${apply} has ended; ${request.name} reaches running applies, and start, retry and cancel of an ended one begin a new run`,
    );
  return null;
}

function refuseStart(situation: ControlSituation): Admission {
  const { apply, policy, controls } = situation;
  if (controls.stop || controls.cancel)
    return refuse(`apply ${apply} is ${controls.cancel ? 'cancelling' : 'stopping'}; start it once it has ended`);
  if (!isPolicyOpen(situation) && policy.onFailure === 'pause')
    return refuse(`apply ${apply} is paused, not stopped; go on with release, or end it with stop`);
  return refuse(`apply ${apply} is running; start is for one that was stopped`);
}

/** Final, so it outranks everything; what a live change needs is its revert (design 3, `cancel`). */
function admitCancel(request: ControlRequest, situation: ControlSituation): Admission {
  if (situation.controls.cancel) return ALREADY;
  if (request.deployments.length === 0) return accept([]);
  const named = namedIn(request, situation);
  const wrong = named.filter((operation) => !canCancel(operation));
  if (wrong.length > 0) {
    const hint = wrong.some(({ state }) => state === 'revert_window') ? '; undo a live change with revert' : '';
    return refuse(
      `cancel of apply ${situation.apply}: ${describeStates(wrong)}; only what has not ended for good can be cancelled${hint}`,
    );
  }
  const rest = named.filter(({ cancelAsked, state }) => !cancelAsked && state !== 'cancelled');
  return rest.length === 0 ? ALREADY : accept(rest);
}

function canCancel({ state }: OperationFacts): boolean {
  if (state === 'stopped' || state === 'cancelled') return true;
  return !hasEnded(state) && state !== 'revert_window' && state !== 'reverting';
}
