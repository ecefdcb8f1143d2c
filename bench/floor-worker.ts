import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { floorActivities } from './floor-activities.js';
import { FLOOR_QUEUE } from './floor.js';

/** A worker process for the floor, with the slots of a Skein worker. Ends with its standard input or a signal. */
Runtime.install({ logger: new DefaultLogger('WARN') });
const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
const worker = await Worker.create({
  connection,
  taskQueue: FLOOR_QUEUE,
  workflowsPath: fileURLToPath(new URL('./floor-workflows.js', import.meta.url)),
  activities: { ...floorActivities },
  maxConcurrentActivityTaskExecutions: 2_000,
  maxConcurrentWorkflowTaskExecutions: 120,
  maxCachedWorkflows: 2_000,
});
await worker.run();
await connection.close();
