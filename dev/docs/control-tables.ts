import { type ApplyResult, CONTROLS, type Control } from '../../domain/apply.js';
import { type Resumption, resume } from '../../domain/carry.js';
import type { ControlRequest } from '../../domain/admission.js';
import { admitControl } from '../../domain/control.js';
import type { OperationFacts, OperationOutcome } from '../../domain/operation.js';
import type { OnFailure, RolloutPolicy, WavePolicy } from '../../domain/spec.js';
import type { WaveFacts } from '../../domain/wave.js';
import { type Blocks, code, table } from './markdown.js';

/** For docs/controls.md: the answers of the domain itself, in situations a person meets. */
export function controlBlocks(): Blocks {
  return {
    'running-applies': table(
      ['Situation', ...WHOLE.map(code)],
      SITUATIONS.map((situation) => [situation.name, ...WHOLE.map((control) => answer({ name: control }, situation))]),
    ),
    'named-deployments': table(
      ['Deployment is', ...NAMED.map(({ title }) => code(title))],
      MEMBERS.map(({ name, member }) => [name, ...NAMED.map(({ request }) => answerFor(request, member))]),
    ),
    gates: table(
      ['The gated wave', code('approve'), code('reject')],
      WAVES.map(({ name, facts }) => [
        name,
        answer({ name: 'approve', wave: 'rest' }, { ...GATED, waves: [DONE_WAVE, facts] }),
        answer({ name: 'reject', wave: 'rest' }, { ...GATED, waves: [DONE_WAVE, facts] }),
      ]),
    ),
    'closed-applies': table(
      ['It ended', ...RESUMPTIONS.map(({ name }) => code(name))],
      ENDS.map(({ name, end }) => [name, ...RESUMPTIONS.map(({ resumption }) => answerOfResumption(end, resumption))]),
    ),
  };
}

const APPLY = 'orders-7f3a';

/** Controls that a person sends to an apply as a whole; the others are for named deployments. */
const WHOLE: readonly Control[] = CONTROLS.filter((name) => !['skip', 'revert', 'skip-revert'].includes(name));

function createWave(given: Partial<WavePolicy> = {}): WavePolicy {
  return {
    name: 'all',
    deployments: [],
    maxConcurrency: 1,
    failureTolerance: 0,
    bakeTimeMs: 0,
    gate: 'auto',
    expiresAfterMs: null,
    ...given,
  };
}

const POLICY: RolloutPolicy = { onFailure: 'halt', cutover: 'rolling', inFlight: 'finish', waves: [createWave()] };
const NO_CONTROLS = { stop: false, cancel: false, release: false };
const OPEN_WAVE: WaveFacts = { started: true, baked: false, approved: false, barred: null };
const DONE_WAVE: WaveFacts = { ...OPEN_WAVE, baked: true };

function createMember(given: Partial<OperationFacts>): OperationFacts {
  return {
    deployment: 'eu',
    wave: 0,
    state: 'pending',
    admitted: false,
    permitted: false,
    cutoverRefused: false,
    cutoverAsked: false,
    cancelAsked: false,
    started: false,
    reachable: true,
    reason: null,
    skipped: false,
    ...given,
  };
}

const SENT = { admitted: true, started: true };
const PENDING = createMember({ deployment: 'us' });
const RUNNING = createMember({ state: 'running', ...SENT });
const FAILED = createMember({ state: 'failed', ...SENT });
const PARKED = createMember({ state: 'waiting_for_cutover', ...SENT });

interface Situation {
  readonly name: string;
  readonly policy: RolloutPolicy;
  readonly operations: readonly OperationFacts[];
  readonly waves: readonly WaveFacts[];
  readonly controls: typeof NO_CONTROLS;
}

function createSituation(name: string, onFailure: OnFailure, given: Partial<Situation>): Situation {
  return {
    name,
    policy: { ...POLICY, onFailure },
    operations: [RUNNING, PENDING],
    waves: [OPEN_WAVE],
    controls: NO_CONTROLS,
    ...given,
  };
}

/** A canary that is done, and a second wave behind a gate. */
const GATED: Situation = createSituation('waiting at a gate', 'halt', {
  policy: { ...POLICY, waves: [createWave({ name: 'canary' }), createWave({ name: 'rest', gate: 'manual' })] },
  operations: [createMember({ state: 'completed', ...SENT }), createMember({ deployment: 'us', wave: 1 })],
  waves: [DONE_WAVE, { ...OPEN_WAVE, started: false }],
});

const ANOTHER_RUNS = [FAILED, { ...RUNNING, deployment: 'us' }];

const SITUATIONS: readonly Situation[] = [
  createSituation('running, nothing failed', 'halt', {}),
  createSituation('running on after a failure (`continue`)', 'continue', { operations: ANOTHER_RUNS }),
  createSituation('paused by a failure', 'pause', { operations: [FAILED, PENDING] }),
  createSituation('halted by a failure, another still running', 'halt', { operations: ANOTHER_RUNS }),
  createSituation('halted by a failure, another parked', 'halt', {
    operations: [FAILED, { ...PARKED, deployment: 'us' }],
  }),
  createSituation('parked, `cutover: manual`', 'halt', {
    policy: { ...POLICY, cutover: 'manual' },
    operations: [PARKED, PENDING],
  }),
  createSituation('cutting over in order, the next one parked', 'halt', {
    policy: { ...POLICY, cutover: 'ordered' },
    operations: [createMember({ state: 'cutting_over', ...SENT }), { ...PARKED, deployment: 'us' }],
  }),
  GATED,
  createSituation('released, running on', 'pause', {
    operations: [FAILED, PENDING],
    controls: { ...NO_CONTROLS, release: true },
  }),
  createSituation('stopping', 'halt', { controls: { ...NO_CONTROLS, stop: true } }),
  createSituation('cancelling', 'halt', { controls: { ...NO_CONTROLS, cancel: true } }),
];

function answer(given: Pick<ControlRequest, 'name'> & Partial<ControlRequest>, situation: Situation): string {
  const request: ControlRequest = {
    deployments: [],
    all: false,
    wave: null,
    unconfirmed: false,
    reason: 'why',
    environment: null,
    ...given,
  };
  const admission = admitControl(request, { ...situation, apply: APPLY, environment: 'production' });
  return admission.kind === 'accepted' ? '**yes**' : admission.kind === 'already' ? 'in force already' : 'refused';
}

type Named = Pick<ControlRequest, 'name'> & Partial<ControlRequest>;

const NAMED: readonly { readonly title: string; readonly request: Named }[] = [
  { title: 'cutover', request: { name: 'cutover' } },
  { title: 'retry', request: { name: 'retry' } },
  { title: 'cancel', request: { name: 'cancel' } },
  { title: 'skip', request: { name: 'skip' } },
  { title: 'skip --unconfirmed', request: { name: 'skip', unconfirmed: true } },
  { title: 'revert', request: { name: 'revert' } },
  { title: 'skip-revert', request: { name: 'skip-revert' } },
];

const MEMBERS: readonly { readonly name: string; readonly member: OperationFacts }[] = [
  { name: 'pending, not admitted', member: createMember({}) },
  { name: 'admitted, being dispatched', member: createMember({ state: 'dispatching', ...SENT }) },
  { name: 'running, also unreachable', member: createMember({ state: 'running', ...SENT, reachable: false }) },
  { name: 'retried by its engine', member: createMember({ state: 'failed_retryable', ...SENT }) },
  { name: 'parked', member: PARKED },
  { name: 'parked, with a permission', member: { ...PARKED, permitted: true } },
  { name: 'parked, after its engine refused', member: { ...PARKED, cutoverRefused: true } },
  { name: 'cutting over', member: createMember({ state: 'cutting_over', ...SENT }) },
  { name: 'in its revert window', member: createMember({ state: 'revert_window', ...SENT }) },
  { name: 'being reverted', member: createMember({ state: 'reverting', ...SENT }) },
  { name: 'completed', member: createMember({ state: 'completed', ...SENT }) },
  { name: 'failed', member: FAILED },
  { name: 'failed and skipped', member: { ...FAILED, skipped: true } },
  { name: 'reverted', member: createMember({ state: 'reverted', ...SENT }) },
  {
    name: 'stopped by someone else, on the engine',
    member: createMember({ state: 'stopped', ...SENT, reason: 'engine' }),
  },
  { name: 'stopped here', member: createMember({ state: 'stopped', ...SENT, reason: 'operator' }) },
  { name: 'cancelled here', member: createMember({ state: 'cancelled', ...SENT, reason: 'operator' }) },
];

function answerFor(request: Named, one: OperationFacts): string {
  const situation = createSituation('', 'continue', { operations: [one, PENDING] });
  return answer({ ...request, deployments: ['eu'] }, situation);
}

const WAVES: readonly { readonly name: string; readonly facts: WaveFacts }[] = [
  { name: 'has not started', facts: { ...OPEN_WAVE, started: false } },
  { name: 'was approved and has not started', facts: { ...OPEN_WAVE, started: false, approved: true } },
  { name: 'has started', facts: { ...OPEN_WAVE, approved: true } },
  { name: 'was rejected', facts: { ...OPEN_WAVE, started: false, barred: 'operator' } },
  { name: 'has expired', facts: { ...OPEN_WAVE, started: false, barred: 'deadline' } },
];

function createEnd(given: Partial<OperationOutcome>): OperationOutcome {
  return {
    deployment: 'eu',
    target: 'orders_eu',
    state: 'stopped',
    reason: 'operator',
    started: true,
    confirmed: true,
    skipped: false,
    attempt: 0,
    remoteApplyId: 'remote-1',
    remoteOperationId: null,
    dispatch: 'confirmed',
    resolvedBy: null,
    message: '',
    drift: [],
    changeInPlace: false,
    progress: null,
    startedAt: '2026-11-01T10:00:00.000Z',
    completedAt: null,
    ...given,
  };
}

const NEVER_SENT = { started: false, remoteApplyId: null, dispatch: 'none', startedAt: null } as const;

const ENDS: readonly { readonly name: string; readonly end: OperationOutcome }[] = [
  { name: 'completed', end: createEnd({ state: 'completed', reason: null }) },
  { name: 'failed', end: createEnd({ state: 'failed', reason: null }) },
  {
    name: 'completed, says its engine, and nobody could verify it',
    end: createEnd({ state: 'failed', reason: null, confirmed: false, unverified: true }),
  },
  { name: 'failed and skipped', end: createEnd({ state: 'failed', reason: null, skipped: true }) },
  { name: 'given up, unconfirmed', end: createEnd({ state: 'failed', reason: null, skipped: true, confirmed: false }) },
  { name: 'stopped while it ran', end: createEnd({}) },
  { name: 'stopped before it was sent', end: createEnd(NEVER_SENT) },
  { name: 'skipped before it was sent', end: createEnd({ ...NEVER_SENT, reason: 'skip', skipped: true }) },
  { name: 'stopped by someone else, on the engine', end: createEnd({ reason: 'engine' }) },
  { name: 'cancelled', end: createEnd({ state: 'cancelled' }) },
  { name: 'reverted', end: createEnd({ state: 'reverted', reason: null }) },
];

const RESUMPTIONS: readonly { readonly name: string; readonly resumption: Resumption }[] = [
  { name: 'start --release', resumption: { control: 'start', release: true, skip: [] } },
  { name: 'retry', resumption: { control: 'retry', deployments: [], release: false, skip: [] } },
  { name: 'retry --deployment eu', resumption: { control: 'retry', deployments: ['eu'], release: false, skip: [] } },
  { name: 'cancel', resumption: { control: 'cancel', deployments: [] } },
  { name: 'skip --deployment eu', resumption: { control: 'skip', deployments: ['eu'], reason: 'looked' } },
];

/** Beside it stands one that was stopped, so that there is something to go on with, and one setback, so that a release is in place. */
function answerOfResumption(one: OperationOutcome, resumption: Resumption): string {
  const others = [createEnd({ deployment: 'us' }), createEnd({ deployment: 'ap', state: 'failed', reason: null })];
  const previous: ApplyResult = {
    apply: APPLY,
    state: 'stopped',
    message: '',
    operations: [one, ...others],
    waves: [],
    controls: [],
    released: false,
    startedAt: null,
    completedAt: null,
  };
  const policy = { ...POLICY, waves: [createWave({ failureTolerance: resumption.control === 'start' ? 0 : 1 })] };
  const resumed = resume({ previous, policy, resumption, by: null, at: '' });
  if (!resumed.ok) return 'refused';
  const [initial] = resumed.carried.operations;
  if (initial === undefined) throw new Error('a resumption lost an operation');
  if (initial.ended !== null && initial.ended.skipped !== one.skipped) return 'left out';
  if (initial.ended !== null)
    return initial.ended.state === one.state ? 'left as it is' : `ends ${initial.ended.state}`;
  if (resumption.control === 'cancel') return 'cancelled on its engine';
  if (initial.attempt === one.attempt) return 'goes on';
  if (one.unverified === true) return 'verified again, no new attempt';
  return initial.unsettled === null ? 'new attempt' : 'new attempt, once the old one is known to have ended';
}
