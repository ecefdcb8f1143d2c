import type { ApplyView } from './apply.js';
import { blockerOf } from './cutover-turn.js';
import { type ControlFacts, type Situation, type WaitingFor, isPolicyOpen } from './derive.js';
import { type OperationFacts, isSetback } from './operation.js';
import { OPERATION_STATE } from './state.js';
import { earliest, isoTime, latest } from './time.js';
import type { OperationStatus } from './operation-status.js';
import { bakedAtMs, expiresAtMs, nextWave } from './wave.js';

export interface WaitingStatus {
  readonly for: WaitingFor;
  /** ISO 8601; null where it is not known. */
  readonly since: string | null;
  /** When the wait ends by itself, ISO 8601: the end of a bake or of the last revert window, the expiry of a gate; null when it does not or nobody knows. */
  readonly until: string | null;
  /** The wave that a bake or a gate is before; null for every other wait. */
  readonly wave: string | null;
  /** Commands that end the wait, without the program's name. */
  readonly commands: readonly string[];
}

interface Waiting {
  readonly view: ApplyView;
  readonly situation: Situation;
  readonly operations: readonly OperationStatus[];
}

/** Since when an apply waits for what it waits for, until when, and the commands that end the wait (I8). */
export function describeWait(waitingFor: WaitingFor | null, waiting: Waiting): WaitingStatus | null {
  if (waitingFor === null) return null;
  const { view, operations } = waiting;
  const plain = { for: waitingFor, since: null, until: null, wave: null };
  switch (waitingFor) {
    case 'release':
      return {
        ...plain,
        since: latest(operations.map((operation) => operation.completedAt)),
        commands: [
          `release ${view.apply}`,
          `retry ${view.apply}${named(operations.filter(isSetback), '')}`,
          `stop ${view.apply}`,
        ],
      };
    case 'cutover':
      return {
        ...plain,
        since: earliestOf(parked(operations)),
        // Without names it is for those whose turn it is; all by name would be refused where there is an order.
        commands: [`cutover ${view.apply}`, `stop ${view.apply}`, `cancel ${view.apply}`],
      };
    case 'revert_window': {
      const live = operations.filter(({ state }) => state === 'revert_window');
      return {
        ...plain,
        since: earliestOf(live),
        until: latest(live.map(({ parkedUntil }) => parkedUntil)),
        commands: [`skip-revert ${view.apply}${named(live, ' --all')}`, `revert ${view.apply}${named(live, ' --all')}`],
      };
    }
    case 'bake':
    case 'gate':
      return describeWaveWait(waitingFor, waiting);
    case 'engine':
      return describeEngineWait(waiting, view);
  }
}

/** Whose turn it is before a parked operation, while its cutover comes by itself; null where that is not so. */
export function describeTurn(operation: OperationFacts, situation: Situation): string | null {
  const { stop, cancel } = situation.controls;
  if (operation.state !== 'waiting_for_cutover' || !operation.reachable || operation.cutoverAsked) return null;
  if (stop || cancel || operation.cancelAsked || !isPolicyOpen(situation)) return null;
  const blocker = blockerOf(situation.policy, situation.operations, operation);
  if (blocker?.kind !== 'turn') return null;
  const { deployment, state } = blocker.ahead;
  return `cuts over by itself after ${deployment} (${OPERATION_STATE[state].label}); \`stop\` or \`cancel\` ends it`;
}

function describeWaveWait(waitingFor: 'bake' | 'gate', { view, situation }: Waiting): WaitingStatus {
  const index = nextWave(situation.policy, situation.operations, situation.waves)?.index ?? 0;
  const name = view.policy.waves[index]?.name ?? '';
  const before = view.waves[index - 1];
  const own = view.waves[index];
  if (waitingFor === 'bake') {
    const bakeTimeMs = view.policy.waves[index - 1]?.bakeTimeMs ?? 0;
    return {
      for: 'bake',
      since: before?.endedAt ?? null,
      until: isoOf(before === undefined ? null : bakedAtMs(before, bakeTimeMs)),
      wave: name,
      commands: [`stop ${view.apply}`],
    };
  }
  return {
    for: 'gate',
    since: own?.gateSince ?? null,
    until: isoOf(own === undefined ? null : expiresAtMs(own, view.policy.waves[index]?.expiresAfterMs ?? null)),
    wave: name,
    commands: [`approve ${view.apply} --wave ${name}`, `reject ${view.apply} --wave ${name}`],
  };
}

function describeEngineWait({ operations }: Waiting, view: ApplyView): WaitingStatus {
  const { apply } = view;
  const controls: Pick<ControlFacts, 'stop' | 'cancel'> = view;
  const unreachable = operations.filter((operation) => operation.unreachableSince !== null);
  const commands = unreachable
    .slice(0, NAMED_MAX)
    .map(({ deployment }) => `skip ${apply} --deployment ${deployment} --unconfirmed --reason <text>`)
    .concat(controls.stop || controls.cancel ? [] : [`stop ${apply}`]);
  return {
    for: 'engine',
    since: earliest(unreachable.map((operation) => operation.unreachableSince)),
    until: null,
    wave: null,
    commands,
  };
}

function parked(operations: readonly OperationStatus[]): readonly OperationStatus[] {
  return operations.filter(({ state }) => state === 'waiting_for_cutover');
}

/** Most deployments that a command to type names. */
const NAMED_MAX = 3;

/** Names the deployments; where they are many, `all` means the same ones. */
function named(operations: readonly Pick<OperationFacts, 'deployment'>[], all: '' | ' --all'): string {
  if (operations.length > NAMED_MAX) return all;
  return operations.map(({ deployment }) => ` --deployment ${deployment}`).join('');
}

function earliestOf(operations: readonly OperationStatus[]): string | null {
  return earliest(operations.map(({ parkedSince }) => parkedSince));
}

function isoOf(atMs: number | null): string | null {
  return atMs === null ? null : isoTime(atMs);
}
