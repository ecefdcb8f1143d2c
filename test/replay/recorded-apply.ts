import type { ApplyInput, ApplyResult, ControlRecord } from '../../domain/apply.js';
import { type Simulation, simulate } from '../../domain/simulate.js';
import type { SimulatedControl, SimulatedOperation } from '../../domain/simulation-input.js';
import { resolvePolicy } from '../../domain/spec.js';
import type { RecordedHistory } from './histories.js';

/** What one recorded run of an apply began with and came to. */
export interface RecordedApply {
  readonly scenario: string;
  readonly startedMs: number;
  readonly input: ApplyInput;
  readonly result: ApplyResult;
}

interface Payloads {
  readonly payloads?: readonly { readonly data?: string }[];
}

interface ApplyEvent {
  readonly eventTime?: string;
  readonly workflowExecutionStartedEventAttributes?: { readonly input?: Payloads };
  readonly workflowExecutionCompletedEventAttributes?: { readonly result?: Payloads };
  readonly workflowExecutionFailedEventAttributes?: {
    readonly failure?: { readonly applicationFailureInfo?: { readonly type?: string; readonly details?: Payloads } };
  };
}

/** The run as its history tells it; null for one without a result of its own (terminated, refused, reset). */
export function readRecordedApply({ scenario, history }: RecordedHistory): RecordedApply | null {
  const events = history.events as readonly ApplyEvent[];
  const first = events[0];
  const last = events.at(-1);
  // Our own workflow wrote both.
  const input = decode(first?.workflowExecutionStartedEventAttributes?.input) as ApplyInput | null;
  const failure = last?.workflowExecutionFailedEventAttributes?.failure?.applicationFailureInfo;
  const failed = failure?.type === 'ApplyFailed' ? failure.details : undefined;
  const result = decode(last?.workflowExecutionCompletedEventAttributes?.result ?? failed) as ApplyResult | null;
  if (input === null || result === null) return null;
  return { scenario, startedMs: Date.parse(first?.eventTime ?? ''), input, result };
}

function decode(payloads: Payloads | undefined): unknown {
  const data = payloads?.payloads?.[0]?.data;
  return data === undefined ? null : JSON.parse(Buffer.from(data, 'base64').toString());
}

/** Controls that a simulated person can send. */
const SIMULATED: readonly string[] = ['stop', 'cancel', 'release', 'approve', 'reject', 'cutover'];

/**
 * Whether the story is one that simulation tells: a first run, whose engines did what they were told. A person who retries
 * or gives up, a lost answer and a lost workflow are for the workflows, not for the rules.
 */
export function isSimulated({ input, result }: RecordedApply): boolean {
  return (
    input.carried === null &&
    result.controls.every(({ name }) => SIMULATED.includes(name)) &&
    result.operations.every(
      (one) => one.confirmed && !one.changeInPlace && one.resolvedBy === null && one.attempt === 0,
    ) &&
    result.operations.every(({ state }) => state !== 'reverted')
  );
}

/** Longer than any recorded run: it was still at work when it was halted. */
const ENDLESS_MS = 86_400_000;

/** Rounds until the simulated times fit: a start depends on the ends before it. */
const ROUNDS = 12;

/** Simulates the run with operations that end when the recorded ones did, and people who act when they did. */
export function simulateRecorded(recorded: RecordedApply): Simulation {
  const { input, result, startedMs } = recorded;
  const policy = resolvePolicy(input.spec);
  const controls = result.controls.map((control) => toControl(control, startedMs));
  const ends = new Map(
    result.operations.map((one) => [
      one.deployment,
      one.completedAt === null ? null : Date.parse(one.completedAt) - startedMs,
    ]),
  );
  let operations: readonly SimulatedOperation[] = result.operations.map(({ deployment, reason }) => ({
    deployment,
    nothingToDo: reason === 'nothing_to_do',
    failsAtCutover: false,
    copyMs: 0,
    cutoverMs: 0,
    failsAfterMs: null,
  }));
  let simulation = simulate({ policy, operations, controls, approveAfterMs: null, cutoverAfterMs: null });
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = simulation;
    operations = result.operations.map(({ deployment, state, started, reason }) => {
      const startMs = before.operations.find((one) => one.deployment === deployment)?.startedAtMs ?? 0;
      const endMs = ends.get(deployment) ?? null;
      const isOver = state === 'completed' || state === 'failed';
      const lastsMs = isOver && endMs !== null ? Math.max(0, endMs - startMs) : ENDLESS_MS;
      const isParked = policy.cutover !== 'rolling' && state === 'completed' && started;
      return {
        deployment,
        nothingToDo: reason === 'nothing_to_do',
        failsAtCutover: false,
        copyMs: isParked ? 0 : lastsMs,
        cutoverMs: 0,
        failsAfterMs: state === 'failed' ? lastsMs : null,
      };
    });
    simulation = simulate({ policy, operations, controls, approveAfterMs: null, cutoverAfterMs: null });
  }
  return simulation;
}

function toControl(control: ControlRecord, startedMs: number): SimulatedControl {
  const { name, at, wave, deployments } = control;
  // A signal that came with the start is in the same moment; nothing of a simulated rollout comes before that.
  return { atMs: Math.max(0, Date.parse(at) - startedMs), name: name as SimulatedControl['name'], wave, deployments };
}
