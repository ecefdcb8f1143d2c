import { describe, expect, it } from 'vitest';
import { parseDurationMs } from '../../domain/duration.js';

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
