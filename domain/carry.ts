import type { ApplyResult, CarriedState, InitialOperation } from './apply.js';
import { describeSetbacks, isPolicyOpen } from './derive.js';
import { listNames } from './listing.js';
import { type OperationFacts, type OperationOutcome, isSetback } from './operation.js';
import { type RolloutPolicy, waveIndexes } from './spec.js';
import type { WaveRecord } from './wave.js';

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
  /** Names the deployments to end for good; empty means all. */
  | { readonly control: 'cancel'; readonly deployments: readonly string[] };

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
      `apply ${previous.apply} has no deployment ${unknown.join(', ')}; it has ${listNames(previous.operations.map((o) => o.deployment))}`,
    );

  const wrong = refuseNamed(previous, resumption);
  if (wrong !== null) return wrong;
  const operations = previous.operations.map((operation) => applyResumption(operation, resumption, params.at));
  const carried = operations.map(({ initial }) => initial);
  const isWhole = resumption.control === 'cancel' && resumption.deployments.length === 0;
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
      cancel: isWhole,
      waves: carryWaves(previous.waves, policy, carried),
      controls: [
        ...previous.controls,
        {
          name: resumption.control,
          by: params.by,
          at: params.at,
          settledAt: resumption.control === 'cancel' ? null : params.at,
          deployments:
            resumption.control === 'retry'
              ? operations.filter((o) => o.retried).map((o) => o.initial.deployment)
              : resumption.control === 'cancel'
                ? resumption.deployments
                : [],
          wave: null,
          reason: null,
        },
      ],
      startedAt: previous.startedAt,
    },
  };
}

/**
 * Approvals and starts hold; a wave that goes on has not ended, and a bar is for the run in which it was set. A wave that
 * was barred is asked for again, also where it had been approved before.
 */
function carryWaves(
  waves: readonly WaveRecord[],
  policy: RolloutPolicy,
  carried: readonly InitialOperation[],
): WaveRecord[] {
  const indexes = waveIndexes(policy);
  const goingOn = new Set(carried.filter((one) => one.ended === null).map((one) => indexes.get(one.deployment)));
  return waves.map((wave, index) => ({
    ...wave,
    endedAt: goingOn.has(index) ? null : wave.endedAt,
    gateSince: null,
    barred: null,
    ...(wave.barred === null ? {} : { approvedAt: null, approvedBy: null }),
  }));
}

interface Applied {
  readonly initial: InitialOperation;
  /** Something happens to it in the new run. */
  readonly isReached: boolean;
  readonly retried: boolean;
}

function applyResumption(operation: OperationOutcome, resumption: Resumption, at: string): Applied {
  if (resumption.control === 'cancel') {
    const isNamed = resumption.deployments.length === 0 || resumption.deployments.includes(operation.deployment);
    return isNamed ? applyCancel(operation, at) : leave(operation);
  }
  if (resumption.skip.includes(operation.deployment)) return leave(asSkipped(operation));
  if (resumption.control === 'retry' && isRetried(operation, resumption.deployments))
    return { initial: anew(operation), isReached: true, retried: true };
  if (isResumable(operation)) return { initial: goOn(operation), isReached: true, retried: false };
  return leave(operation);
}

function applyCancel(operation: OperationOutcome, at: string): Applied {
  const initial = endForGood(operation, at);
  return initial === null ? leave(operation) : { initial, isReached: true, retried: false };
}

/**
 * How an operation that ended `stopped` is ended for good: what an engine may still hold goes on, to be cancelled there;
 * what never reached one ends here. Null where nothing is left to cancel; one that was left out and never reached its
 * engine stays as it is.
 */
export function endForGood(operation: OperationOutcome, at: string): InitialOperation | null {
  if (operation.state !== 'stopped') return null;
  if (operation.remoteApplyId !== null || !operation.confirmed) return { ...goOn(operation), cancel: true };
  if (operation.skipped) return null;
  return ended({ ...operation, state: 'cancelled', reason: 'operator', completedAt: at });
}

function leave(operation: OperationOutcome): Applied {
  return { initial: ended(operation), isReached: false, retried: false };
}

function asSkipped(operation: OperationOutcome): OperationOutcome {
  return { ...operation, skipped: true, reason: operation.state === 'stopped' ? 'skip' : operation.reason };
}

function isResumable(operation: OperationOutcome): boolean {
  // The reason alone tells of a skip where the apply was lost before it could put its mark.
  return operation.state === 'stopped' && !operation.skipped && operation.reason !== 'skip';
}

/** The named ones, or all that are setbacks: failed, reverted, and ended by someone else on the engine. */
function isRetried(operation: OperationOutcome, named: readonly string[]): boolean {
  return named.length === 0 ? isSetback(operation) : named.includes(operation.deployment);
}

/** Completed work is never touched, and what was stopped here goes on with `start`. */
function canBeRetried(operation: OperationOutcome): boolean {
  if (operation.state === 'completed') return false;
  return operation.state !== 'stopped' || operation.reason === 'engine';
}

/** An operation that ended `stopped` goes on where it was. */
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
    cancel: false,
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
    cancel: false,
  };
}

function ended(operation: OperationOutcome): InitialOperation {
  return { ...goOn(operation), ended: operation };
}

/** Deployments named for what cannot be done with them: an answer, rather than a run that passes them over in silence. */
function refuseNamed(previous: ApplyResult, resumption: Resumption): Resumed | null {
  const named = (names: readonly string[]) =>
    previous.operations.filter((operation) => names.includes(operation.deployment));
  if (resumption.control === 'cancel') {
    const over = named(resumption.deployments).filter(({ state }) => state !== 'stopped');
    return over.length === 0
      ? null
      : refuse(
          `cancel of apply ${previous.apply}: ${describeStates(over)}; only stopped deployments are left to cancel`,
        );
  }
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
  const indexes = waveIndexes(policy);
  const operations = params.carried.flatMap(({ ended: end }) =>
    end === null ? [] : [facts(end, indexes.get(end.deployment) ?? 0)],
  );
  const isOpen = isPolicyOpen({ policy, operations, controls: { release: previous.released } });
  const why = describeSetbacks({ policy, operations });
  if (isOpen && resumption.release && !previous.released)
    return refuse(
      `apply ${previous.apply}: the policy is open (${why}), so there is nothing to release; leave --release out`,
    );
  if (isOpen || resumption.release) return null;
  const setbacks = operations.filter(isSetback).map((operation) => operation.deployment);
  const names = setbacks.join(', ');
  return refuse(
    `apply ${previous.apply}: ${names} ${setbacks.length === 1 ? 'is a setback that keeps' : 'are setbacks that keep'} the policy closed (${why}); ` +
      `attempt anew with: retry ${previous.apply} --deployment ${setbacks.join(' --deployment ')}; leave out with: start ${previous.apply} --skip ${setbacks.join(' --skip ')}; or go on in spite of it with: start ${previous.apply} --release`,
  );
}

function nothingToDo(previous: ApplyResult, resumption: Resumption): string {
  const states = describeStates(previous.operations);
  if (resumption.control === 'cancel') return `apply ${previous.apply} has nothing left to cancel (${states})`;
  if (resumption.control === 'retry')
    return `apply ${previous.apply} has nothing to retry${resumption.deployments.length > 0 ? ` in ${resumption.deployments.join(', ')}` : ''} (${states})`;
  const failed = previous.operations.filter((operation) => isSetback(operation));
  const hint =
    failed.length > 0 ? `; \`retry\` attempts ${failed.map((operation) => operation.deployment).join(', ')} anew` : '';
  return `apply ${previous.apply} has nothing to resume (${states})${hint}`;
}

function describeStates(operations: readonly OperationOutcome[]): string {
  return listNames(operations.map((operation) => `${operation.deployment} is ${operation.state}`));
}

function namedDeployments(resumption: Resumption): readonly string[] {
  switch (resumption.control) {
    case 'cancel':
      return resumption.deployments;
    case 'start':
      return resumption.skip;
    case 'retry':
      return [...resumption.deployments, ...resumption.skip];
  }
}

/** The facts of an operation that has ended. */
export function facts(outcome: OperationOutcome, wave: number): OperationFacts {
  return {
    deployment: outcome.deployment,
    wave,
    state: outcome.state,
    admitted: outcome.started,
    permitted: false,
    cutoverRefused: false,
    cutoverAsked: false,
    cancelAsked: false,
    started: outcome.started,
    reachable: true,
    reason: outcome.reason,
    skipped: outcome.skipped,
  };
}

function refuse(because: string): Resumed {
  return { ok: false, because };
}

/** Nothing of it has ever reached its engine, or everything has come to an end there and is to be attempted anew. */
export function isUntouched({ atRest, unsettled, remoteApplyId }: InitialOperation): boolean {
  return atRest && unsettled === null && remoteApplyId === null;
}
