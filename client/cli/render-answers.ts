import type { DeploymentLogs, EngineLog } from '../../domain/log.js';
import { APPLY_STATE, OPERATION_STATE } from '../../domain/state.js';
import type { ControlReport } from '../controls.js';
import type { ListedApply } from '../list.js';
import type { ResumedApply } from '../resume.js';
import type { Explanation } from '../why.js';
import { fit, formatElapsed, formatTime } from './format.js';
import type { Terminal } from './terminal.js';
import { renderTable } from './table.js';

/** Where a control found each deployment. */
export function renderReport(report: ControlReport, { program }: Terminal): string {
  const { apply, control, answer, deployments } = report;
  const head = {
    accepted: `${control} of ${apply} is in force`,
    already: `${control} of ${apply} was in force already, or there is nothing left for it to do`,
    recorded: `${control} of ${apply} is recorded and takes effect when a worker runs; none answers now. Start one with \`${program} worker --config skein.yaml\``,
  }[answer];
  const effects = Object.entries(deployments).map(([deployment, effect]) => [deployment, effect.replaceAll('_', ' ')]);
  return effects.length === 0 ? head : `${head}\n\n${renderTable(['DEPLOYMENT', 'FOUND'], effects)}`;
}

export function renderResumed({ apply, deployments }: ResumedApply): string {
  return `${apply} goes on in a new run: ${deployments.join(', ')}`;
}

export function renderList(applies: readonly ListedApply[], { now, size }: Terminal): string {
  if (applies.length === 0) return 'no applies';
  const rows = applies.map((apply) => [
    apply.apply,
    describeListedState(apply),
    apply.database,
    apply.environment,
    describeCounts(apply),
    formatTime(apply.runStartedAt),
    formatElapsed(apply.runStartedAt, apply.runClosedAt, now()),
    fit(apply.message, Math.max(20, size().columns - 110)),
  ]);
  return renderTable(
    ['APPLY', 'STATE', 'DATABASE', 'ENVIRONMENT', 'DEPLOYMENTS', 'STARTED (UTC)', 'TOOK', 'MESSAGE'],
    rows,
  );
}

function describeListedState({ state, interrupted }: ListedApply): string {
  if (interrupted !== null) return `interrupted (${interrupted.replaceAll('_', ' ')})`;
  return state === null ? 'running' : APPLY_STATE[state].label;
}

function describeCounts({ counts, deployments }: ListedApply): string {
  const parts = Object.entries(counts).map(([state, amount]) => `${amount} ${state.replaceAll('_', ' ')}`);
  return parts.length === 0 ? String(deployments) : parts.join(', ');
}

export function renderExplanation(explanation: Explanation, { style, program, now }: Terminal): string {
  const { apply, state, interrupted, because, since, deployments, commands } = explanation;
  const waiting = since === null ? '' : ` (for ${formatElapsed(since, null, now())})`;
  return [
    `${style.bold(apply)} is ${interrupted === null ? APPLY_STATE[state].label : 'interrupted'}: ${because}${waiting}`,
    ...deployments.flatMap((each) => [
      '',
      `${style.bold(each.deployment)}  ${OPERATION_STATE[each.state].label}`,
      `  because  ${each.because}`,
      `  next     ${each.next}`,
    ]),
    ...(commands.length === 0 ? [] : ['', 'What to do next:', ...commands.map((command) => `  ${program} ${command}`)]),
  ].join('\n');
}

export function renderLogLine(deployment: string, line: EngineLog): string {
  const states =
    line.newState === '' || line.newState === line.oldState ? '' : ` [${line.oldState} → ${line.newState}]`;
  return `${line.createdAt}  ${deployment}  ${line.level.toLowerCase().padEnd(5)} ${line.message}${states}`;
}

/** Deployments whose engine could not be read, a line each. */
export function renderLogErrors(answers: readonly DeploymentLogs[]): readonly string[] {
  return answers.flatMap(({ deployment, error }) => (error === null ? [] : [`${deployment}: ${error}`]));
}
