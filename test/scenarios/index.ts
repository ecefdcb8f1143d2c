import { ADMISSION } from './admission.js';
import { CUTOVER } from './cutover.js';
import { DERIVATION } from './derivation.js';
import { DISPATCH } from './dispatch.js';
import { RELEASE } from './release.js';
import type { Chapter } from './scenario.js';
import { START } from './start.js';
import { STOP } from './stop.js';
import { WATCHING } from './watching.js';

export { REFUSALS } from './refusals.js';

/** The catalogue, in its order. */
export const CHAPTERS: readonly Chapter[] = [ADMISSION, DERIVATION, STOP, START, RELEASE, CUTOVER, DISPATCH, WATCHING];
