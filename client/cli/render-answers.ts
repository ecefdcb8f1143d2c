import { listNames } from '../../domain/listing.js';
import type { DeploymentLogs, EngineLog } from '../../domain/log.js';
import { APPLY_STATE, OPERATION_STATE } from '../../domain/state.js';

import type { ControlReport } from '../controls.js';
import type { ListedApply } from '../list.js';
import type { ResumedApply } from '../resume.js';
import type { DeploymentExplanation, Explanation } from '../why.js';
import { fit, formatElapsed, formatTime } from './format.js';
import type { Terminal } from './terminal.js';
import { renderTable } from './table.js';

/** What is said otherwise than it is called: a control that asks for something found it where it was. */
const FOUND: Readonly<Partial<Record<ControlReport['deployments'][string], string>>> = { unchanged: 'on its engine' };

/** Where a control found each deployment. */
export function renderReport(report: ControlReport, { program }: Terminal): string {
  const { apply, control, answer, deployments } = report;
  const head = {
    accepted: `${control} of ${apply} is in force`,
    already: `${control} of ${apply} was in force already, or there is nothing left for it to do`,
    recorded: `${control} of ${apply} is recorded and takes effect when a worker runs; none answers now. Start one with \`${program} worker --config skein.yaml\``,
  }[answer];
  const effects = Object.entries(deployments).map(([deployment, effect]) => [
    deployment,
    FOUND[effect] ?? effect.replaceAll('_', ' '),
  ]);
  if (effects.length === 0) return head;
  return `${head}\n\n${renderTable(['DEPLOYMENT', 'FOUND'], effects.length > ROWS_MAX ? groupAlike(effects) : effects)}`;
}

/** Above this many rows those that say the same are one. */
const ROWS_MAX = 20;

function groupAlike(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>();
  for (const [name = '', text = ''] of rows) groups.set(text, [...(groups.get(text) ?? []), name]);
  return [...groups].map(([text, names]) => [listNames(names), text]);
}

export function renderResumed({ apply, deployments }: ResumedApply): string {
  if (deployments.length === 0)
    return `${apply}: recorded, and nothing was started; \`why ${apply}\` says what to do next`;
  return `${apply} goes on in a new run: ${listNames(deployments)}`;
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
  const { apply, state, interrupted, because, since, until, commands } = explanation;
  const times = [
    ...(since === null ? [] : [`for ${formatElapsed(since, null, now())}`]),
    ...(until === null ? [] : [`until ${formatTime(until)}`]),
  ];
  const waiting = times.length === 0 ? '' : ` (${times.join(', ')})`;
  return [
    `${style.bold(apply)} is ${interrupted === null ? APPLY_STATE[state].label : 'interrupted'}: ${because}${waiting}`,
    ...groupDeployments(explanation.deployments).flatMap(({ names, one }) => [
      '',
      `${style.bold(listNames(names))}  ${OPERATION_STATE[one.state].label}`,
      `  because  ${one.because}`,
      `  next     ${one.next}`,
    ]),
    ...(commands.length === 0 ? [] : ['', 'What to do next:', ...commands.map((command) => `  ${program} ${command}`)]),
  ].join('\n');
}

/** Deployments of which the same is to be said, together; in the order of the first of each. */
function groupDeployments(deployments: Explanation['deployments']) {
  const groups = new Map<string, { readonly names: string[]; readonly one: DeploymentExplanation }>();
  for (const one of deployments) {
    const key = JSON.stringify([one.state, one.because, one.next]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names: [one.deployment], one });
    else group.names.push(one.deployment);
  }
  return [...groups.values()];
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
