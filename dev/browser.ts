import { existsSync } from 'node:fs';
import { findOnPath } from './temporal-binary.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge'] as const;
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
] as const;

/** The path of an installed Chromium or Chrome: what `SKEIN_BROWSER` names, or one on the PATH. Rejects with what to do. */
export function findBrowser(): string {
  const named = process.env.SKEIN_BROWSER;
  if (named !== undefined && named !== '') return named;
  const found = NAMES.map(findOnPath).find((path) => path !== null) ?? PLACES.find((path) => existsSync(path));
  if (found !== undefined && found !== null) return found;
  throw new Error(
    `no browser found (${NAMES.join(', ')} on the PATH); install Chromium, on Debian with apt-get install chromium, or name one in SKEIN_BROWSER`,
  );
}
