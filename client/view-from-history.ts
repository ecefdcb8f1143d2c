import type { ControlRequest } from '../domain/admission.js';
import { isUntouched } from '../domain/carry.js';
import type {
  ApplyInput,
  ApplyView,
  Control,
  ControlRecord,
  InitialOperation,
  OperationView,
} from '../domain/apply.js';
import { CONTROLS } from '../domain/apply.js';
import { APPLY_WIDE } from '../domain/control.js';
import { isPolicyOpen } from '../domain/derive.js';
import { operationWorkflowId } from '../domain/ids.js';
import { factsOfView } from '../domain/status.js';
import type { OperationOutcome } from '../domain/operation.js';
import { type OperationReport, type SentControl, parseControl, parseReport } from '../domain/parse-message.js';
import { type RolloutPolicy, resolvePolicy, waveIndexes } from '../domain/spec.js';
import { type WaveRecord, freshWave } from '../domain/wave.js';
import type { ApplyEvent } from './history.js';

/**
 * What the apply workflow would answer to its `status` query, told from its history alone: for when no worker is there
 * to answer, and for runs that closed without a result (design 3, status). Pure.
 *
 * A control counts from the moment it is in history, also while no worker has carried it out yet. What came with a
 * message is read at the same door as in the workflow, so that junk is nothing here as it is there.
 */
export function viewFromHistory(apply: string, events: readonly ApplyEvent[]): ApplyView {
  const first = events.find((event) => event.kind === 'started');
  if (first === undefined) throw new Error(`the history of apply ${apply} has no first event`);
  const { input } = first;
  const telling = beginTelling(input, first.at);
  for (const event of events) {
    if (event.kind === 'control') tellControl(telling, event);
    else if (event.kind === 'report') tellReport(telling, event.report);
    else if (event.kind !== 'started') tellOfOperation(telling, event);
  }
  const { operations, controls } = telling;
  const policy = resolvePolicy(input.spec);
  const views = [...operations.values()];
  const sent = controls.slice(input.carried?.controls.length ?? 0);
  const thisRun = sent
    .filter(({ name, deployments }) => name !== 'cancel' || deployments.length === 0)
    .map(({ name }) => name);
  return {
    apply,
    spec: input.spec,
    policy,
    operations: views,
    waves: wavesOf(policy, { carried: input.carried?.waves ?? [], operations: views, controls: sent }),
    allowDrift: input.allowDrift,
    controls,
    stop: thisRun.includes('stop'),
    cancel: thisRun.includes('cancel') || input.carried?.cancel === true,
    released: thisRun.includes('release') || input.carried?.released === true,
  };
}

/** What the events so far came to. */
interface Telling {
  readonly input: ApplyInput;
  /** By workflow id, in rollout order. */
  readonly operations: Map<string, OperationView>;
  /** Where the child of an operation began, by its workflow id; none before there is a child. */
  readonly initials: Map<string, InitialOperation>;
  readonly controls: ControlRecord[];
}

function beginTelling(input: ApplyInput, at: string): Telling {
  return {
    input,
    operations: new Map(initialOperations(input, at).map((operation) => [operation.workflowId, operation])),
    initials: new Map(),
    controls: [...(input.carried?.controls ?? [])],
  };
}

function tellControl({ input, operations, controls }: Telling, event: Extract<ApplyEvent, { kind: 'control' }>): void {
  const name = CONTROLS.find((known) => known === event.name);
  if (name === undefined) return;
  const sent = parseControl(name, event.message);
  if (counts(sent.request, input, [...operations.values()])) record(controls, sent, event.at);
}

/** Judged as by the workflow: by content, so that junk is nothing, and so is the word of another attempt or of one that waits. */
function tellReport({ operations, initials }: Telling, message: unknown): void {
  const report = parseReport(message);
  const told = [...operations.values()].find(({ deployment }) => deployment === report?.deployment);
  if (report === null || told === undefined || told.stage === 'ended') return;
  const initial = initials.get(told.workflowId);
  if (told.stage === 'pending' && (initial === undefined || isUntouched(initial))) return;
  if (report.attempt !== told.attempt && report.attempt !== initial?.unsettled?.attempt) return;
  operations.set(told.workflowId, { ...told, ...reported(report) });
}

function tellOfOperation({ operations, initials }: Telling, event: OperationEvent): void {
  const operation = operations.get(event.workflowId);
  if (operation === undefined) return;
  if (event.kind === 'child_initiated') initials.set(event.workflowId, event.initial);
  operations.set(event.workflowId, advance(operation, event));
}

/** A wave of which something was admitted has started; when it ended is when the last of it did. */
function wavesOf(
  policy: RolloutPolicy,
  given: {
    readonly carried: readonly WaveRecord[];
    readonly operations: readonly OperationView[];
    /** Those of this run: what came of earlier ones is carried. */
    readonly controls: readonly ControlRecord[];
  },
): WaveRecord[] {
  return policy.waves.map(({ name }, index): WaveRecord => {
    const before = given.carried.find((wave) => wave.name === name) ?? freshWave(name);
    const own = given.operations.filter(({ wave }) => wave === index);
    const approval = approvalOf(name, given.controls);
    const isEnded = own.every(({ stage }) => stage === 'ended');
    const starts = own.flatMap(({ startedAt }) => (startedAt === null ? [] : [startedAt])).toSorted();
    const ends = own.flatMap(({ outcome }) => (outcome?.completedAt == null ? [] : [outcome.completedAt])).toSorted();
    return {
      ...before,
      startedAt: before.startedAt ?? starts[0] ?? null,
      endedAt: isEnded ? (ends.at(-1) ?? before.endedAt) : null,
      approvedAt: before.approvedAt ?? approval?.at ?? null,
      approvedBy: before.approvedBy ?? approval?.by ?? null,
    };
  });
}

/**
 * The yes that counts for a wave. A signal is in history also where it was refused, so in doubt it counts for nothing and
 * the gate is asked again: one without a name, and one beside a no or after a stop or a cancel.
 */
function approvalOf(wave: string, controls: readonly ControlRecord[]): ControlRecord | undefined {
  const isRejected = controls.some((one) => one.name === 'reject' && (one.wave === wave || one.wave === null));
  if (isRejected) return undefined;
  const halt = controls.findIndex(
    ({ name, deployments }) => name === 'stop' || (name === 'cancel' && deployments.length === 0),
  );
  const before = halt < 0 ? controls : controls.slice(0, halt);
  return before.find((control) => control.name === 'approve' && control.wave === wave);
}

function initialOperations(input: ApplyInput, at: string): OperationView[] {
  const waves = waveIndexes(resolvePolicy(input.spec));
  const empty = new Set(input.plan.classes.filter(({ changes }) => changes.length === 0).map(({ digest }) => digest));
  const nothingToDo = new Set(
    input.plan.deployments.filter(({ digest }) => empty.has(digest)).map(({ deployment }) => deployment),
  );
  return input.spec.deployments.map(({ name, target }): OperationView => {
    const carried = input.carried?.operations.find((operation) => operation.deployment === name);
    if (nothingToDo.has(name) && carried?.ended == null && carried?.started !== true)
      return done({ deployment: name, target, wave: waves.get(name) ?? 0 }, input, at);
    return {
      deployment: name,
      target,
      wave: waves.get(name) ?? 0,
      workflowId: operationWorkflowId({ ...input.spec, deployment: name, target }),
      runId: null,
      stage: carried?.ended == null ? 'pending' : 'ended',
      reported: null,
      permitted: false,
      cutoverAsked: false,
      cancelAsked: carried?.cancel ?? false,
      cutoverRefused: false,
      cutoverRefusal: '',
      attempt: carried?.attempt ?? 0,
      remoteApplyId: carried?.remoteApplyId ?? null,
      started: carried?.started ?? false,
      startedAt: carried?.startedAt ?? null,
      outcome: carried?.ended ?? null,
    };
  });
}

/** An empty plan completes without a workflow of its own, so its history says nothing of it (design 4). */
function done(
  { deployment, target, wave }: Pick<OperationView, 'deployment' | 'target' | 'wave'>,
  input: ApplyInput,
  at: string,
): OperationView {
  const outcome: OperationOutcome = {
    deployment,
    target,
    state: 'completed',
    reason: 'nothing_to_do',
    started: false,
    confirmed: true,
    skipped: false,
    attempt: 0,
    remoteApplyId: null,
    remoteOperationId: null,
    dispatch: 'none',
    resolvedBy: null,
    message: '',
    drift: [],
    changeInPlace: false,
    progress: null,
    startedAt: null,
    completedAt: at,
  };
  return {
    deployment,
    target,
    wave,
    workflowId: operationWorkflowId({ ...input.spec, deployment, target }),
    runId: null,
    stage: 'ended',
    reported: null,
    cutoverAsked: false,
    cancelAsked: false,
    permitted: false,
    cutoverRefused: false,
    cutoverRefusal: '',
    attempt: 0,
    remoteApplyId: null,
    started: false,
    startedAt: null,
    outcome,
  };
}

/** The events that name an operation by its workflow. */
type OperationEvent = Exclude<ApplyEvent, { kind: 'started' | 'control' | 'report' }>;

function advance(operation: OperationView, event: OperationEvent): OperationView {
  switch (event.kind) {
    case 'child_initiated': {
      const { attempt, remoteApplyId, started, startedAt } = event.initial;
      const fresh = { ...operation, attempt, remoteApplyId, started, startedAt, outcome: null, runId: null };
      const permission = { reported: null, permitted: false, cutoverRefused: false, cutoverRefusal: '' } as const;
      const pending = { ...fresh, ...permission, stage: 'pending' } as const;
      return event.admitted ? admit(pending, event.at) : pending;
    }
    case 'child_started':
      return { ...operation, runId: event.runId };
    case 'child_closed':
      // One without an outcome is started again by its apply with the same attempt, so it has not ended.
      return event.outcome === null ? operation : endWith(operation, event.outcome);
    case 'signal_sent':
      if (event.name === 'admit') return admit(operation, event.at);
      return event.name === 'permit' ? { ...operation, permitted: true, cutoverRefused: false } : operation;
  }
}

function reported({ state, refused }: OperationReport): Partial<OperationView> {
  const isParked = state === 'waiting_for_cutover' || state === 'revert_window';
  const stage = isParked ? 'parked' : 'admitted';
  // What was permitted or refused at an earlier park is over.
  const parked = { stage, reported: state, permitted: false } as const;
  if (refused === null && state === 'waiting_for_cutover') return parked;
  if (refused === null) return { ...parked, cutoverRefused: false, cutoverRefusal: '' };
  const cutoverRefusal = `${refused.control}: ${refused.message}`;
  return { ...parked, cutoverRefused: refused.control === 'cutover', cutoverRefusal };
}

function admit(operation: OperationView, at: string): OperationView {
  return { ...operation, stage: 'admitted', started: true, startedAt: operation.startedAt ?? at };
}

function endWith(operation: OperationView, outcome: NonNullable<OperationView['outcome']>): OperationView {
  const { attempt, remoteApplyId, started, startedAt } = outcome;
  return { ...operation, stage: 'ended', outcome, attempt, remoteApplyId, started, startedAt };
}

/**
 * A signal cannot be refused, so what the workflow would not have taken is in history as well: a deployment or an
 * environment that is not of the apply, names where only the whole apply can be meant, and a release while the policy is
 * open, which would let every later failure pass.
 */
function counts(
  { name, deployments, environment }: ControlRequest,
  { spec, carried }: ApplyInput,
  views: readonly OperationView[],
): boolean {
  const known = spec.deployments.map((deployment) => deployment.name);
  if (deployments.some((one) => !known.includes(one))) return false;
  if (deployments.length > 0 && APPLY_WIDE.includes(name)) return false;
  if (environment !== null && environment !== spec.environment) return false;
  if (name !== 'release') return true;
  const controls = { release: carried?.released ?? false };
  return !isPolicyOpen({ policy: resolvePolicy(spec), operations: views.map(factsOfView), controls });
}

/** The first stop, cancel and release count; repeats change nothing (I7). */
function record(controls: ControlRecord[], { request, by }: SentControl, at: string): void {
  const { name, deployments, wave, reason } = request;
  if (LATCHES.includes(name) && controls.some((control) => control.name === name && control.settledAt === null)) return;
  controls.push({ name, by, at, settledAt: null, deployments, wave, reason });
}

const LATCHES: readonly Control[] = ['stop', 'cancel', 'release'];
