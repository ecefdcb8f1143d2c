import { parseClockMs } from '../domain/duration.js';
import type { SimulatedControl, SimulatedOperation, SimulationInput } from '../domain/simulate.js';
import type { ApplySpec, RolloutPolicy } from '../domain/spec.js';
import type { RolloutPlan } from './plan.js';

/** What a person says about a simulated rollout, in words; times in milliseconds. */
export interface SimulationFlags {
  /** `us`, `us@2` (its second statement), `us@90s` (so long after its start). */
  readonly fail: readonly string[];
  /** `10m` for all, `us=30m` for one; later ones win. */
  readonly duration: readonly string[];
  readonly cutoverMs: number;
  readonly approveAfterMs: number | null;
  readonly cutoverAfterMs: number | null;
  readonly controls: readonly SimulatedControl[];
}

const DURATION_MS = 10 * 60_000;

/** Puts a spec or a plan and what a person assumes about it together. `refuse` is called for the first wrong word. */
export function toSimulation(params: {
  readonly spec: ApplySpec;
  readonly policy: RolloutPolicy;
  /** Null without a plan: a deployment then has as many statements as `fail` names. */
  readonly plan: RolloutPlan | null;
  readonly flags: SimulationFlags;
  readonly refuse: (message: string) => never;
}): SimulationInput {
  const { spec, flags, refuse } = params;
  const names = spec.deployments.map(({ name }) => name);
  const durations = readDurations(flags.duration, names, refuse);
  const failures = new Map(
    flags.fail.map((text) => {
      const [name = '', when] = split(text, '@');
      if (!names.includes(name))
        refuse(`--fail names ${name}, which is no deployment of this spec; it has ${names.join(', ')}`);
      return [name, { text, when }] as const;
    }),
  );
  const operations = names.map((deployment): SimulatedOperation => {
    const statements = statementsOf(params.plan, deployment);
    const copyMs = statements === 0 ? 0 : (durations.get(deployment) ?? DURATION_MS);
    const failure = failures.get(deployment);
    const failsAfterMs = failure === undefined ? null : failureMs({ ...failure, copyMs, statements, refuse });
    return { deployment, copyMs, cutoverMs: flags.cutoverMs, failsAfterMs };
  });
  const { approveAfterMs, cutoverAfterMs, controls } = flags;
  return { policy: params.policy, operations, controls, approveAfterMs, cutoverAfterMs };
}

function readDurations(
  texts: readonly string[],
  names: readonly string[],
  refuse: (message: string) => never,
): ReadonlyMap<string, number> {
  const durations = new Map<string, number>();
  for (const text of texts) {
    const [first = '', second] = split(text, '=');
    const value = second ?? first;
    const milliseconds = parseClockMs(value) ?? refuse(`--duration takes a time such as 30m, got "${text}"`);
    if (second !== undefined && !names.includes(first))
      refuse(`--duration names ${first}, which is no deployment of this spec; it has ${names.join(', ')}`);
    for (const name of second === undefined ? names : [first]) durations.set(name, milliseconds);
  }
  return durations;
}

/** A whole number is a statement, anything else a time after the start; nothing is the end. */
function failureMs(params: {
  readonly text: string;
  readonly when: string | undefined;
  readonly copyMs: number;
  readonly statements: number | null;
  readonly refuse: (message: string) => never;
}): number {
  const { text, when, copyMs, refuse } = params;
  if (when === undefined) return copyMs;
  if (!/^\d+$/.test(when))
    return (
      parseClockMs(when) ??
      refuse(`--fail takes a deployment, a statement or a time, such as us@2 or us@90s, got "${text}"`)
    );
  const statement = Number(when);
  const statements = params.statements ?? statement;
  if (statement < 1 || statement > statements)
    return refuse(`--fail ${text}: its plan has ${statements} statements, counted from 1`);
  return Math.round((copyMs * statement) / statements);
}

function statementsOf(plan: RolloutPlan | null, deployment: string): number | null {
  if (plan === null) return null;
  const own = plan.classes.find(({ deployments }) => deployments.some((one) => one.deployment === deployment));
  return own?.plan.changes.length ?? null;
}

function split(text: string, separator: '@' | '='): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
