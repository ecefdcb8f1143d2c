import { expect, test } from 'vitest';
import { fit, formatDuration, formatElapsed, formatProgress } from '../../../client/cli/format.js';

test.each([
  [0, '0s'],
  [59_999, '59s'],
  [60_000, '1m 00s'],
  [3_599_000, '59m 59s'],
  [3_600_000, '1h 00m'],
  [86_399_000, '23h 59m'],
  [86_400_000 * 30, '30d 00h'],
  [-5_000, '0s'],
])('%i ms is shown as %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test('elapsed time runs on while an operation goes on, stands when it has ended, and is empty before it started', () => {
  const now = new Date('2026-01-01T12:01:00Z');
  expect(formatElapsed('2026-01-01T12:00:00Z', null, now)).toBe('1m 00s');
  expect(formatElapsed('2026-01-01T12:00:00Z', '2026-01-01T12:00:10Z', now)).toBe('10s');
  expect(formatElapsed(null, null, now)).toBe('');
});

test.each([
  [0, '░░░░░░░░░░░░   0%'],
  [50, '██████░░░░░░  50%'],
  [99.9, '████████████  99%'],
  [100, '████████████ 100%'],
])('%d percent is a bar, and never rounded up to done', (percent, text) => {
  expect(formatProgress({ percent, rowsCopied: null, rowsTotal: null, etaSeconds: null })).toBe(text);
});

test('without a percentage the rows are shown, and without rows nothing', () => {
  expect(formatProgress({ percent: null, rowsCopied: '4000', rowsTotal: null, etaSeconds: null })).toBe('4000 rows');
  expect(formatProgress({ percent: null, rowsCopied: null, rowsTotal: null, etaSeconds: null })).toBe('');
  expect(formatProgress(null)).toBe('');
});

test('a text is cut to one line of the width there is', () => {
  expect(fit('one\n  two', 20)).toBe('one two');
  expect(fit('abcdefgh', 5)).toBe('abcd…');
});
