import type { ChalkInstance } from 'chalk';
import type { TableChange } from '../../domain/plan.js';
import type { RolloutPolicy, WavePolicy } from '../../domain/spec.js';
import type { RolloutPlan, RolloutPlanClass } from '../plan.js';
import { formatDuration } from './format.js';

/**
 * A plan as a person reviews it: statements per class of equal plans, hazards, leftovers, the numbers that will apply.
 * What speaks against it is the message of the refusal, and not repeated here.
 */
export function renderPlan(plan: RolloutPlan, style: ChalkInstance): string {
  const { spec } = plan;
  const engines = new Set(plan.classes.map((planClass) => planClass.plan.engine).filter((engine) => engine !== ''));
  return [
    `${style.bold(`${spec.database}, ${spec.environment}`)}: ${count(spec.deployments.length, 'deployment')}, ${spec.type}${engines.size > 0 ? ` (${[...engines].join(', ')})` : ''}`,
    ...plan.classes.flatMap((planClass) => ['', ...renderClass(planClass, style)]),
    '',
    renderPolicy(plan),
  ].join('\n');
}

function renderClass({ deployments, digest, plan }: RolloutPlanClass, style: ChalkInstance): readonly string[] {
  const names = listNames(deployments.map(({ deployment }) => deployment));
  if (plan.changes.length === 0)
    return [`${style.bold(names)}: nothing to do, the schema is there already`, ...renderLeftovers(plan, style)];
  return [
    `${style.bold(names)}  ${style.dim(`plan ${digest.slice(0, 12)}`)}`,
    ...plan.changes.flatMap((change) => renderChange(change, style)),
    ...plan.lintViolations.map(
      ({ severity, table, message }) =>
        `  ${style.yellow(`lint ${severity}`)}  ${table === '' ? '' : `${table}: `}${message}`,
    ),
    ...renderLeftovers(plan, style),
  ];
}

function renderChange(change: TableChange, style: ChalkInstance): readonly string[] {
  const ddl = change.ddl.trim();
  const [first = '', ...rest] = (ddl.endsWith(';') ? ddl : `${ddl};`).split('\n');
  const hazards = [
    ...(change.blocked ? [style.red(`blocked: ${change.modeReason || 'the engine does not run it'}`)] : []),
    ...(change.unsafe ? [style.red(`unsafe: ${change.unsafeReason || 'the engine marks it unsafe'}`)] : []),
  ];
  return [`  ${first}`, ...rest.map((line) => `  ${line}`), ...hazards.map((hazard) => `    ${hazard}`)];
}

function renderLeftovers({ leftovers }: RolloutPlanClass['plan'], style: ChalkInstance): readonly string[] {
  return leftovers.map(
    ({ namespace, tables, disposition, reason }) =>
      `  ${style.yellow('left over')}  ${namespace}: ${tables.join(', ')} (${disposition}${reason === '' ? '' : `, ${reason}`})`,
  );
}

/** The effective numbers, percents resolved: nobody should have to work them out. */
function renderPolicy({ policy, spec }: RolloutPlan): string {
  const { onFailure, cutover, inFlight, waves } = policy;
  const rules = `onFailure ${onFailure}, inFlight ${inFlight}, cutover ${cutover}`;
  if (spec.rollout.waves.length === 0)
    return `Rollout: ${waves.map((wave) => renderWave(wave, policy)).join('')}; ${rules}`;
  return [
    `Rollout in ${count(waves.length, 'wave')} (${rules}):`,
    ...waves.map((wave, index) => `  ${index + 1}. ${wave.name}: ${renderWave(wave, policy)}${renderPauses(wave)}`),
  ].join('\n');
}

function renderWave(wave: WavePolicy, { onFailure }: Pick<RolloutPolicy, 'onFailure'>): string {
  const tolerance =
    onFailure === 'continue'
      ? 'failures do not stop it'
      : `${onFailure} after ${count(wave.failureTolerance + 1, 'setback')} (failureTolerance ${wave.failureTolerance})`;
  return `${listNames(wave.deployments)}; ${wave.maxConcurrency} at a time; ${tolerance}`;
}

function renderPauses({ gate, expiresAfterMs, bakeTimeMs }: WavePolicy): string {
  const expiry = expiresAfterMs === null ? '' : `, which expires after ${formatDuration(expiresAfterMs)}`;
  const before = gate === 'manual' ? `; waits for approve${expiry}` : '';
  return `${before}${bakeTimeMs > 0 ? `; then bakes ${formatDuration(bakeTimeMs)}` : ''}`;
}

/** Names up to a line's worth; 400 targets with one plan are one line (design 5). */
function listNames(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 7).join(', ')}, … (${names.length})` : names.join(', ');
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
