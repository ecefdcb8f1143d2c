import type { Control } from './apply.js';
import { type ControlFacts, countSetbacks, isPolicyOpen } from './derive.js';
import { type OperationFacts, isSetback } from './operation.js';
import type { RolloutPolicy } from './spec.js';
import { hasEnded } from './state.js';

/** A control as a person sends it to a running apply. */
export interface ControlRequest {
  readonly name: Control;
  /** The deployments it names; empty means the whole apply, or all it can apply to. */
  readonly deployments: readonly string[];
  /** Only for `skip`: ends an operation whose engine does not answer or confirm (design 4). */
  readonly unconfirmed: boolean;
  /** Only for `skip`, where it is required: why. */
  readonly reason: string | null;
  /** The environment the sender believes the apply to be in; refused when it is another. Null skips the check. */
  readonly environment: string | null;
}

export type Admission =
  | { readonly kind: 'accepted'; readonly deployments: readonly string[] }
  /** In force or done already; nothing changes. */
  | { readonly kind: 'already' }
  /** Nothing changes; the text names the rule, the ids and the next step. */
  | { readonly kind: 'refused'; readonly because: string };

export interface ControlSituation {
  readonly apply: string;
  readonly environment: string;
  readonly policy: RolloutPolicy;
  readonly operations: readonly OperationFacts[];
  readonly controls: ControlFacts;
}

/**
 * Whether a control is allowed now (design 3 and 5). One pure function, used by the synchronous validators of the
 * updates and by the handlers of the signals, so that a refusal leaves no trace in history and both say the same.
 */
export function admitControl(request: ControlRequest, situation: ControlSituation): Admission {
  const common = refuseCommon(request, situation);
  if (common !== null) return common;
  switch (request.name) {
    case 'stop':
      if (situation.controls.stop || situation.controls.cancel) return { kind: 'already' };
      return accept([]);
    case 'cancel':
      return situation.controls.cancel ? { kind: 'already' } : accept([]);
    case 'release':
      return admitRelease(situation);
    case 'retry':
      return admitRetry(request, situation);
    case 'skip':
      return admitSkip(request, situation);
    case 'start':
      return refuseStart(situation);
  }
}

function refuseCommon(request: ControlRequest, situation: ControlSituation): Admission | null {
  const { apply, environment, operations } = situation;
  if (request.environment !== null && request.environment !== environment) {
    return refuse(
      `${request.name} names environment ${request.environment}, and apply ${apply} is in ${environment}; name the right environment or the right apply`,
    );
  }
  const known = operations.map((operation) => operation.deployment);
  const unknown = request.deployments.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    return refuse(
      `${request.name} names deployment ${unknown.join(', ')}, which apply ${apply} does not have; it has ${known.join(', ')}`,
    );
  if (APPLY_WIDE.includes(request.name) && request.deployments.length > 0)
    return refuse(
      `${request.name} is for the whole apply ${apply} and names ${request.deployments.join(', ')}; leave the deployments out`,
    );
  if (operations.every((operation) => hasEnded(operation.state)))
    return refuse(
      `apply ${apply} has ended; ${request.name} reaches running applies, and start, retry and cancel of an ended one begin a new run`,
    );
  return null;
}

const APPLY_WIDE: readonly Control[] = ['stop', 'start', 'release', 'cancel'];

function admitRelease({ apply, policy, operations, controls }: ControlSituation): Admission {
  if (controls.release) return { kind: 'already' };
  const forbidden = refuseAfterHalt('release', apply, controls);
  if (forbidden !== null) return forbidden;
  const setbacks = countSetbacks(operations);
  if (isPolicyOpen(policy, setbacks, controls)) {
    return refuse(
      `apply ${apply}: the policy is open (${setbacks} setbacks, failureTolerance ${policy.failureTolerance}, onFailure ${policy.onFailure}), so there is nothing to release`,
    );
  }
  return accept([]);
}

function admitRetry(request: ControlRequest, situation: ControlSituation): Admission {
  const { apply, policy, operations, controls } = situation;
  const forbidden = refuseAfterHalt('retry', apply, controls);
  if (forbidden !== null) return forbidden;
  const named =
    request.deployments.length > 0
      ? operations.filter((operation) => request.deployments.includes(operation.deployment))
      : operations.filter(isSetback);
  if (named.length === 0) return refuse(`apply ${apply} has no failed deployment to retry`);
  const wrong = named.filter((operation) => !canRetry(operation));
  if (wrong.length > 0)
    return refuse(
      `retry of apply ${apply}: ${describeStates(wrong)}; only failed and reverted deployments, and those that someone else ended on the engine, can be attempted anew`,
    );
  const others = operations.filter((operation) => isSetback(operation) && !named.includes(operation));
  if (policy.onFailure === 'halt' && !isPolicyOpen(policy, others.length, controls)) {
    return refuse(
      `retry of apply ${apply}: ${describeStates(others)} would keep the policy closed (onFailure halt, failureTolerance ${policy.failureTolerance}); retry these too`,
    );
  }
  return accept(named.map((operation) => operation.deployment));
}

function admitSkip(request: ControlRequest, { apply, operations }: ControlSituation): Admission {
  if (request.deployments.length === 0)
    return refuse(`skip of apply ${apply} must name a deployment: --deployment <name>`);
  if (request.reason === null || request.reason.trim() === '')
    return refuse(`skip of apply ${apply} must say why: --reason <text>`);
  const named = operations.filter((operation) => request.deployments.includes(operation.deployment));
  if (named.every((operation) => operation.skipped)) return { kind: 'already' };
  const wrong = named.filter((operation) => !canSkip(operation, request.unconfirmed));
  if (wrong.length === 0)
    return accept(named.filter((operation) => !operation.skipped).map((operation) => operation.deployment));
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

function refuseStart({ apply, policy, operations, controls }: ControlSituation): Admission {
  if (controls.stop || controls.cancel)
    return refuse(`apply ${apply} is ${controls.cancel ? 'cancelling' : 'stopping'}; start it once it has ended`);
  if (!isPolicyOpen(policy, countSetbacks(operations), controls) && policy.onFailure === 'pause')
    return refuse(`apply ${apply} is paused, not stopped; go on with release, or end it with stop`);
  return refuse(`apply ${apply} is running; start is for one that was stopped`);
}

function refuseAfterHalt(name: Control, apply: string, controls: ControlFacts): Admission | null {
  if (controls.cancel) return refuse(`apply ${apply} is being cancelled, which is final; ${name} is refused`);
  if (controls.stop)
    return refuse(
      `apply ${apply} is being stopped; wait until it has ended, then ${name === 'retry' ? 'retry' : 'start --release'}`,
    );
  return null;
}

function describeStates(operations: readonly OperationFacts[]): string {
  return operations.map((operation) => `${operation.deployment} is ${operation.state}`).join(', ');
}

function accept(deployments: readonly string[]): Admission {
  return { kind: 'accepted', deployments };
}

function refuse(because: string): Admission {
  return { kind: 'refused', because };
}
