import type { ChalkInstance } from 'chalk';
import type { TableChange } from '../../domain/plan.js';
import type { RolloutPolicy, WavePolicy } from '../../domain/spec.js';
import type { RolloutPlan, RolloutPlanClass } from '../plan.js';
import { listNames } from '../../domain/listing.js';
import { countNoun, formatDuration, formatRows } from './format.js';

/**
 * A plan as a person reviews it: statements per class of equal plans, hazards, leftovers, the numbers that will apply.
 * What speaks against it is the message of the refusal, and not repeated here.
 */
export function renderPlan(plan: RolloutPlan, style: ChalkInstance): string {
  const { spec } = plan;
  const engines = new Set(plan.classes.map((planClass) => planClass.plan.engine).filter((engine) => engine !== ''));
  return [
    `${style.bold(`${spec.database}, ${spec.environment}`)}: ${countNoun(spec.deployments.length, 'deployment')}, ${spec.type}${engines.size > 0 ? ` (${[...engines].join(', ')})` : ''}`,
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
    ...plan.changes.flatMap((change, index) =>
      renderChange(
        change,
        deployments.map(({ estimatedRows }) => estimatedRows[index] ?? null),
        style,
      ),
    ),
    ...plan.lintViolations.map(
      ({ severity, table, message }) =>
        `  ${severity === 'info' ? style.dim('note') : style.yellow(`lint ${severity}`)}  ${table === '' ? '' : `${table}: `}${message}`,
    ),
    ...renderLeftovers(plan, style),
  ];
}

function renderChange(change: TableChange, rows: readonly (string | null)[], style: ChalkInstance): readonly string[] {
  const ddl = change.ddl.trim();
  const isStatement = !isRemark(ddl);
  const lines = (ddl.endsWith(';') || !isStatement ? ddl : `${ddl};`).split('\n');
  const hazards = [
    ...(change.blocked ? [style.red(`blocked: ${change.modeReason || 'the engine does not run it'}`)] : []),
    ...(change.unsafe ? [style.red(`unsafe: ${change.unsafeReason || 'the engine marks it unsafe'}`)] : []),
  ];
  const size = isStatement ? formatRows(rows) : '';
  return [
    ...lines.map((line) => `  ${line}`),
    ...(size === '' ? [] : [`    ${style.dim(size)}`]),
    ...hazards.map((hazard) => `    ${hazard}`),
  ];
}

/** A difference without a statement, which an engine tells as a comment: nothing of it runs, so no row is touched. */
function isRemark(ddl: string): boolean {
  return ddl.split('\n').every((line) => line.trim() === '' || line.trim().startsWith('--'));
}

function renderLeftovers({ leftovers }: RolloutPlanClass['plan'], style: ChalkInstance): readonly string[] {
  return leftovers.map(
    ({ namespace, tables, disposition, reason }) =>
      `  ${style.yellow('left over')}  ${namespace}: ${tables.join(', ')} (${disposition}${reason === '' ? '' : `, ${reason}`})`,
  );
}

/** The effective numbers, percents resolved: nobody should have to work them out. */
export function renderPolicy({ policy, spec }: Pick<RolloutPlan, 'policy' | 'spec'>): string {
  const { onFailure, cutover, inFlight, waves } = policy;
  const rules = `onFailure ${onFailure}, inFlight ${inFlight}, cutover ${cutover}`;
  if (spec.rollout.waves.length === 0)
    return [
      `Rollout (${rules}):`,
      ...waves.map((wave) => `  ${listNames(wave.deployments)}; ${renderNumbers(wave, policy)}`),
    ].join('\n');
  return [
    `Rollout in ${countNoun(waves.length, 'wave')} (${rules}):`,
    ...waves.flatMap((wave, index) => [
      `  ${index + 1}. ${wave.name}: ${listNames(wave.deployments)}`,
      `     ${[...pausesBefore(wave), renderNumbers(wave, policy), ...pausesAfter(wave)].join('; ')}`,
    ]),
  ].join('\n');
}

function renderNumbers(wave: WavePolicy, { onFailure }: Pick<RolloutPolicy, 'onFailure'>): string {
  const tolerance =
    onFailure === 'continue'
      ? 'failures do not stop it'
      : `${onFailure} after ${countNoun(wave.failureTolerance + 1, 'setback')} (failureTolerance ${wave.failureTolerance})`;
  return `${wave.maxConcurrency} at a time; ${tolerance}`;
}

function pausesBefore({ gate, expiresAfterMs }: WavePolicy): readonly string[] {
  if (gate === 'auto') return [];
  const expiry = expiresAfterMs === null ? '' : `, for at most ${formatDuration(expiresAfterMs)}`;
  return [`waits for approve${expiry}`];
}

function pausesAfter({ bakeTimeMs }: WavePolicy): readonly string[] {
  return bakeTimeMs > 0 ? [`then bakes ${formatDuration(bakeTimeMs)}`] : [];
}
