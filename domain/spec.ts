/** What an operator asks for: which deployments, and how carefully. Plain JSON with every default filled in. */

/** What a closed policy does (design 5). */
export const ON_FAILURE = ['halt', 'continue', 'pause'] as const;

export type OnFailure = (typeof ON_FAILURE)[number];

/** Who makes the change visible, and in which order (design 5). */
export const CUTOVERS = ['rolling', 'ordered', 'barrier', 'manual'] as const;

export type Cutover = (typeof CUTOVERS)[number];

/** What a policy that was closed by halt does to what runs (design 5). */
export const IN_FLIGHT = ['finish', 'stop'] as const;

export type InFlight = (typeof IN_FLIGHT)[number];

/** Whether a wave waits for a person's yes before it starts (design 5). */
export const GATES = ['auto', 'manual'] as const;

export type Gate = (typeof GATES)[number];

/** How many: a count, or a percentage of the deployments such as `"25%"`. */
export type Amount = number | `${number}%`;

export interface DeploymentSpec {
  readonly name: string;
  /** The database behind the deployment, as its engine knows it. */
  readonly target: string;
  /** Prefix of the task queues that reach this deployment's engine. Default `skein`. */
  readonly queue: string;
}

export interface RolloutSpec {
  /** Deployments in flight at once; 1 or more, a percent is floored and at least 1. Default 1. */
  readonly maxConcurrency: Amount;
  /** What a closed policy does. Default `halt`. */
  readonly onFailure: OnFailure;
  /** Setbacks allowed before the policy closes; 0 or more, a percent is floored. Default 0. */
  readonly failureTolerance: Amount;
  /**
   * `rolling`: every engine cuts over by itself. The others finish their copies first and then cut over one at a time:
   * `ordered`, in rollout order; `barrier`, once all of the wave are ready; `manual`, when a person says so. Default `rolling`.
   */
  readonly cutover: Cutover;
  /** What a policy closed by halt does to what runs: let it finish, or stop it on its engine. Default `finish`. */
  readonly inFlight: InFlight;
  /** In order; every deployment is in exactly one. Empty: one wave of all. */
  readonly waves: readonly WaveSpec[];
}

/** A group of deployments that is rolled out before the next one starts. */
export interface WaveSpec {
  readonly name: string;
  /** Names, in rollout order. */
  readonly deployments: readonly string[];
  /** How long the next wave waits after all of this one have ended, in milliseconds. Default 0. */
  readonly bakeTimeMs: number;
  /** `manual`: waits for `approve` before it starts. Default `auto`. */
  readonly gate: Gate;
  /** How long a manual gate waits for an answer before this wave and all later ones end `stopped`, in milliseconds; null for ever. */
  readonly expiresAfterMs: number | null;
}

export interface ApplySpec {
  readonly database: string;
  /** The engine's word for the kind of database, such as `postgres` or `mysql`. */
  readonly type: string;
  readonly environment: string;
  /** In rollout order. 1 to 1,000. */
  readonly deployments: readonly DeploymentSpec[];
  readonly rollout: RolloutSpec;
  /** Read the engine's diff before a completion or a failure is believed (design 4.5). Default true. */
  readonly verify: boolean;
  /** Time between two looks at a running engine, in milliseconds; null adapts it to how long the change has been running. Default null. */
  readonly pollIntervalMs: number | null;
}

/** Most deployments of one apply in this version (design 3, Size). */
export const DEPLOYMENTS_MAX = 1_000;

/** Most bytes of DDL and desired schema in one apply (design 3, Size). */
export const PAYLOAD_BYTES_MAX = 1_048_576;

/** The policy with its numbers resolved, frozen into the apply when it starts (design 5). */
export interface RolloutPolicy {
  readonly onFailure: OnFailure;
  readonly cutover: Cutover;
  readonly inFlight: InFlight;
  /** At least one. */
  readonly waves: readonly WavePolicy[];
}

/** One wave with its effective numbers: percents are of this wave. */
export interface WavePolicy extends WaveSpec {
  readonly maxConcurrency: number;
  readonly failureTolerance: number;
}

/** Name of the only wave of a spec without waves; shown nowhere. */
export const ONLY_WAVE = 'all';

/** Resolves percents against each wave. An `onFailure` that is none of ours acts as `halt`, a `cutover` as `manual`. */
export function resolvePolicy(spec: Pick<ApplySpec, 'deployments' | 'rollout'>): RolloutPolicy {
  const { rollout } = spec;
  const waves = rollout.waves.length > 0 ? rollout.waves : [onlyWave(spec.deployments)];
  return {
    onFailure: ON_FAILURE.find((known) => known === rollout.onFailure) ?? 'halt',
    cutover: CUTOVERS.find((known) => known === rollout.cutover) ?? 'manual',
    inFlight: IN_FLIGHT.find((known) => known === rollout.inFlight) ?? 'finish',
    waves: waves.map((wave) => ({
      ...wave,
      maxConcurrency: Math.max(1, resolveAmount(rollout.maxConcurrency, wave.deployments.length)),
      failureTolerance: resolveAmount(rollout.failureTolerance, wave.deployments.length),
    })),
  };
}

function onlyWave(deployments: readonly DeploymentSpec[]): WaveSpec {
  return {
    name: ONLY_WAVE,
    deployments: deployments.map(({ name }) => name),
    bakeTimeMs: 0,
    gate: 'auto',
    expiresAfterMs: null,
  };
}

/** The wave of every deployment, as its place in `policy.waves`. */
export function waveIndexes(policy: RolloutPolicy): ReadonlyMap<string, number> {
  return new Map(policy.waves.flatMap(({ deployments }, index) => deployments.map((name) => [name, index] as const)));
}

/** A percentage is rounded down: 25% of 10 is 2. */
export function resolveAmount(amount: Amount, size: number): number {
  if (typeof amount === 'number') return amount;
  return Math.floor((Number(amount.slice(0, -1)) * size) / 100);
}
