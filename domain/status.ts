import type { ApplyResult, ApplyView, ControlRecord, OperationView } from './apply.js';
import { type Situation, deriveApplyState, deriveWaitingFor } from './derive.js';
import { facts } from './carry.js';
import { earliest } from './time.js';
import type { LiveDetail, ControlDetail } from './live.js';
import type { OperationFacts, OperationOutcome } from './operation.js';
import type { OperationStatus } from './operation-status.js';
import { parkedWarning } from './parking.js';
import { type ApplySpec, type RolloutPolicy, resolvePolicy, waveIndexes } from './spec.js';
import { type ApplyState, OPERATION_STATE, type OperationState, hasEnded } from './state.js';
import { shortened } from './verification.js';
import { type WaitingStatus, describeTurn, describeWait } from './waiting.js';
import { type WaveRecord, waveFacts } from './wave.js';

/** `skein status -o json`: a contract for scripts (design 8). */
export interface ApplyStatus {
  readonly apply: string;
  readonly state: ApplyState;
  /** `coarse`: no worker answered, so what is finer than the parent's history is missing. */
  readonly detail: 'full' | 'coarse';
  readonly waitingFor: WaitingStatus | null;
  readonly message: string;
  readonly database: string;
  readonly environment: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly counts: Readonly<Partial<Record<OperationState, number>>>;
  /** How its run was closed without a result (`terminated`, `timed_out`, …); null for every other apply. */
  readonly interrupted: string | null;
  readonly policy: RolloutPolicy;
  /** In the order of `policy.waves`; a spec without waves has one. */
  readonly waves: readonly WaveRecord[];
  /** Each deployment runs its own plan: they differ, and whoever started it allowed that. */
  readonly allowDrift: boolean;
  readonly controls: readonly ControlRecord[];
  readonly operations: readonly OperationStatus[];
  /** Until when a closed apply can be resumed: the end of the namespace's retention, ISO 8601; null while it is open or unknown. */
  readonly resumableUntil: string | null;
}

/** What `describe` of one operation's workflow adds to the parent's view. */
export interface DescribedOperation {
  readonly live: LiveDetail | null;
  readonly control: ControlDetail | null;
}

/** Joins the parent's view with what describing its admitted children says, and derives from both (design 3). */
export function joinStatus(params: {
  readonly view: ApplyView;
  readonly described: Readonly<Record<string, DescribedOperation>>;
  readonly detail: 'full' | 'coarse';
  /** Now, in milliseconds since the epoch: bakes and gates pass by themselves. */
  readonly nowMs: number;
}): ApplyStatus {
  const { view, nowMs } = params;
  const joined = view.operations.map((operation) =>
    joinOperation({ operation, described: params.described[operation.deployment], view, nowMs }),
  );
  const situation: Situation = {
    policy: view.policy,
    operations: joined.map((operation) => operation.facts),
    waves: waveFacts(view.waves, view.policy, nowMs),
    controls: { stop: view.stop, cancel: view.cancel, release: view.released },
  };
  const operations = joined.map((operation) => ({
    ...operation.status,
    next: describeTurn(operation.facts, situation) ?? operation.status.next,
  }));
  return {
    apply: view.apply,
    state: deriveApplyState(situation),
    detail: params.detail,
    waitingFor: describeWait(deriveWaitingFor(situation), { view, situation, operations }),
    message: failureMessage(operations),
    database: view.spec.database,
    environment: view.spec.environment,
    startedAt: earliest(operations.map((operation) => operation.startedAt)),
    completedAt: null,
    counts: countStates(operations),
    interrupted: null,
    policy: view.policy,
    waves: view.waves,
    allowDrift: view.allowDrift,
    controls: view.controls,
    operations,
    resumableUntil: null,
  };
}

/** Status of an apply whose run closed with a result. */
export function statusOfResult(params: {
  readonly result: ApplyResult;
  readonly spec: ApplySpec;
  readonly allowDrift: boolean;
  readonly resumableUntil: string | null;
}): ApplyStatus {
  const { result, spec } = params;
  const policy = resolvePolicy(spec);
  const waves = waveIndexes(policy);
  const operations = result.operations.map((outcome) =>
    statusOfOutcome(outcome, waveName(policy, waves.get(outcome.deployment))),
  );
  return {
    apply: result.apply,
    state: result.state,
    detail: 'full',
    waitingFor: null,
    message: result.message,
    database: spec.database,
    environment: spec.environment,
    startedAt: result.startedAt,
    completedAt: result.completedAt,
    counts: countStates(operations),
    interrupted: null,
    policy,
    waves: result.waves,
    allowDrift: params.allowDrift,
    controls: result.controls,
    operations,
    resumableUntil: params.resumableUntil,
  };
}

/** The message of a failed apply: the first failed operation in rollout order that has one, with its deployment (design 5). */
export function failureMessage(
  operations: readonly Pick<OperationOutcome | OperationStatus, 'deployment' | 'state' | 'message'>[],
): string {
  const first = operations.find((operation) => operation.state === 'failed' && operation.message !== '');
  return first === undefined ? '' : `${first.deployment}: ${first.message}`;
}

export function countStates(
  operations: readonly { readonly state: OperationState }[],
): Partial<Record<OperationState, number>> {
  const counts: Partial<Record<OperationState, number>> = {};
  for (const { state } of operations) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** The facts of an operation as far as its parent knows them; an admitted one counts as dispatching and perhaps sent. */
export function factsOfView(operation: OperationView): OperationFacts {
  if (operation.outcome !== null) return facts(operation.outcome, operation.wave);
  return {
    deployment: operation.deployment,
    wave: operation.wave,
    state: coarseState(operation),
    admitted: operation.stage !== 'pending',
    permitted: operation.permitted,
    cutoverRefused: operation.cutoverRefused,
    cutoverAsked: operation.cutoverAsked,
    cancelAsked: operation.cancelAsked,
    started: operation.started || operation.stage !== 'pending',
    reachable: true,
    reason: null,
    skipped: false,
  };
}

function coarseState(operation: OperationView): OperationState {
  if (operation.stage === 'pending') return 'pending';
  if (operation.reported === 'waiting_for_cutover' && operation.permitted) return 'cutting_over';
  return operation.reported ?? 'dispatching';
}

function joinOperation(params: {
  readonly operation: OperationView;
  readonly described: DescribedOperation | undefined;
  readonly view: ApplyView;
  readonly nowMs: number;
}): { readonly status: OperationStatus; readonly facts: OperationFacts } {
  const { operation, described, view, nowMs } = params;
  const wave = waveName(view.policy, operation.wave);
  const coarse = factsOfView(operation);
  if (operation.outcome !== null) return { status: statusOfOutcome(operation.outcome, wave), facts: coarse };
  const live = described?.live ?? null;
  const state = shownState({ operation, coarse: coarse.state, live, view });
  const joined: OperationFacts = {
    ...coarse,
    state,
    started: operation.started || (live?.started ?? (described === undefined && coarse.started)),
    reachable: (live?.unreachableSince ?? null) === null,
  };
  return {
    facts: joined,
    status: {
      deployment: operation.deployment,
      target: operation.target,
      wave,
      state,
      started: joined.started,
      attempt: operation.attempt,
      remoteApplyId: live?.remoteApplyId ?? operation.remoteApplyId,
      reason: null,
      message: liveMessage(operation, described, nowMs),
      confirmed: true,
      skipped: false,
      resolvedBy: null,
      unverified: false,
      drift: [],
      phase: live?.phase ?? null,
      waitingOn: live?.detail ?? '',
      unreachableSince: live?.unreachableSince ?? null,
      progress: live?.progress ?? null,
      progressAt: live?.progressAt ?? null,
      parkedSince: live?.parkedSince ?? null,
      parkedUntil: live?.parkedUntil ?? null,
      cutoverAsked: operation.cutoverAsked,
      startedAt: live?.startedAt ?? operation.startedAt,
      completedAt: null,
      next: nextStep(operation, state, live, view),
    },
  };
}

/**
 * What the heartbeat says, where it can know better than the parent. An end is believed from the outcome alone, so that no
 * heartbeat makes an apply look finished. Before an engine's first answer the heartbeat only says where its activity
 * began. What was permitted to cut over is doing so in both, unless a halt goes before it: nothing seems to go back.
 */
function shownState(params: {
  readonly operation: OperationView;
  readonly coarse: OperationState;
  readonly live: LiveDetail | null;
  readonly view: Pick<ApplyView, 'stop' | 'cancel'>;
}): OperationState {
  const { operation, coarse, live, view } = params;
  if (live === null || hasEnded(live.state)) return coarse;
  const isGuess = live.progressAt === null && OPERATION_STATE[live.state].rank < OPERATION_STATE[coarse].rank;
  const state = isGuess ? coarse : live.state;
  const isCuttingOver = operation.permitted && !operation.cancelAsked && !view.stop && !view.cancel;
  return state === 'waiting_for_cutover' && isCuttingOver ? 'cutting_over' : state;
}

function waveName(policy: RolloutPolicy, index: number | undefined): string | null {
  return policy.waves.length === 1 || index === undefined ? null : (policy.waves[index]?.name ?? null);
}

/** What a person should know of an operation that goes on; the most pressing first. */
function liveMessage(operation: OperationView, described: DescribedOperation | undefined, nowMs: number): string {
  const refused = described?.control?.refused ?? null;
  if (refused !== null) {
    const halt = described?.control?.control === 'cancel' ? 'cancelled' : 'stopped';
    const isParked = described?.live?.state === 'waiting_for_cutover';
    return `cannot be ${halt}${isParked ? '' : ' and will finish'}: ${refused}`;
  }
  const error = described?.live?.lastError ?? '';
  if (error !== '') return error;
  if (operation.cutoverRefusal !== '') return `the engine refused: ${operation.cutoverRefusal}`;
  return described?.live == null ? '' : parkedWarning(described.live, nowMs);
}

function nextStep(operation: OperationView, state: OperationState, live: LiveDetail | null, view: ApplyView): string {
  if (live !== null && live.unreachableSince !== null) {
    return `goes on when the engine answers again; give it up with: skip ${view.apply} --deployment ${operation.deployment} --unconfirmed --reason <text>`;
  }
  if ((view.cancel || view.stop) && !operation.started && operation.stage === 'pending')
    return 'ends without having been started';
  // A live change is not stopped any more: what is next is what its window offers.
  if (state === 'revert_window' || state === 'reverting') return OPERATION_STATE[state].next;
  if (view.cancel) return 'ends when its engine confirms the cancel';
  if (view.stop) return 'ends when its engine confirms the stop';
  const isLater = operation.stage === 'pending' && view.waves[operation.wave]?.startedAt === null;
  if (isLater && view.policy.waves.length > 1)
    return `starts in its turn once its wave has: ${view.policy.waves[operation.wave]?.name ?? 'its own'}`;
  return OPERATION_STATE[state].next;
}

function statusOfOutcome(outcome: OperationOutcome, wave: string | null): OperationStatus {
  return {
    deployment: outcome.deployment,
    target: outcome.target,
    wave,
    state: outcome.state,
    started: outcome.started,
    attempt: outcome.attempt,
    remoteApplyId: outcome.remoteApplyId,
    reason: outcome.reason,
    message: outcome.message,
    confirmed: outcome.confirmed,
    skipped: outcome.skipped,
    resolvedBy: outcome.resolvedBy,
    unverified: outcome.unverified ?? false,
    drift: shortened(outcome.drift),
    phase: null,
    waitingOn: '',
    unreachableSince: null,
    progress: outcome.progress,
    progressAt: null,
    parkedSince: null,
    parkedUntil: null,
    cutoverAsked: false,
    startedAt: outcome.startedAt,
    completedAt: outcome.completedAt,
    next: nextOfOutcome(outcome),
  };
}

function nextOfOutcome({ skipped, unverified, state }: OperationOutcome): string {
  if (skipped) return 'nothing; it was skipped';
  if (unverified === true)
    return 'look at the target; `retry` verifies it again, without a new attempt; `skip` with a reason leaves it as it is';
  return OPERATION_STATE[state].next;
}
