import { describe, expect, it } from 'vitest';
import { liveAll } from './lives.js';

const DIVISIONS = [1, 2, 3, 4].flatMap((size) =>
  [...new Set([size, Math.ceil(size / 2)])].map((firstWave) => ({ size, firstWave })),
);

describe('every outcome per operation under every policy, width and cutover settles as the rules say', () => {
  it.each(DIVISIONS)('for $size operations, $firstWave of them in the first wave', ({ size, firstWave }) => {
    const widths = [...new Set(size < 4 ? [1, 2, size] : [1, 2])];
    expect(liveAll({ size, firstWave, widths })).toBeGreaterThan(6 ** size);
  });
});
