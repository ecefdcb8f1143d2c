import { WAITS_FOR_PERSON, type WaitingFor } from '../domain/derive.js';
import { listNames } from '../domain/listing.js';
import { APPLY_STATE, OPERATION_STATE, type EndReason } from '../domain/state.js';
import type { ApplyStatus } from '../domain/status.js';
import type { OperationStatus } from '../domain/operation-status.js';
import type { WaitingStatus } from '../domain/waiting.js';
import { isSetback } from '../domain/operation.js';

/** Why an apply stands where it stands, and what to do next (I8). Plain JSON. */
export interface Explanation {
  readonly apply: string;
  readonly state: ApplyStatus['state'];
  readonly interrupted: string | null;
  /** One sentence. */
  readonly because: string;
  readonly waitingFor: WaitingFor | null;
  /** ISO 8601; null where nothing is waited for, or it is not known since when. */
  readonly since: string | null;
  /** When the wait ends by itself, ISO 8601; null when it does not or nobody knows. */
  readonly until: string | null;
  /** The wave that a bake or a gate is before; null for every other wait. */
  readonly wave: string | null;
  /** True when nothing goes on before a person does something. */
  readonly needsPerson: boolean;
  readonly deployments: readonly DeploymentExplanation[];
  /** What to type next, without the program's name; the most likely one first. */
  readonly commands: readonly string[];
}

export interface DeploymentExplanation {
  readonly deployment: string;
  readonly state: OperationStatus['state'];
  readonly because: string;
  readonly next: string;
}

/** Explains a status. Pure; adds no facts of its own. */
export function explainStatus(status: ApplyStatus): Explanation {
  return {
    apply: status.apply,
    state: status.state,
    interrupted: status.interrupted,
    because: headline(status),
    waitingFor: status.waitingFor?.for ?? null,
    since: status.waitingFor?.since ?? null,
    until: status.waitingFor?.until ?? null,
    wave: status.waitingFor?.wave ?? null,
    needsPerson: needsPerson(status),
    deployments: status.operations.map((operation) => ({
      deployment: operation.deployment,
      state: operation.state,
      because: becauseOf(operation, status),
      next: operation.next,
    })),
    commands: nextCommands(status),
  };
}

/** Whether nothing goes on before a person does something; exit code 4 follows it (design 5). */
export function needsPerson(status: Pick<ApplyStatus, 'waitingFor'>): boolean {
  return status.waitingFor !== null && WAITS_FOR_PERSON.includes(status.waitingFor.for);
}

const WAITING: Readonly<Record<Exclude<WaitingFor, 'bake' | 'gate'>, string>> = {
  engine: 'it waits for an engine that does not answer or confirm',
  release: 'setbacks have closed the policy, and what is left is held until a person decides',
  cutover: 'a finished copy is parked, and a person has to decide about its cutover',
  revert_window: 'only revert windows are open, and they close by themselves',
};

function describeWait({ for: waitsFor, wave }: WaitingStatus): string {
  switch (waitsFor) {
    case 'bake':
      return `the wave before ${wave ?? 'it'} has ended, and its bake time has to pass before ${wave ?? 'it'} starts`;
    case 'gate':
      return `wave ${wave ?? ''} has a gate, and a person has to approve or reject it`;
    default:
      return WAITING[waitsFor];
  }
}

function headline(status: ApplyStatus): string {
  if (status.interrupted !== null)
    return `its run was closed without a result (${status.interrupted.replaceAll('_', ' ')}); \`start\` takes it up where it was`;
  if (needsPerson(status) && status.waitingFor !== null) return describeWait(status.waitingFor);
  if (status.detail === 'coarse')
    return 'no worker answers, so nothing goes on but what the engines do by themselves; what was asked of it is recorded';
  if (status.waitingFor !== null) return describeWait(status.waitingFor);
  return APPLY_STATE[status.state].meaning;
}

const ENDED_BECAUSE: Readonly<Record<EndReason, string>> = {
  operator: 'an operator ended it',
  skip: 'it was left out',
  policy: 'the policy ended it before its turn came',
  deadline: 'its deadline passed',
  engine: 'somebody else ended it on its engine',
  nothing_to_do: 'it has the desired schema already',
};

function becauseOf(operation: OperationStatus, status: ApplyStatus): string {
  if (operation.unreachableSince !== null)
    return `its engine has not answered since ${operation.unreachableSince}${operation.message === '' ? '' : `: ${operation.message}`}`;
  if (operation.state === 'pending') return becausePending(operation, status);
  const parts = [
    operation.reason === null ? '' : ENDED_BECAUSE[operation.reason],
    operation.phase ?? '',
    operation.waitingOn,
    operation.cutoverAsked ? 'its cutover was asked for, and follows in its turn' : '',
    operation.message,
    operation.confirmed || operation.unverified ? '' : 'its engine never confirmed how it ended',
    operation.drift.length === 0 ? '' : `not part of this change: ${operation.drift.join('; ')}`,
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join('; ') : OPERATION_STATE[operation.state].label;
}

function becausePending(operation: OperationStatus, status: ApplyStatus): string {
  if (status.state === 'stopping' || status.state === 'cancelling')
    return `it was not started, and will not be: the apply is ${status.state}`;
  if (status.state === 'paused') return `it is held: ${listNames(setbacksOf(status))} closed the policy`;
  const index = status.policy.waves.findIndex(({ deployments }) => deployments.includes(operation.deployment));
  const before = status.waves.findIndex(({ endedAt }) => endedAt === null);
  if (before >= 0 && before < index) return `its wave comes after ${status.policy.waves[before]?.name ?? 'another'}`;
  if (status.waitingFor?.for === 'bake' || status.waitingFor?.for === 'gate') return describeWait(status.waitingFor);
  const width = status.policy.waves[index]?.maxConcurrency ?? 1;
  const holding = status.operations.filter(({ state }) => OPERATION_STATE[state].holdsSlot);
  if (holding.length >= width)
    return `its turn comes after ${listNames(holding.map(({ deployment }) => deployment))} (maxConcurrency ${width})`;
  return operation.started ? 'it goes on as soon as the workflow gets to it' : 'it is about to start';
}

function setbacksOf(status: ApplyStatus): readonly string[] {
  return status.operations.filter(isSetback).map(({ deployment }) => deployment);
}

function nextCommands(status: ApplyStatus): readonly string[] {
  const { apply } = status;
  if (status.interrupted !== null) return [`start ${apply}`, `cancel ${apply}`];
  if (status.detail === 'coarse' && !needsPerson(status)) return ['worker --config skein.yaml'];
  const lookedAt = skipsOfUnverified(status);
  if (status.waitingFor !== null && status.waitingFor.commands.length > 0)
    return [...status.waitingFor.commands, ...lookedAt];
  const setbacks = setbacksOf(status);
  switch (status.state) {
    case 'completed':
      return [];
    case 'failed':
      return nextAfterFailure(status, setbacks);
    case 'stopped':
      return [`start ${apply}`, `cancel ${apply}`];
    case 'cancelled':
    case 'reverted':
      return [
        retryOf(
          apply,
          status.operations.filter(({ state }) => state === status.state).map(({ deployment }) => deployment),
        ),
      ];
    default:
      return [...retryOfUnverified(status), ...lookedAt, `watch ${apply}`, `stop ${apply}`];
  }
}

/** Where no setback is left, because what failed was skipped, the policy is open and nothing has to be released. */
function nextAfterFailure(status: ApplyStatus, setbacks: readonly string[]): readonly string[] {
  const { apply } = status;
  const isStopped = status.operations.some((operation) => operation.state === 'stopped' && !operation.skipped);
  if (setbacks.length > 0)
    return [
      retryOfSetbacks(apply, setbacks),
      ...skipsOfUnverified(status),
      ...(isStopped ? [`start ${apply} --release`] : []),
    ];
  const failed = failedIn(status);
  return [...(isStopped ? [`start ${apply}`] : []), ...(failed.length > 0 ? [retryOf(apply, failed)] : [])];
}

/** Of a running apply: with all setbacks, because the others would keep the policy closed; not after a stop or a cancel. */
function retryOfUnverified(status: ApplyStatus): readonly string[] {
  const mayRetry = status.state === 'running_degraded' || status.state === 'paused';
  return mayRetry && unverified(status).length > 0 ? [retryOfSetbacks(status.apply, setbacksOf(status))] : [];
}

function unverified({ operations }: ApplyStatus): readonly string[] {
  return operations.filter((one) => one.unverified && !one.skipped).map(({ deployment }) => deployment);
}

/** For a person who has looked at what nobody can verify from here. */
function skipsOfUnverified(status: ApplyStatus): readonly string[] {
  const names = unverified(status).slice(0, NAMED_MAX);
  if (names.length === 0) return [];
  return [`skip ${status.apply}${names.map((name) => ` --deployment ${name}`).join('')} --reason <text>`];
}

/** What was left out is no setback, and can still be attempted anew by its name. */
function failedIn({ operations }: ApplyStatus): readonly string[] {
  return operations.filter(({ state }) => state === 'failed').map(({ deployment }) => deployment);
}

/** Most setbacks that the command names; without names it means all of them. */
const NAMED_MAX = 8;

function retryOfSetbacks(apply: string, setbacks: readonly string[]): string {
  return setbacks.length > NAMED_MAX ? `retry ${apply}` : retryOf(apply, setbacks);
}

/** Named one by one: without names only setbacks are attempted anew. */
function retryOf(apply: string, deployments: readonly string[]): string {
  return `retry ${apply}${deployments.map((deployment) => ` --deployment ${deployment}`).join('')}`;
}
