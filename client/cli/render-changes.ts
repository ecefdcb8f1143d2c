import { listNames } from '../../domain/listing.js';
import { APPLY_STATE, hasEnded } from '../../domain/state.js';
import type { ApplyStatus } from '../../domain/status.js';
import type { OperationStatus } from '../../domain/operation-status.js';
import { formatTime } from './format.js';
import { describeDetail, describeState, describeWait, isWorthTelling } from './render-status.js';
import { renderWaveChanges } from './render-waves.js';

/** Percent steps after which a plain log gets another line: a line per look would bury everything else. */
const PERCENT_STEP = 20;

/** What changed from one status to the next, a line each: for output that cannot move the cursor. */
export function renderChanges(previous: ApplyStatus | null, next: ApplyStatus): readonly string[] {
  const before = new Map((previous?.operations ?? []).map((operation) => [operation.deployment, mark(operation)]));
  const changed = next.operations.filter(
    (operation) => mark(operation) !== (before.get(operation.deployment) ?? PENDING),
  );
  const isNew = previous === null || previous.state !== next.state || previous.detail !== next.detail;
  return [
    ...(isNew
      ? [`${next.apply}  ${APPLY_STATE[next.state].label}${next.detail === 'coarse' ? ' (no worker answers)' : ''}`]
      : []),
    ...renderWaveChanges(previous, next),
    ...renderAlike(changed),
    ...renderNewWait(previous, next),
  ];
}

/** From this many on, deployments to which the same happened at once are one line: a stop may end hundreds. */
const ALIKE_MIN = 9;

function renderAlike(operations: readonly OperationStatus[]): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const operation of operations) {
    const text = [describeState(operation), formatPercent(operation), describeDetail(operation, null)]
      .filter((part) => part !== '')
      .join('  ');
    groups.set(text, [...(groups.get(text) ?? []), operation.deployment]);
  }
  return [...groups].flatMap(([text, names]) =>
    (names.length < ALIKE_MIN ? names : [listNames(names)]).map((name) => `${name}  ${text}`),
  );
}

/** A wait for the next wave is another one than that for the wave before. */
function renderNewWait(previous: ApplyStatus | null, { apply, waitingFor }: ApplyStatus): readonly string[] {
  if (waitingFor === null || !isWorthTelling(waitingFor)) return [];
  const before = previous?.waitingFor ?? null;
  if (before !== null && describeWait(before) === describeWait(waitingFor)) return [];
  const until = waitingFor.until === null ? '' : `, until ${formatTime(waitingFor.until)}`;
  return [`${apply}  ${describeWait(waitingFor)}${until}: ${waitingFor.commands.join(' | ')}`];
}

/** What makes a line of its own when it changes. */
function mark(operation: OperationStatus): string {
  const step = Math.floor((operation.progress?.percent ?? 0) / PERCENT_STEP);
  const { state, phase, reason, message, unreachableSince, cutoverAsked } = operation;
  const isSilent = unreachableSince !== null;
  return JSON.stringify([state, phase, reason, message, isSilent, cutoverAsked, hasEnded(state) ? null : step]);
}

const PENDING = JSON.stringify(['pending', null, null, '', false, false, 0]);

function formatPercent({ progress, state }: OperationStatus): string {
  return hasEnded(state) || progress?.percent == null ? '' : `${Math.floor(progress.percent)}%`;
}
