import type { ApplyResult, CarriedState, InitialOperation } from './apply.js';
import { describeSetbacks, isPolicyOpen } from './derive.js';
import { anew, endForGood, ended, goOn } from './initial-operation.js';
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
  | { readonly control: 'cancel'; readonly deployments: readonly string[] }
  /** Names the deployments to leave out from now on; empty means all that can be. Nothing else goes on by it. */
  | { readonly control: 'skip'; readonly deployments: readonly string[]; readonly reason: string };

/** Those after which the apply goes on, so that its policy has to be open. */
type GoingOn = Extract<Resumption, { control: 'start' | 'retry' }>;

function isGoingOn(resumption: Resumption): resumption is GoingOn {
  return resumption.control === 'start' || resumption.control === 'retry';
}

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
  if (isGoingOn(resumption)) {
    const refused = refuseByPolicy({ previous, policy, resumption, carried });
    if (refused !== null) return refused;
  }
  const released = previous.released || (isGoingOn(resumption) && resumption.release);
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
          deployments: recordedDeployments(resumption, operations),
          wave: null,
          reason: resumption.control === 'skip' ? resumption.reason : null,
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

/** Those that it names, or that it reached without naming them. */
function recordedDeployments(resumption: Resumption, operations: readonly Applied[]): readonly string[] {
  const namesOf = (chosen: readonly Applied[]) => chosen.map(({ initial }) => initial.deployment);
  switch (resumption.control) {
    case 'start':
      return [];
    case 'retry':
      return namesOf(operations.filter(({ retried }) => retried));
    case 'skip':
      return namesOf(operations.filter(({ isReached }) => isReached));
    case 'cancel':
      return resumption.deployments;
  }
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
  if (resumption.control === 'skip') return applySkip(operation, resumption.deployments);
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

/** A person has looked, and leaves it as it is: nothing goes on, and it is no setback any more. */
function applySkip(operation: OperationOutcome, named: readonly string[]): Applied {
  const isNamed = named.length === 0 ? operation.state === 'failed' : named.includes(operation.deployment);
  if (!isNamed || operation.skipped) return leave(operation);
  return { initial: ended(asSkipped(operation)), isReached: true, retried: false };
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
  const skipped = resumption.control === 'skip' ? resumption.deployments : resumption.skip;
  const completed = named(skipped).filter((operation) => operation.state === 'completed');
  if (completed.length > 0)
    return refuse(
      `apply ${previous.apply}: ${describeStates(completed)}, so there is nothing to skip; leave it out of ${resumption.control === 'skip' ? '--deployment' : '--skip'}`,
    );
  if (resumption.control === 'skip') return refuseSkipped(previous, named(resumption.deployments));
  if (resumption.control !== 'retry') return null;
  const wrong = named(resumption.deployments).filter((operation) => !canBeRetried(operation));
  if (wrong.length === 0) return null;
  return refuse(
    `retry of apply ${previous.apply}: ${describeStates(wrong)}; only failed and reverted deployments, and those that someone else ended on the engine, can be attempted anew; start goes on with stopped ones`,
  );
}

/** As in a running apply: what failed, and what was not finished. */
function refuseSkipped(previous: ApplyResult, named: readonly OperationOutcome[]): Resumed | null {
  const wrong = named.filter(({ state }) => state !== 'failed' && state !== 'stopped');
  if (wrong.length === 0) return null;
  return refuse(
    `skip of apply ${previous.apply}: ${describeStates(wrong)}; only failed and stopped deployments can be skipped`,
  );
}

/** Carried setbacks must leave the policy open, and a release is for a policy that is closed (design 3 and 5). */
function refuseByPolicy(params: {
  readonly previous: ApplyResult;
  readonly policy: RolloutPolicy;
  readonly resumption: GoingOn;
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
  if (resumption.control === 'skip') return `apply ${previous.apply} has nothing left to skip (${states})`;
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
    case 'skip':
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
