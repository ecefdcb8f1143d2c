import type { ChalkInstance } from 'chalk';
import type { Simulation } from '../../domain/simulate.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { APPLY_STATE } from '../../domain/state.js';
import { renderTable } from './table.js';

/** A simulated rollout as a person reads it: timeline, verdict, worst case. */
export function renderSimulation(
  params: { readonly simulation: Simulation; readonly worst: number; readonly policy: RolloutPolicy },
  style: ChalkInstance,
): string {
  const { simulation, worst, policy } = params;
  const rows = simulation.events.map(({ atMs, subject, what }) => [formatClockTime(atMs), subject ?? '', what]);
  const total = simulation.operations.length;
  const verdict = APPLY_STATE[simulation.state].label;
  const waits = simulation.waitingFor === null ? '' : `, and waits for ${simulation.waitingFor.replaceAll('_', ' ')}`;
  return [
    renderTable(['TIME', 'WHERE', 'WHAT'], rows),
    '',
    `${style.bold('Verdict')}: ${verdict}${waits} after ${formatClockTime(simulation.elapsedMs)} (${countStates(simulation)})`,
    `${style.bold('Worst case')}: a change that fails everywhere reaches ${worst} of ${total} deployments ${policy.onFailure === 'continue' ? '(onFailure continue never closes the policy)' : 'before the policy closes'}`,
  ].join('\n');
}

function countStates({ operations }: Simulation): string {
  const counts = new Map<string, number>();
  for (const { state, reason } of operations) {
    const name = `${state.replaceAll('_', ' ')}${reason === null ? '' : ` (${reason.replaceAll('_', ' ')})`}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}

/** `00:10:00`; days in front where there are any. */
function formatClockTime(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const days = Math.floor(seconds / 86_400);
  const clock = [Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  return days === 0 ? clock : `${days}d ${clock}`;
}
