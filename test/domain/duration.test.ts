import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDurationMs, parseClockMs, parseDurationMs } from '../../domain/duration.js';

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5h', 5_400_000],
    [' 15 m ', 900_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('may be %j', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each(['', '5', 's', '-5s', '5 weeks', '5S', '1e3s', '5s5s', '.5s'])('may not be %j', (text) => {
    expect(parseDurationMs(text)).toBeNull();
  });
});

describe('a time on a clock', () => {
  it.each([
    ['00:01:30', 90_000],
    ['1:00:00', 3_600_000],
    ['100:00:00', 360_000_000],
    ['90s', 90_000],
  ])('may be %j', (text, expected) => {
    expect(parseClockMs(text)).toBe(expected);
  });

  it.each(['', '10', '00:60:00', '00:00:60', '1:30', '12345:00:00', 'never'])('may not be %j', (text) => {
    expect(parseClockMs(text)).toBeNull();
  });
});

it('a number of milliseconds is written as one writes it in a spec, and reads back as the same', () => {
  expect([0, 1, 500, 90_000, 1_800_000, 5_400_000, 86_400_000].map(formatDurationMs)).toEqual([
    '0s',
    '1ms',
    '500ms',
    '90s',
    '30m',
    '90m',
    '1d',
  ]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 365 * 86_400_000 }), (milliseconds) => {
      expect(parseDurationMs(formatDurationMs(milliseconds))).toBe(milliseconds);
    }),
  );
});
