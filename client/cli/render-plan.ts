import type { ChalkInstance } from 'chalk';
import type { TableChange } from '../../domain/plan.js';
import type { RolloutPlan, RolloutPlanClass } from '../plan.js';

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
  const names = deployments.map(({ deployment }) => deployment).join(', ');
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
  const order = spec.deployments.map(({ name }) => name);
  const shown = order.length > 8 ? [...order.slice(0, 7), `… (${order.length})`] : order;
  const tolerance =
    policy.onFailure === 'continue'
      ? 'failures do not stop it'
      : `${policy.onFailure} after ${count(policy.failureTolerance + 1, 'setback')}`;
  return `Rollout: ${shown.join(', ')}; ${policy.maxConcurrency} at a time; ${tolerance} (onFailure ${policy.onFailure}, failureTolerance ${policy.failureTolerance}); cutover ${policy.cutover}`;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
