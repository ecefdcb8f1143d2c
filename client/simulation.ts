import { formatDurationMs, parseClockMs } from '../domain/duration.js';
import { listNames } from '../domain/listing.js';
import type { SimulatedControl, SimulatedOperation, SimulationInput } from '../domain/simulation-input.js';
import type { ApplySpec, RolloutPolicy } from '../domain/spec.js';
import type { PlannedDeployment, RolloutPlan } from './plan.js';

/** What a person says about a simulated rollout, in words; times in milliseconds. */
export interface SimulationFlags {
  /** `us`, `us@2` (its second statement), `us@90s` (so long after its start), `us@cutover`. Later ones win. */
  readonly fail: readonly string[];
  /** `10m` for all, `us=30m` for one; later ones win. */
  readonly duration: readonly string[];
  /** Rows that a statement works through in a second. 1 or more. */
  readonly rowsPerSecond: number;
  readonly cutoverMs: number;
  readonly approveAfterMs: number | null;
  readonly cutoverAfterMs: number | null;
  readonly controls: readonly SimulatedControl[];
}

/** How long a deployment is taken to need, and who says so. */
export interface AssumedDuration {
  readonly deployment: string;
  readonly copyMs: number;
  /** `flag`: the person. `rows`: the row counts of the plan. `default`: nobody. */
  readonly from: 'flag' | 'rows' | 'default';
}

export interface PreparedSimulation {
  readonly input: SimulationInput;
  /** Of those that have something to do, in rollout order. */
  readonly durations: readonly AssumedDuration[];
}

/** What a deployment takes when neither a plan nor a person says. */
const DURATION_MS = 10 * 60_000;

/** Also one on an empty table takes a moment. */
const STATEMENT_MS_MIN = 1_000;

type Refuse = (message: string) => never;

/** Puts a spec or a plan and what a person assumes about it together. `refuse` is called for the first wrong word. */
export function toSimulation(params: {
  readonly spec: ApplySpec;
  readonly policy: RolloutPolicy;
  /** Null without a plan: a deployment then has as many statements as `fail` names. */
  readonly plan: RolloutPlan | null;
  readonly flags: SimulationFlags;
  readonly refuse: Refuse;
}): PreparedSimulation {
  const { spec, policy, plan, flags, refuse } = params;
  const names = spec.deployments.map(({ name }) => name);
  const said = readDurations(flags.duration, names, refuse);
  const failures = readFailures(flags.fail, names, refuse);
  const planned = new Map(plan?.classes.flatMap(({ deployments }) => deployments.map((one) => [one.deployment, one])));
  const works = names.map((deployment) => workOf(deployment, said.get(deployment), planned.get(deployment), flags));
  const operations = works.map((work): SimulatedOperation => {
    const { deployment, copyMs } = work;
    const nothingToDo = work.statementMs?.length === 0;
    const sound = { deployment, copyMs, cutoverMs: flags.cutoverMs, nothingToDo };
    const failure = failures.get(deployment);
    if (failure === undefined) return { ...sound, failsAfterMs: null, failsAtCutover: false };
    if (nothingToDo)
      return refuse(`--fail ${failure.text}: ${deployment} has nothing to do, so nothing of it can fail`);
    return { ...sound, ...readMoment(failure, work, policy, refuse) };
  });
  const { approveAfterMs, cutoverAfterMs, controls } = flags;
  return {
    input: { policy, operations, controls, approveAfterMs, cutoverAfterMs },
    durations: works
      .filter(({ statementMs }) => statementMs?.length !== 0)
      .map(({ deployment, copyMs, from }) => ({ deployment, copyMs, from })),
  };
}

/** What a deployment has to do. */
interface Work extends AssumedDuration {
  /** One per statement of its plan; null where there is no plan. */
  readonly statementMs: readonly number[] | null;
}

/** A person outranks the row counts, because only a person knows the machine. */
function workOf(
  deployment: string,
  saidMs: number | undefined,
  planned: PlannedDeployment | undefined,
  { rowsPerSecond }: Pick<SimulationFlags, 'rowsPerSecond'>,
): Work {
  const rows = planned?.estimatedRows ?? null;
  if (rows?.length === 0) return { deployment, copyMs: 0, from: 'rows', statementMs: [] };
  if (saidMs === undefined && rows !== null && rows.some((count) => count !== null)) {
    const statementMs = rows.map((count) =>
      Math.max(STATEMENT_MS_MIN, Math.ceil((Number(count ?? 0) / rowsPerSecond) * 1_000)),
    );
    return { deployment, copyMs: sum(statementMs), from: 'rows', statementMs };
  }
  const copyMs = saidMs ?? DURATION_MS;
  const statementMs = rows?.map(() => copyMs / rows.length) ?? null;
  return { deployment, copyMs, from: saidMs === undefined ? 'default' : 'flag', statementMs };
}

function readDurations(
  texts: readonly string[],
  names: readonly string[],
  refuse: Refuse,
): ReadonlyMap<string, number> {
  const durations = new Map<string, number>();
  for (const text of texts) {
    const [first = '', second] = split(text, '=');
    const value = second ?? first;
    const milliseconds = parseClockMs(value) ?? refuse(`--duration takes a time such as 30m, got "${text}"`);
    if (second !== undefined) refuseUnknown('--duration', first, names, refuse);
    for (const name of second === undefined ? names : [first]) durations.set(name, milliseconds);
  }
  return durations;
}

/** A failure as a person wrote it. */
interface Failure {
  readonly text: string;
  readonly when: string | undefined;
}

function readFailures(
  texts: readonly string[],
  names: readonly string[],
  refuse: Refuse,
): ReadonlyMap<string, Failure> {
  return new Map(
    texts.map((text) => {
      const [name = '', when] = split(text, '@');
      refuseUnknown('--fail', name, names, refuse);
      return [name, { text, when }] as const;
    }),
  );
}

/** A whole number is a statement, `cutover` the swap, anything else a time after the start; nothing is the end. */
function readMoment(
  { text, when }: Failure,
  work: Work,
  { cutover }: Pick<RolloutPolicy, 'cutover'>,
  refuse: Refuse,
): Pick<SimulatedOperation, 'failsAfterMs' | 'failsAtCutover'> {
  const { deployment, copyMs } = work;
  if (when === 'cutover') {
    if (cutover !== 'rolling') return { failsAfterMs: null, failsAtCutover: true };
    return refuse(`--fail ${text}: under cutover rolling the engine cuts over by itself; leave @cutover out`);
  }
  const failsAfterMs = when === undefined ? copyMs : failureMs(text, when, work, refuse);
  if (failsAfterMs <= copyMs) return { failsAfterMs, failsAtCutover: false };
  return refuse(
    `--fail ${text}: ${deployment} takes ${formatDurationMs(copyMs)}; name an earlier time, or a longer --duration`,
  );
}

function failureMs(text: string, when: string, { copyMs, statementMs }: Work, refuse: Refuse): number {
  if (!/^\d+$/.test(when))
    return (
      parseClockMs(when) ??
      refuse(`--fail takes a deployment, a statement, a time or cutover, such as us@2 or us@90s, got "${text}"`)
    );
  const statement = Number(when);
  const count = statementMs?.length ?? statement;
  if (statement < 1 || statement > count)
    return refuse(`--fail ${text}: its plan has ${count} statements, counted from 1`);
  return statementMs === null ? copyMs : Math.round(sum(statementMs.slice(0, statement)));
}

function refuseUnknown(flag: string, name: string, names: readonly string[], refuse: Refuse): void {
  if (!names.includes(name))
    refuse(`${flag} names ${name}, which is no deployment of this spec; it has ${listNames(names)}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function split(text: string, separator: '@' | '='): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
