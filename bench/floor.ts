import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { Restartable } from '../dev/restartable.js';
import type { floorParent } from './floor-workflows.js';

export const FLOOR_QUEUE = 'bench-floor';

/** The worker process of the floor; ready once it has run one child. */
export function floorWorker(params: {
  readonly client: Client;
  readonly temporalAddress: string;
  readonly logFile: string;
}): Restartable {
  const { client, temporalAddress, logFile } = params;
  return new Restartable({
    name: 'floor worker',
    command: process.execPath,
    arguments: [fileURLToPath(new URL('./floor-worker.js', import.meta.url))],
    environment: { ...process.env, TEMPORAL_ADDRESS: temporalAddress },
    logFile,
    waitingFor: 'it to run an empty child',
    probe: async () => {
      await runFloor(client, { children: 1, id: `floor-probe-${Date.now()}` });
      return true;
    },
  });
}

/** Time from the start of an empty parent to its result, in milliseconds. */
export async function runFloor(
  client: Client,
  { children, id }: { readonly children: number; readonly id: string },
): Promise<number> {
  const startedAt = performance.now();
  await client.workflow.execute<typeof floorParent>('floorParent', {
    workflowId: id,
    taskQueue: FLOOR_QUEUE,
    args: [children],
  });
  return performance.now() - startedAt;
}
