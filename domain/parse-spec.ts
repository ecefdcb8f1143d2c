import { DURATION_RULE, parseDurationMs } from './duration.js';
import { DEFAULT_QUEUE, NAME_RULE, isName } from './ids.js';
import { type Report, isRecord, refuseUnknownKeys, show } from './parse-value.js';
import { readWaves } from './parse-waves.js';
import {
  type Amount,
  type ApplySpec,
  CUTOVERS,
  DEPLOYMENTS_MAX,
  type DeploymentSpec,
  IN_FLIGHT,
  ON_FAILURE,
  type RolloutSpec,
} from './spec.js';

/** One problem of a spec: where it is, as the keys that lead there, and which rule was broken by what. */
export interface SpecIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type ParsedSpec =
  | { readonly ok: true; readonly spec: ApplySpec }
  | { readonly ok: false; readonly issues: readonly SpecIssue[] };

const SPEC_KEYS = [
  'database',
  'type',
  'environment',
  'schema',
  'deployments',
  'rollout',
  'verify',
  'pollInterval',
  'pollIntervalMs',
];
const DEPLOYMENT_KEYS = ['name', 'target', 'queue'];
const ROLLOUT_KEYS = ['maxConcurrency', 'onFailure', 'failureTolerance', 'cutover', 'inFlight', 'waves'];

/** Shortest and longest time between two looks at an engine. */
const POLL_INTERVAL_MS = { min: 10, max: 7 * 86_400_000 } as const;

/**
 * Reads a spec from parsed YAML or JSON, fills in every default, and lists every problem at once. Accepts its own
 * output, so that the workflow can check what it was started with by the same rules.
 */
export function parseSpec(raw: unknown): ParsedSpec {
  const issues: SpecIssue[] = [];
  const report: Report = (path, message) => issues.push({ path, message });
  if (!isRecord(raw)) return { ok: false, issues: [{ path: [], message: `must be a mapping, got ${show(raw)}` }] };

  refuseUnknownKeys(raw, SPEC_KEYS, [], report);
  const database = readName(raw, 'database', report);
  const type = readName(raw, 'type', report);
  const environment = readName(raw, 'environment', report);
  const listed = readDeployments(raw['deployments'], report);
  refuseDuplicates(listed, report);
  const rollout = readRollout(raw['rollout'], listed, report);
  const deployments = inRolloutOrder(listed, rollout.waves);
  const verify = readBoolean(raw, 'verify', true, report);
  const pollIntervalMs = readPollInterval(raw, report);
  if (issues.length > 0) return { ok: false, issues };
  return { ok: true, spec: { database, type, environment, deployments, rollout, verify, pollIntervalMs } };
}

/** Waves in order, and inside a wave the order of the list (design 5). */
function inRolloutOrder(
  deployments: readonly DeploymentSpec[],
  waves: RolloutSpec['waves'],
): readonly DeploymentSpec[] {
  if (waves.length === 0) return deployments;
  return waves.flatMap((wave) => deployments.filter(({ name }) => wave.deployments.includes(name)));
}

/** `deployments[1].target`, or `the spec` for the root. */
export function formatPath(path: readonly (string | number)[]): string {
  if (path.length === 0) return 'the spec';
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

function readDeployments(raw: unknown, report: Report): DeploymentSpec[] {
  if (!Array.isArray(raw) || raw.length === 0) {
    report(['deployments'], `must be a list of at least one deployment, got ${show(raw)}`);
    return [];
  }
  if (raw.length > DEPLOYMENTS_MAX) {
    report(
      ['deployments'],
      `has ${raw.length} deployments and the limit is ${DEPLOYMENTS_MAX}; split it into several applies of at most ${DEPLOYMENTS_MAX}`,
    );
    return [];
  }
  return raw.map((item: unknown, index) => {
    const path = ['deployments', index];
    if (!isRecord(item)) {
      report(path, `must be a mapping with name and target, got ${show(item)}`);
      return { name: '', target: '', queue: DEFAULT_QUEUE };
    }
    refuseUnknownKeys(item, DEPLOYMENT_KEYS, path, report);
    return {
      name: readName(item, 'name', report, path),
      target: readName(item, 'target', report, path),
      queue: item['queue'] === undefined ? DEFAULT_QUEUE : readName(item, 'queue', report, path),
    };
  });
}

function refuseDuplicates(deployments: readonly DeploymentSpec[], report: Report): void {
  const firstIndex = new Map<string, number>();
  deployments.forEach((deployment, index) => {
    if (deployment.name === '') return;
    const first = firstIndex.get(deployment.name);
    if (first === undefined) firstIndex.set(deployment.name, index);
    else
      report(
        ['deployments', index, 'name'],
        `"${deployment.name}" is listed already at deployments[${first}]; each deployment appears once`,
      );
  });
}

function readRollout(raw: unknown, deployments: readonly DeploymentSpec[], report: Report): RolloutSpec {
  const given = raw ?? {};
  if (!isRecord(given)) {
    report(['rollout'], `must be a mapping, got ${show(raw)}`);
    return readRollout(null, deployments, report);
  }
  refuseUnknownKeys(given, ROLLOUT_KEYS, ['rollout'], report);
  return {
    maxConcurrency: readAmount(given, 'maxConcurrency', 1, report) ?? 1,
    onFailure: readChoice(given, 'onFailure', ON_FAILURE, 'halt', report),
    failureTolerance: readAmount(given, 'failureTolerance', 0, report) ?? 0,
    cutover: readChoice(given, 'cutover', CUTOVERS, 'rolling', report),
    inFlight: readChoice(given, 'inFlight', IN_FLIGHT, 'finish', report),
    waves: readWaves(given['waves'], deployments, report),
  };
}

function readChoice<Choice extends string>(
  raw: Readonly<Record<string, unknown>>,
  key: string,
  choices: readonly Choice[],
  fallback: Choice,
  report: Report,
): Choice {
  const value = raw[key] ?? fallback;
  const known = choices.find((choice) => choice === value);
  if (known !== undefined) return known;
  report(['rollout', key], `must be one of ${choices.join(', ')}, got ${show(value)}`);
  return fallback;
}

function readAmount(raw: Readonly<Record<string, unknown>>, key: string, min: number, report: Report): Amount | null {
  const value = raw[key];
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min) return value;
  if (typeof value === 'string' && /^\d{1,3}%$/.test(value) && Number(value.slice(0, -1)) <= 100)
    return value as `${number}%`; // the pattern proves it
  report(
    ['rollout', key],
    `must be a whole number from ${min} up or a percentage from "0%" to "100%", got ${show(value)}`,
  );
  return null;
}

function readPollInterval(raw: Readonly<Record<string, unknown>>, report: Report): number | null {
  const text = raw['pollInterval'];
  const value = raw['pollIntervalMs'] ?? null;
  const milliseconds = text === undefined ? value : typeof text === 'string' ? parseDurationMs(text) : Number.NaN;
  if (milliseconds === null && text === undefined) return null;
  if (typeof milliseconds === 'number' && milliseconds >= POLL_INTERVAL_MS.min && milliseconds <= POLL_INTERVAL_MS.max)
    return milliseconds;
  report(
    [text === undefined ? 'pollIntervalMs' : 'pollInterval'],
    `must be from 10ms to 7d, ${DURATION_RULE}, got ${show(text ?? value)}`,
  );
  return null;
}

function readName(
  raw: Readonly<Record<string, unknown>>,
  key: string,
  report: Report,
  parent: readonly (string | number)[] = [],
): string {
  const value = raw[key];
  if (isName(value)) return value;
  report(
    [...parent, key],
    value === undefined || value === null ? 'is missing' : `must be ${NAME_RULE}, got ${show(value)}`,
  );
  return '';
}

function readBoolean(raw: Readonly<Record<string, unknown>>, key: string, fallback: boolean, report: Report): boolean {
  const value = raw[key] ?? fallback;
  if (typeof value === 'boolean') return value;
  report([key], `must be true or false, got ${show(value)}`);
  return fallback;
}
