import { parseDurationMs, DURATION_RULE } from './duration.js';
import { NAME_RULE, isName } from './ids.js';
import { listNames } from './listing.js';
import { type Report, isRecord, refuseUnknownKeys, show } from './parse-value.js';
import { type DeploymentSpec, GATES, type WaveSpec } from './spec.js';

const WAVE_KEYS = ['name', 'match', 'deployments', 'bakeTime', 'bakeTimeMs', 'gate', 'expiresAfter', 'expiresAfterMs'];

/** Longest bake and longest wait for a gate. */
const WAIT_MS_MAX = 365 * 86_400_000;

const PATH = ['rollout', 'waves'] as const;

/**
 * Reads the waves of a rollout: each deployment is in exactly one (design 5). What `match` means is settled here, so that
 * a wave of a spec is a list of names.
 */
export function readWaves(raw: unknown, deployments: readonly DeploymentSpec[], report: Report): WaveSpec[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) {
    report(PATH, `must be a list of waves, got ${show(raw)}`);
    return [];
  }
  const waves = raw.map((item: unknown, index) => readWave(item, index, deployments, report));
  refuseSameNames(waves, report);
  refuseMembership(waves, deployments, report);
  return waves;
}

function readWave(raw: unknown, index: number, deployments: readonly DeploymentSpec[], report: Report): WaveSpec {
  const path = [...PATH, index];
  if (!isRecord(raw)) {
    report(path, `must be a mapping with a name and deployments or match, got ${show(raw)}`);
    return { name: '', deployments: [], bakeTimeMs: 0, gate: 'auto', expiresAfterMs: null };
  }
  refuseUnknownKeys(raw, WAVE_KEYS, path, report);
  const name = raw['name'];
  if (!isName(name))
    report(
      [...path, 'name'],
      name === undefined || name === null ? 'is missing' : `must be ${NAME_RULE}, got ${show(name)}`,
    );
  const gate = GATES.find((known) => known === (raw['gate'] ?? 'auto'));
  if (gate === undefined) report([...path, 'gate'], `must be one of ${GATES.join(', ')}, got ${show(raw['gate'])}`);
  const expiresAfterMs = readDuration(raw, 'expiresAfter', path, report);
  if (expiresAfterMs !== null && gate === 'auto')
    report(
      [...path, 'expiresAfter'],
      'is how long a gate waits for an answer, and this wave has gate: auto; add gate: manual',
    );
  return {
    name: isName(name) ? name : '',
    deployments: readMembers(raw, deployments, path, report),
    bakeTimeMs: readDuration(raw, 'bakeTime', path, report) ?? 0,
    gate: gate ?? 'manual',
    expiresAfterMs,
  };
}

/** By name, or by pattern; in rollout order, which is that of the list of deployments. */
function readMembers(
  raw: Readonly<Record<string, unknown>>,
  deployments: readonly DeploymentSpec[],
  path: readonly (string | number)[],
  report: Report,
): readonly string[] {
  const known = deployments.map(({ name }) => name);
  const { match, deployments: listed } = raw as { readonly match?: unknown; readonly deployments?: unknown };
  if ((match === undefined) === (listed === undefined)) {
    report(path, 'must say which deployments it has, by either deployments or match');
    return [];
  }
  const values = match === undefined ? listed : typeof match === 'string' ? [match] : match;
  const key = match === undefined ? 'deployments' : 'match';
  if (!Array.isArray(values) || values.length === 0 || !values.every((value) => typeof value === 'string')) {
    report([...path, key], `must be a list of ${key === 'match' ? 'patterns' : 'names'}, got ${show(values)}`);
    return [];
  }
  const patterns: readonly string[] = values;
  patterns.forEach((pattern, index) => {
    const first = patterns.indexOf(pattern);
    if (first < index)
      report([...path, key, index], `"${pattern}" is listed already at ${key}[${first}]; name it once`);
  });
  const choose = (pattern: string) => (name: string) =>
    match === undefined ? name === pattern : toExpression(pattern).test(name);
  patterns.forEach((pattern, index) => {
    if (known.some(choose(pattern)) || known.includes('')) return;
    report(
      [...path, key, index],
      `${match === undefined ? `"${pattern}" is no deployment of this spec` : `matches no deployment of this spec, got "${pattern}"`}; it has ${listNames(known)}`,
    );
  });
  return known.filter((name) => name !== '' && patterns.some((pattern) => choose(pattern)(name)));
}

/** A shell-like pattern: `*` is any run of characters, `?` any one. */
function toExpression(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

function readDuration(
  raw: Readonly<Record<string, unknown>>,
  key: 'bakeTime' | 'expiresAfter',
  path: readonly (string | number)[],
  report: Report,
): number | null {
  const text = raw[key];
  const value =
    text === undefined ? (raw[`${key}Ms`] ?? null) : typeof text === 'string' ? parseDurationMs(text) : Number.NaN;
  if (value === null && text === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= WAIT_MS_MAX) return value;
  report(
    [...path, text === undefined ? `${key}Ms` : key],
    `must be up to 365d, ${DURATION_RULE}, got ${show(text ?? value)}`,
  );
  return null;
}

function refuseSameNames(waves: readonly WaveSpec[], report: Report): void {
  waves.forEach(({ name }, index) => {
    const first = waves.findIndex((wave) => wave.name === name);
    if (name !== '' && first < index)
      report([...PATH, index, 'name'], `"${name}" names waves[${first}] already; each wave has a name of its own`);
  });
}

/**
 * One problem for all that have no wave: of hundreds of deployments usually a whole pattern was forgotten. None where the
 * members of a wave could not be read, which is a problem of its own.
 */
function refuseMembership(waves: readonly WaveSpec[], deployments: readonly DeploymentSpec[], report: Report): void {
  if (waves.length === 0) return;
  const names = new Set(deployments.map(({ name }) => name).filter((name) => name !== ''));
  const homes = new Map([...names].map((name) => [name, waves.filter((wave) => wave.deployments.includes(name))]));
  const homeless = [...names].filter((name) => homes.get(name)?.length === 0);
  const isRead = waves.every((wave) => wave.deployments.length > 0);
  if (homeless.length > 0 && isRead)
    report(PATH, `have no wave for ${listNames(homeless)}; put each deployment into one`);
  for (const [name, found] of homes) {
    if (found.length > 1)
      report(
        PATH,
        `have deployment "${name}" in ${found.map((wave) => `"${wave.name}"`).join(' and ')}; keep it in one`,
      );
  }
}
