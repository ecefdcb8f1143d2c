import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';
import type { LogsInput, LogsResult } from '../domain/log.js';
import { askOptions } from './options.js';

/** Reads the engines' own logs of the operations of an apply, all at once. Changes nothing. */
export async function logs(input: LogsInput): Promise<LogsResult> {
  const { database, type, environment, limit } = input;
  const answers = await Promise.all(
    input.operations.map(async ({ queue, ...operation }) => {
      const activities = proxyActivities<Activities>(askOptions(queue));
      return activities.readLogs({ ...operation, database, type, environment, limit }).catch((error: unknown) => ({
        deployment: operation.deployment,
        logs: null,
        error: `no worker answered on queue ${queue} (${error instanceof Error ? error.message : String(error)})`,
      }));
    }),
  );
  return { answers };
}
