import { APPLY_STATE, hasEnded } from '../../domain/state.js';
import type { ApplyStatus, OperationStatus } from '../../domain/status.js';
import { describeDetail, describeState, isWorthTelling } from './render-status.js';

/** Percent steps after which a plain log gets another line: a line per look would bury everything else. */
const PERCENT_STEP = 20;

/** What changed from one status to the next, a line each: for output that cannot move the cursor. */
export function renderChanges(previous: ApplyStatus | null, next: ApplyStatus): readonly string[] {
  const before = new Map((previous?.operations ?? []).map((operation) => [operation.deployment, mark(operation)]));
  const lines = next.operations
    .filter((operation) => mark(operation) !== (before.get(operation.deployment) ?? PENDING))
    .map((operation) =>
      [operation.deployment, describeState(operation), formatPercent(operation), describeDetail(operation)]
        .filter((part) => part !== '')
        .join('  '),
    );
  const changed = previous === null || previous.state !== next.state || previous.detail !== next.detail;
  const wait = next.waitingFor !== null && isWorthTelling(next.waitingFor) ? next.waitingFor.for : null;
  const newWait = wait !== null && wait !== (previous?.waitingFor?.for ?? null);
  return [
    ...(changed
      ? [`${next.apply}  ${APPLY_STATE[next.state].label}${next.detail === 'coarse' ? ' (no worker answers)' : ''}`]
      : []),
    ...lines,
    ...(newWait
      ? [`${next.apply}  waits for ${wait.replaceAll('_', ' ')}: ${next.waitingFor?.commands.join(' | ') ?? ''}`]
      : []),
  ];
}

/** What makes a line of its own when it changes. */
function mark(operation: OperationStatus): string {
  const step = Math.floor((operation.progress?.percent ?? 0) / PERCENT_STEP);
  const { state, phase, reason, message, unreachableSince } = operation;
  return JSON.stringify([state, phase, reason, message, unreachableSince !== null, hasEnded(state) ? null : step]);
}

const PENDING = JSON.stringify(['pending', null, null, '', false, 0]);

function formatPercent({ progress, state }: OperationStatus): string {
  return hasEnded(state) || progress?.percent == null ? '' : `${Math.floor(progress.percent)}%`;
}
