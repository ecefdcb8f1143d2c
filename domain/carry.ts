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

  const operations = previous.operations.map((operation) => applyResumption(operation, resumption));
  const carried = operations.map(({ initial }) => initial);
  const going = carried.filter((operation) => operation.ended === null);
  if (going.length === 0) return refuse(nothingToDo(previous, resumption));
  if (resumption.control !== 'cancel') {
    const closed = refuseClosedPolicy({ previous, policy, resumption, carried });
    if (closed !== null) return closed;
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

function applyResumption(
  operation: OperationOutcome,
  resumption: Resumption,
): { readonly initial: InitialOperation; readonly retried: boolean } {
  if (resumption.control === 'cancel') {
    const reachable = operation.state === 'stopped' && operation.started;
    if (reachable) return { initial: goOn(operation), retried: false };
    return { initial: ended(operation.state === 'stopped' ? asCancelled(operation) : operation), retried: false };
  }
  if (resumption.skip.includes(operation.deployment) && operation.state !== 'completed')
    return {
      initial: ended({
        ...operation,
        skipped: true,
        reason: operation.state === 'stopped' ? 'skip' : operation.reason,
      }),
      retried: false,
    };
  if (resumption.control === 'retry' && isRetried(operation, resumption.deployments))
    return { initial: anew(operation), retried: true };
  if (operation.state === 'stopped' && !operation.skipped) return { initial: goOn(operation), retried: false };
  return { initial: ended(operation), retried: false };
}

/** Named ones that can be attempted anew, or all that failed. Also those that were reverted or ended by someone else. */
function isRetried(operation: OperationOutcome, named: readonly string[]): boolean {
  if (operation.state === 'completed' || (operation.state === 'stopped' && operation.reason !== 'engine')) return false;
  return named.length === 0 ? isSetback(facts(operation)) : named.includes(operation.deployment);
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
  };
}

function ended(operation: OperationOutcome): InitialOperation {
  return { ...goOn(operation), ended: operation };
}

function asCancelled(operation: OperationOutcome): OperationOutcome {
  return { ...operation, state: 'cancelled', reason: 'operator' };
}

function refuseClosedPolicy(params: {
  readonly previous: ApplyResult;
  readonly policy: RolloutPolicy;
  readonly resumption: Exclude<Resumption, { control: 'cancel' }>;
  readonly carried: readonly InitialOperation[];
}): Resumed | null {
  const ends = params.carried.flatMap(({ ended: end }) => (end === null ? [] : [facts(end)]));
  const setbacks = ends.filter(isSetback);
  const released = params.previous.released || params.resumption.release;
  if (isPolicyOpen(params.policy, countSetbacks(ends), { release: released })) return null;
  const { apply } = params.previous;
  const names = setbacks.map((operation) => operation.deployment).join(', ');
  const named = (flag: string) => setbacks.map((operation) => `${flag} ${operation.deployment}`).join(' ');
  return refuse(
    `apply ${apply}: ${names} ${setbacks.length === 1 ? 'is a setback that keeps' : 'are setbacks that keep'} the policy closed (onFailure ${params.policy.onFailure}, failureTolerance ${params.policy.failureTolerance}); ` +
      `attempt anew with \`retry ${apply} ${named('--deployment')}\`, leave out with \`start ${apply} ${named('--skip')}\`, or go on in spite of it with \`start ${apply} --release\``,
  );
}

function nothingToDo(previous: ApplyResult, resumption: Resumption): string {
  const states = previous.operations.map((operation) => `${operation.deployment} ${operation.state}`).join(', ');
  if (resumption.control === 'cancel') return `apply ${previous.apply} has nothing left to cancel (${states})`;
  if (resumption.control === 'retry')
    return `apply ${previous.apply} has nothing to retry${resumption.deployments.length > 0 ? ` in ${resumption.deployments.join(', ')}` : ''} (${states})`;
  const failed = previous.operations.filter((operation) => isSetback(facts(operation)));
  const hint =
    failed.length > 0 ? `; \`retry\` attempts ${failed.map((operation) => operation.deployment).join(', ')} anew` : '';
  return `apply ${previous.apply} has nothing to resume (${states})${hint}`;
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
