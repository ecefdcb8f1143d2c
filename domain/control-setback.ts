import {
  ALREADY,
  type Admission,
  type ControlRequest,
  type ControlSituation,
  accept,
  describeStates,
  namedIn,
  refuse,
  refuseAfterHalt,
} from './admission.js';
import { describeSetbacks, isPolicyOpen } from './derive.js';
import { type OperationFacts, isSetback } from './operation.js';
import { hasEnded } from './state.js';

/** What a person can do about a setback: go on in spite of it, attempt it anew, or leave it out (design 3 and 5). */

export function admitRelease(situation: ControlSituation): Admission {
  if (situation.controls.release) return ALREADY;
  const forbidden = refuseAfterHalt('release', situation);
  if (forbidden !== null) return forbidden;
  if (isPolicyOpen(situation))
    return refuse(
      `apply ${situation.apply}: the policy is open (${describeSetbacks(situation)}), so there is nothing to release`,
    );
  return accept([]);
}

export function admitRetry(request: ControlRequest, situation: ControlSituation): Admission {
  const { apply, policy, operations, controls } = situation;
  const forbidden = refuseAfterHalt('retry', situation);
  if (forbidden !== null) return forbidden;
  const named = request.deployments.length > 0 ? namedIn(request, situation) : operations.filter(isSetback);
  if (named.length === 0) return refuse(`apply ${apply} has no failed deployment to retry`);
  const wrong = named.filter((operation) => !canRetry(operation));
  if (wrong.length > 0)
    return refuse(
      `retry of apply ${apply}: ${describeStates(wrong)}; only failed and reverted deployments, and those that someone else ended on the engine, can be attempted anew`,
    );
  const others = operations.filter((operation) => !named.includes(operation));
  if (policy.onFailure === 'halt' && !isPolicyOpen({ policy, operations: others, controls }))
    return refuse(
      `retry of apply ${apply}: ${describeStates(others.filter(isSetback))} would keep the policy closed (${describeSetbacks({ policy, operations: others })}); retry these too`,
    );
  return accept(named);
}

export function admitSkip(request: ControlRequest, situation: ControlSituation): Admission {
  const { apply, operations } = situation;
  if (request.deployments.length === 0 && !request.all)
    return refuse(`skip of apply ${apply} must name a deployment: --deployment <name>, or --all that can be skipped`);
  if (request.reason === null || request.reason.trim() === '')
    return refuse(`skip of apply ${apply} must say why: --reason <text>`);
  const named = request.all
    ? operations.filter((operation) => canSkip(operation, request.unconfirmed))
    : namedIn(request, situation);
  if (named.every((operation) => operation.skipped)) return ALREADY;
  const wrong = named.filter((operation) => !canSkip(operation, request.unconfirmed));
  if (wrong.length === 0) return accept(named.filter((operation) => !operation.skipped));
  const hint = wrong.every((operation) => !hasEnded(operation.state))
    ? '; stop the apply, or give the deployment up with --unconfirmed when its engine does not answer'
    : '';
  return refuse(
    `skip of apply ${apply}: ${describeStates(wrong)}; only pending and failed deployments can be skipped${hint}`,
  );
}

function canRetry(operation: OperationFacts): boolean {
  return operation.state === 'failed' || isSetback(operation);
}

function canSkip(operation: OperationFacts, unconfirmed: boolean): boolean {
  if (operation.state === 'failed' || operation.skipped) return true;
  if (operation.state === 'pending' && !operation.admitted) return true;
  return unconfirmed && !hasEnded(operation.state);
}
