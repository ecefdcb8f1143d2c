/** What an operator asks for: which deployments, and how carefully. Plain JSON with every default filled in. */

/** What a closed policy does (design 5). */
export const ON_FAILURE = ['halt', 'continue', 'pause'] as const;

export type OnFailure = (typeof ON_FAILURE)[number];

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
  /** Who cuts over. `rolling`: the engine, by itself. The only one supported so far. */
  readonly cutover: 'rolling';
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
  readonly maxConcurrency: number;
  readonly onFailure: OnFailure;
  readonly failureTolerance: number;
  readonly cutover: 'rolling';
}

/** Resolves percents against the number of deployments. An `onFailure` that is none of ours acts as `halt`. */
export function resolvePolicy(spec: Pick<ApplySpec, 'deployments' | 'rollout'>): RolloutPolicy {
  const size = spec.deployments.length;
  return {
    maxConcurrency: Math.max(1, resolveAmount(spec.rollout.maxConcurrency, size)),
    onFailure: ON_FAILURE.find((known) => known === spec.rollout.onFailure) ?? 'halt',
    failureTolerance: resolveAmount(spec.rollout.failureTolerance, size),
    cutover: spec.rollout.cutover,
  };
}

/** A percentage is rounded down: 25% of 10 is 2. */
export function resolveAmount(amount: Amount, size: number): number {
  if (typeof amount === 'number') return amount;
  return Math.floor((Number(amount.slice(0, -1)) * size) / 100);
}
