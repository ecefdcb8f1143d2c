import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { type Stage, type StageOptions, openStage } from './stage.js';
import { testTimeSkippingEnvironment, timeSkippingUnavailable } from './temporal.js';

export interface TimeStage {
  readonly stage: Stage;
  readonly environment: TestWorkflowEnvironment;
}

/**
 * A stage on the server with one clock for all workflows, which jumps while somebody waits for a result. Null where that
 * server cannot be had: `describe.skipIf(time === null)`; standard error says why.
 */
export async function openTimeStage(options: Omit<StageOptions, 'server'> = {}): Promise<TimeStage | null> {
  const unavailable = timeSkippingUnavailable();
  if (unavailable !== null) {
    process.stderr.write(`tests of long times are not run: ${unavailable}\n`);
    return null;
  }
  const environments: TestWorkflowEnvironment[] = [];
  const stage = await openStage({
    ...options,
    server: async () => {
      const environment = await testTimeSkippingEnvironment();
      environments.push(environment);
      return { client: environment.client, connection: environment.nativeConnection, address: environment.address };
    },
  });
  const [environment] = environments;
  if (environment === undefined) throw new Error('the stage did not open its server');
  return { stage, environment };
}

/** For tests in a `describe` that is skipped where there is none. */
export function timeOf(opened: TimeStage | null): TimeStage {
  if (opened === null) throw new Error('the time-skipping server was not opened');
  return opened;
}
