import { expect, it } from 'vitest';
import { liveAll } from '../domain/lives.js';

/** Some five hundred thousand lives: minutes on an idle machine. `npm test` walks through those of four operations. */
const LIMIT = { timeout: 3_600_000 };

it.each([5, 3])(
  'every outcome of five operations, %i of them in the first wave, settles as the rules say',
  LIMIT,
  (firstWave) => {
    expect(liveAll({ size: 5, firstWave, widths: [1, 3] })).toBeGreaterThan(200_000);
  },
);
