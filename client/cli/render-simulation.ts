import type { Reach, Simulation } from '../../domain/simulate.js';
import type { SimulationEvent } from '../../domain/simulation-input.js';
import type { AssumedDuration } from '../simulation.js';
import type { RolloutPlan } from '../plan.js';
import { APPLY_STATE, OPERATION_STATE } from '../../domain/state.js';
import { listNames } from '../../domain/listing.js';
import { countNoun, formatDuration } from './format.js';
import { renderPolicy } from './render-plan.js';
import { renderTable } from './table.js';
import type { Terminal } from './terminal.js';

/** Most lines of a timeline; of a longer one the beginning and the end are shown, because in between it repeats itself. */
const LINES_MAX = 120;

export interface RenderedSimulation extends Pick<RolloutPlan, 'policy' | 'spec'> {
  readonly simulation: Simulation;
  readonly worst: Reach;
  readonly durations: readonly AssumedDuration[];
}

/** A simulated rollout as a person reads it: what was assumed, timeline, verdict, worst case. */
export function renderSimulation(rendered: RenderedSimulation, { style }: Pick<Terminal, 'style'>): string {
  const { simulation, durations } = rendered;
  const verdict = APPLY_STATE[simulation.state].label;
  const waits = simulation.waitingFor === null ? '' : `, and waits for ${words(simulation.waitingFor)}`;
  return [
    renderPolicy(rendered),
    `Assumed: ${describeDurations(durations)}`,
    '',
    ...renderTimeline(simulation.events),
    '',
    `${style.bold('Verdict')}: ${verdict}${waits} after ${formatTimeline(simulation.elapsedMs)} (${countStates(simulation)})`,
    `${style.bold('Worst case')}: ${describeWorst(rendered)}`,
  ].join('\n');
}

/** What happens to several at one moment is one line. */
function renderTimeline(events: readonly SimulationEvent[]): readonly string[] {
  const rows: { readonly atMs: number; readonly what: string; readonly subjects: string[] }[] = [];
  for (const { atMs, subject, what } of events) {
    const last = rows.at(-1);
    const subjects = subject === null ? [] : [subject];
    if (last !== undefined && subject !== null && last.atMs === atMs && last.what === what) last.subjects.push(subject);
    else rows.push({ atMs, what, subjects });
  }
  const lines = renderTable(
    ['TIME', 'WHERE', 'WHAT'],
    rows.map(({ atMs, what, subjects }) => [formatTimeline(atMs), listNames(subjects), words(what)]),
  ).split('\n');
  if (lines.length <= LINES_MAX) return lines;
  const half = LINES_MAX / 2;
  const between = lines.length - LINES_MAX;
  return [...lines.slice(0, half), `… ${between} more lines; -o json has them all`, ...lines.slice(-half)];
}

const SOURCES: Readonly<Record<AssumedDuration['from'], string>> = {
  flag: '--duration',
  rows: 'by the rows of the plan',
  default: 'the default',
};

function describeDurations(durations: readonly AssumedDuration[]): string {
  const parts = (['flag', 'rows', 'default'] as const).flatMap((source) => {
    const some = durations.filter(({ from }) => from === source);
    if (some.length === 0) return [];
    const times = some.map(({ copyMs }) => copyMs);
    const [least, most] = [Math.min(...times), Math.max(...times)].map(formatDuration);
    const time = least === most ? least : `${least} to ${most}`;
    const who = some.length === durations.length ? 'every deployment' : listNames(some.map((one) => one.deployment));
    return [`${time} in ${who} (${SOURCES[source]})`];
  });
  return parts.length === 0 ? 'nothing has to be done anywhere' : parts.join('; ');
}

function describeWorst({ simulation, worst, policy }: RenderedSimulation): string {
  const total = countNoun(simulation.operations.length, 'deployment');
  const until = policy.onFailure === 'continue' ? '' : ' before the policy closes';
  const never = policy.onFailure === 'continue' ? '; onFailure continue never closes the policy' : '';
  if (policy.cutover === 'rolling')
    return `a change that fails everywhere is started on ${worst.started} of ${total}${until}${never}`;
  return `a change that fails everywhere is copied on ${worst.started} of ${total}, and cut over on ${worst.changed}${until}${never}`;
}

function countStates({ operations }: Simulation): string {
  const counts = new Map<string, number>();
  for (const { state, reason } of operations) {
    const name = `${OPERATION_STATE[state].label}${reason === null ? '' : ` (${words(reason)})`}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}

function words(text: string): string {
  return text.replaceAll('_', ' ');
}

/** `00:10:00`; days in front where there are any. */
function formatTimeline(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const days = Math.floor(seconds / 86_400);
  const clock = [Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  return days === 0 ? clock : `${days}d ${clock}`;
}
