import { describe, expect, it } from 'vitest';
import { parkedWarning } from '../../domain/parking.js';

const DAY_MS = 86_400_000;
const SINCE = '2026-11-01T10:00:00.000Z';

function warningAfter(days: number, parkedUntil: string | null = null): string {
  const live = { state: 'waiting_for_cutover', parkedSince: SINCE, parkedUntil } as const;
  return parkedWarning(live, Date.parse(SINCE) + days * DAY_MS);
}

describe('a change that is parked', () => {
  it('is warned of from three days before engines are known to give it up, and not before', () => {
    expect(warningAfter(0)).toBe('');
    expect(warningAfter(10.99)).toBe('');
    expect(warningAfter(11)).toBe(
      'parked since 2026-11-01T10:00:00.000Z; engines are known to give a copy up after 14 days, which is 2026-11-15T10:00:00.000Z: cut over, or cancel',
    );
    expect(warningAfter(20)).toContain('cut over, or cancel');
  });

  it('is warned of by the time that its engine itself says', () => {
    const until = '2026-11-03T10:00:00.000Z';
    expect(warningAfter(0, until)).toBe(
      'parked since 2026-11-01T10:00:00.000Z, and its engine gives the copy up at 2026-11-03T10:00:00.000Z: cut over, or cancel',
    );
    expect(warningAfter(13, '2026-12-01T10:00:00.000Z')).toBe('');
  });
});

it('what is not parked at its cutover is never warned of', () => {
  for (const state of ['running', 'cutting_over', 'revert_window', 'completed'] as const)
    expect(parkedWarning({ state, parkedSince: SINCE, parkedUntil: SINCE }, Date.parse(SINCE) + 30 * DAY_MS)).toBe('');
  const unseen = { state: 'waiting_for_cutover', parkedSince: null, parkedUntil: null } as const;
  expect(parkedWarning(unseen, Date.parse(SINCE))).toBe('');
});
