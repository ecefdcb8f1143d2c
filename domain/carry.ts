import type { ApplyResult, CarriedState, InitialOperation } from './apply.js';
import { countSetbacks, isPolicyOpen } from './derive.js';
import { type OperationFacts, type OperationOutcome, isSetback } from './operation.js';
import type { RolloutPolicy } from './spec.js';

/** What a person asks of an apply that has closed. */
export type Resumption =
  | { readonly control: 'start'; readonly release: boolean; readonly skip: readonly string[] }
  /** Names the deployments to attempt anew; empty means all that failed. */
  | {
      readonly control: 'retry';
      readonly deployments: readonly string[];
      readonly release: boolean;
      readonly skip: readonly string[];
    }
  | { readonly control: 'cancel' };

export type Resumed =
  | { readonly ok: true; readonly carried: CarriedState }
  | { readonly ok: false; readonly because: string };

/**
 * Turns the result of a closed run into the start of the next one (design 3, Ids and runs). Pure. A refusal says what
 * opens the way. No resumption touches a completed operation.
 */
export function resume(params: {
  readonly previous: ApplyResult;
  readonly policy: RolloutPolicy;
  readonly resumption: Resumption;
  readonly by: string | null;
  readonly at: string;
}): Resumed {
  const { previous, policy, resumption } = params;
  const unknown = namedDeployments(resumption).filter(
    (name) => !previous.operations.some((operation) => operation.deployment === name),
  );
  if (unknown.length > 0)
    return refuse(
      `apply ${previous.apply} has no deployment ${unknown.join(', ')}; it has ${previous.operations.map((o) => o.deployment).join(', ')}`,
    );

  const wrong = refuseNamed(previous, resumption);
  if (wrong !== null) return wrong;
  const operations = previous.operations.map((operation) => applyResumption(operation, resumption, params.at));
  const carried = operations.map(({ initial }) => initial);
  if (!operations.some(({ isReached }) => isReached)) return refuse(nothingToDo(previous, resumption));
  if (resumption.control !== 'cancel') {
    const refused = refuseByPolicy({ previous, policy, resumption, carried });
    if (refused !== null) return refused;
  }
  const released = previous.released || (resumption.control !== 'cancel' && resumption.release);
  return {
    ok: true,
    carried: {
      operations: carried,
      released,
      cancel: resumption.control === 'cancel',
      controls: [
        ...previous.controls,
        {
          name: resumption.control,
          by: params.by,
          at: params.at,
          settledAt: resumption.control === 'cancel' ? null : params.at,
          deployments:
            resumption.control === 'retry' ? operations.filter((o) => o.retried).map((o) => o.initial.deployment) : [],
          reason: null,
        },
      ],
      startedAt: previous.startedAt,
    },
  };
}

interface Applied {
  readonly initial: InitialOperation;
  /** Something happens to it in the new run. */
  readonly isReached: boolean;
  readonly retried: boolean;
}

function applyResumption(operation: OperationOutcome, resumption: Resumption, at: string): Applied {
  if (resumption.control === 'cancel') return applyCancel(operation, at);
  if (resumption.skip.includes(operation.deployment)) return leave(asSkipped(operation));
  if (resumption.control === 'retry' && isRetried(operation, resumption.deployments))
    return { initial: anew(operation), isReached: true, retried: true };
  if (isResumable(operation)) return { initial: goOn(operation), isReached: true, retried: false };
  return leave(operation);
}

/**
 * What an engine may still hold goes on, to be ended there for good; what never reached one ends here. One that was left
 * out and never reached its engine stays as it is.
 */
function applyCancel(operation: OperationOutcome, at: string): Applied {
  if (operation.state !== 'stopped') return leave(operation);
  if (operation.remoteApplyId !== null || !operation.confirmed)
    return { initial: goOn(operation), isReached: true, retried: false };
  if (operation.skipped) return leave(operation);
  return {
    initial: ended({ ...operation, state: 'cancelled', reason: 'operator', completedAt: at }),
    isReached: true,
    retried: false,
  };
}

function leave(operation: OperationOutcome): Applied {
  return { initial: ended(operation), isReached: false, retried: false };
}

function asSkipped(operation: OperationOutcome): OperationOutcome {
  return { ...operation, skipped: true, reason: operation.state === 'stopped' ? 'skip' : operation.reason };
}

function isResumable(operation: OperationOutcome): boolean {
  return operation.state === 'stopped' && !operation.skipped;
}

/** The named ones, or all that are setbacks: failed, reverted, and ended by someone else on the engine. */
function isRetried(operation: OperationOutcome, named: readonly string[]): boolean {
  return named.length === 0 ? isSetback(facts(operation)) : named.includes(operation.deployment);
}

/** Completed work is never touched, and what was stopped here goes on with `start`. */
function canBeRetried(operation: OperationOutcome): boolean {
  if (operation.state === 'completed') return false;
  return operation.state !== 'stopped' || operation.reason === 'engine';
}

function goOn(operation: OperationOutcome): InitialOperation {
  return {
    deployment: operation.deployment,
    ended: null,
    attempt: operation.attempt,
    remoteApplyId: operation.remoteApplyId,
    remoteOperationId: operation.remoteOperationId,
    started: operation.started,
    atRest: !operation.started || operation.confirmed,
    startedAt: operation.startedAt,
    unsettled: null,
    verifyFirst: false,
    before: null,
  };
}

/** A deliberate new attempt of an operation that ended: another key, the remote id cleared (I1, C05). */
export function anew(operation: OperationOutcome): InitialOperation {
  const unsettled = operation.started && (!operation.confirmed || operation.dispatch === 'unconfirmed');
  return {
    deployment: operation.deployment,
    ended: null,
    attempt: operation.attempt + 1,
    remoteApplyId: null,
    remoteOperationId: null,
    started: operation.started,
    atRest: !unsettled,
    startedAt: operation.startedAt,
    unsettled: unsettled ? { attempt: operation.attempt, remoteApplyId: operation.remoteApplyId } : null,
    verifyFirst: operation.changeInPlace,
    before: operation,
  };
}

function ended(operation: OperationOutcome): InitialOperation {
  return { ...goOn(operation), ended: operation };
}

/** Deployments named for what cannot be done with them: an answer, rather than a run that passes them over in silence. */
function refuseNamed(previous: ApplyResult, resumption: Resumption): Resumed | null {
  if (resumption.control === 'cancel') return null;
  const named = (names: readonly string[]) =>
    previous.operations.filter((operation) => names.includes(operation.deployment));
  const completed = named(resumption.skip).filter((operation) => operation.state === 'completed');
  if (completed.length > 0)
    return refuse(
      `apply ${previous.apply}: ${describeStates(completed)}, so there is nothing to skip; leave it out of --skip`,
    );
  if (resumption.control === 'start') return null;
  const wrong = named(resumption.deployments).filter((operation) => !canBeRetried(operation));
  if (wrong.length === 0) return null;
  return refuse(
    `retry of apply ${previous.apply}: ${describeStates(wrong)}; only failed and reverted deployments, and those that someone else ended on the engine, can be attempted anew; start goes on with stopped ones`,
  );
}

/** Carried setbacks must leave the policy open, and a release is for a policy that is closed (design 3 and 5). */
function refuseByPolicy(params: {
  readonly previous: ApplyResult;
  readonly policy: RolloutPolicy;
  readonly resumption: Exclude<Resumption, { control: 'cancel' }>;
  readonly carried: readonly InitialOperation[];
}): Resumed | null {
  const { previous, policy, resumption } = params;
  const ends = params.carried.flatMap(({ ended: end }) => (end === null ? [] : [facts(end)]));
  const isOpen = isPolicyOpen(policy, countSetbacks(ends), { release: previous.released });
  if (isOpen && resumption.release && !previous.released)
    return refuse(
      `apply ${previous.apply}: the policy is open (${countSetbacks(ends)} setbacks left, failureTolerance ${policy.failureTolerance}, onFailure ${policy.onFailure}), so there is nothing to release; leave --release out`,
    );
  if (isOpen || resumption.release) return null;
  const setbacks = ends.filter(isSetback).map((operation) => operation.deployment);
  const names = setbacks.join(', ');
  return refuse(
    `apply ${previous.apply}: ${names} ${setbacks.length === 1 ? 'is a setback that keeps' : 'are setbacks that keep'} the policy closed (onFailure ${policy.onFailure}, failureTolerance ${policy.failureTolerance}); ` +
      `attempt anew with: retry ${previous.apply} --deployment ${setbacks.join(' --deployment ')}; leave out with: start ${previous.apply} --skip ${setbacks.join(' --skip ')}; or go on in spite of it with: start ${previous.apply} --release`,
  );
}

function nothingToDo(previous: ApplyResult, resumption: Resumption): string {
  const states = describeStates(previous.operations);
  if (resumption.control === 'cancel') return `apply ${previous.apply} has nothing left to cancel (${states})`;
  if (resumption.control === 'retry')
    return `apply ${previous.apply} has nothing to retry${resumption.deployments.length > 0 ? ` in ${resumption.deployments.join(', ')}` : ''} (${states})`;
  const failed = previous.operations.filter((operation) => isSetback(facts(operation)));
  const hint =
    failed.length > 0 ? `; \`retry\` attempts ${failed.map((operation) => operation.deployment).join(', ')} anew` : '';
  return `apply ${previous.apply} has nothing to resume (${states})${hint}`;
}

function describeStates(operations: readonly OperationOutcome[]): string {
  return operations.map((operation) => `${operation.deployment} is ${operation.state}`).join(', ');
}

function namedDeployments(resumption: Resumption): readonly string[] {
  switch (resumption.control) {
    case 'cancel':
      return [];
    case 'start':
      return resumption.skip;
    case 'retry':
      return [...resumption.deployments, ...resumption.skip];
  }
}

/** The facts of an operation that has ended. */
export function facts(outcome: OperationOutcome): OperationFacts {
  return {
    deployment: outcome.deployment,
    state: outcome.state,
    admitted: outcome.started,
    permitted: false,
    cutoverRefused: false,
    started: outcome.started,
    reachable: true,
    reason: outcome.reason,
    skipped: outcome.skipped,
  };
}

function refuse(because: string): Resumed {
  return { ok: false, because };
}
