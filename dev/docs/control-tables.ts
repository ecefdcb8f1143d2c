import { type ApplyResult, CONTROLS, type Control } from '../../domain/apply.js';
import { type Resumption, resume } from '../../domain/carry.js';
import { admitControl } from '../../domain/control.js';
import type { OperationFacts, OperationOutcome } from '../../domain/operation.js';
import type { OnFailure, RolloutPolicy } from '../../domain/spec.js';
import { type Blocks, code, table } from './markdown.js';

/** For docs/controls.md: the answers of the domain itself, in situations a person meets. */
export function controlBlocks(): Blocks {
  return {
    'running-applies': table(
      ['Situation', ...CONTROLS.map(code)],
      SITUATIONS.map((situation) => [situation.name, ...CONTROLS.map((control) => answer(control, situation))]),
    ),
    'skip-and-retry': table(
      ['Deployment is', code('retry'), code('skip'), code('skip --unconfirmed')],
      MEMBERS.map(({ name, member }) => [
        name,
        answerFor('retry', member, false),
        answerFor('skip', member, false),
        answerFor('skip', member, true),
      ]),
    ),
    'closed-applies': table(
      ['It ended', ...RESUMPTIONS.map(({ name }) => code(name))],
      ENDS.map(({ name, end }) => [name, ...RESUMPTIONS.map(({ resumption }) => answerOfResumption(end, resumption))]),
    ),
  };
}

const APPLY = 'orders-7f3a';
const POLICY: RolloutPolicy = { maxConcurrency: 1, onFailure: 'halt', failureTolerance: 0, cutover: 'rolling' };
const NO_CONTROLS = { stop: false, cancel: false, release: false };

function createMember(given: Partial<OperationFacts>): OperationFacts {
  return {
    deployment: 'eu',
    state: 'pending',
    admitted: false,
    permitted: false,
    cutoverRefused: false,
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

interface Situation {
  readonly name: string;
  readonly onFailure: OnFailure;
  readonly operations: readonly OperationFacts[];
  readonly controls: typeof NO_CONTROLS;
}

const SITUATIONS: readonly Situation[] = [
  { name: 'running, nothing failed', onFailure: 'halt', operations: [RUNNING, PENDING], controls: NO_CONTROLS },
  {
    name: 'running on after a failure (`continue`)',
    onFailure: 'continue',
    operations: [FAILED, { ...RUNNING, deployment: 'us' }],
    controls: NO_CONTROLS,
  },
  { name: 'paused by a failure', onFailure: 'pause', operations: [FAILED, PENDING], controls: NO_CONTROLS },
  {
    name: 'halted by a failure, another still running',
    onFailure: 'halt',
    operations: [FAILED, { ...RUNNING, deployment: 'us' }],
    controls: NO_CONTROLS,
  },
  {
    name: 'released, running on',
    onFailure: 'pause',
    operations: [FAILED, PENDING],
    controls: { ...NO_CONTROLS, release: true },
  },
  { name: 'stopping', onFailure: 'halt', operations: [RUNNING, PENDING], controls: { ...NO_CONTROLS, stop: true } },
  { name: 'cancelling', onFailure: 'halt', operations: [RUNNING, PENDING], controls: { ...NO_CONTROLS, cancel: true } },
];

/** `skip` always names a deployment; here the second one. */
function answer(control: Control, { onFailure, operations, controls }: Situation): string {
  const admission = admitControl(
    {
      name: control,
      deployments: control === 'skip' ? ['us'] : [],
      unconfirmed: false,
      reason: 'why',
      environment: null,
    },
    { apply: APPLY, environment: 'production', policy: { ...POLICY, onFailure }, operations, controls },
  );
  return admission.kind === 'accepted' ? '**yes**' : admission.kind === 'already' ? 'in force already' : 'refused';
}

const MEMBERS: readonly { readonly name: string; readonly member: OperationFacts }[] = [
  { name: 'pending, not admitted', member: createMember({}) },
  { name: 'admitted, being dispatched', member: createMember({ state: 'dispatching', ...SENT }) },
  { name: 'running, also unreachable', member: createMember({ state: 'running', ...SENT, reachable: false }) },
  { name: 'parked', member: createMember({ state: 'waiting_for_cutover', ...SENT }) },
  { name: 'completed', member: createMember({ state: 'completed', ...SENT }) },
  { name: 'failed', member: createMember({ state: 'failed', ...SENT }) },
  { name: 'failed and skipped', member: createMember({ state: 'failed', ...SENT, skipped: true }) },
  { name: 'reverted', member: createMember({ state: 'reverted', ...SENT }) },
  {
    name: 'stopped by someone else, on the engine',
    member: createMember({ state: 'stopped', ...SENT, reason: 'engine' }),
  },
  { name: 'stopped here', member: createMember({ state: 'stopped', ...SENT, reason: 'operator' }) },
];

function answerFor(control: 'retry' | 'skip', one: OperationFacts, unconfirmed: boolean): string {
  const admission = admitControl(
    { name: control, deployments: ['eu'], unconfirmed, reason: 'why', environment: null },
    {
      apply: APPLY,
      environment: 'production',
      policy: { ...POLICY, onFailure: 'continue' },
      operations: [one, PENDING],
      controls: NO_CONTROLS,
    },
  );
  return admission.kind === 'accepted' ? '**yes**' : admission.kind === 'already' ? 'in force already' : 'refused';
}

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
];

/** Beside it stands one that was stopped, so that there is something to go on with, and one setback, so that a release is in place. */
function answerOfResumption(one: OperationOutcome, resumption: Resumption): string {
  const others = [createEnd({ deployment: 'us' }), createEnd({ deployment: 'ap', state: 'failed', reason: null })];
  const previous: ApplyResult = {
    apply: APPLY,
    state: 'stopped',
    message: '',
    operations: [one, ...others],
    controls: [],
    released: false,
    startedAt: null,
    completedAt: null,
  };
  const policy = { ...POLICY, failureTolerance: resumption.control === 'start' ? 0 : 1 };
  const resumed = resume({ previous, policy, resumption, by: null, at: '' });
  if (!resumed.ok) return 'refused';
  const [initial] = resumed.carried.operations;
  if (initial === undefined) throw new Error('a resumption lost an operation');
  if (initial.ended !== null)
    return initial.ended.state === one.state ? 'left as it is' : `ends ${initial.ended.state}`;
  if (resumption.control === 'cancel') return 'cancelled on its engine';
  if (initial.attempt === one.attempt) return 'goes on';
  return initial.unsettled === null ? 'new attempt' : 'new attempt, once the old one is known to have ended';
}
