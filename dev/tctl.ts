import { cacheFolder } from './folders.js';
import { obtain, type Report } from './obtain.js';
import { goBuildRoute } from './routes.js';

/**
 * The path of tctl 1.18.0, Temporal's former command line tool, built by Go on first use: a stop must work from it as
 * well. Rejects when Go is not there.
 */
export async function obtainTctl(report: Report): Promise<string> {
  const route = goBuildRoute({
    module: 'tctl',
    packagePath: 'github.com/temporalio/tctl/cmd/tctl',
    duration: '2 minutes',
  });
  return obtain({ program: 'tctl', version: '1.18.0', routes: [route] }, cacheFolder(), report);
}
