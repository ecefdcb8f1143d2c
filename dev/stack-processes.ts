import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import protocol from '@temporalio/proto';
import { callsQueue, DEFAULT_QUEUE, watchQueue } from '../domain/ids.js';
import { createEngines } from '../tern/engines.js';
import { repositoryRoot } from './folders.js';
import { freePort } from './port.js';
import { Restartable } from './restartable.js';

/** The processes of the product itself in an embedded stack, each run as a person would run it. */

export interface EngineProcessOptions {
  readonly deployment: string;
  readonly target: string;
  /** Connection string of the target's database. */
  readonly dsn: string;
  readonly folder: string;
}

/** A bundled engine on a port of its own, which it keeps when it is started again. */
export async function engineProcess(
  options: EngineProcessOptions,
): Promise<{ readonly process: Restartable; readonly address: string }> {
  const address = `127.0.0.1:${await freePort()}`;
  const restartable = new Restartable({
    name: `engine ${options.deployment}`,
    command: process.execPath,
    arguments: [program('engine'), '--listen', address, '--target', `${options.target}=${options.dsn}`],
    logFile: join(options.folder, `engine-${options.deployment}.log`),
    waitingFor: `it to serve ${address}`,
    probe: () => isServing(options.deployment, address),
  });
  return { process: restartable, address };
}

async function isServing(deployment: string, address: string): Promise<true | null> {
  const engines = createEngines({ [deployment]: { address } });
  try {
    await engines.engineFor(deployment).health();
    return true;
  } finally {
    engines.close();
  }
}

export interface WorkerProcessOptions {
  readonly name: string;
  readonly configFile: string;
  readonly folder: string;
  readonly temporalAddress: string;
  readonly namespace: string;
  /** As in its configuration: what must be polled before it counts as ready. */
  readonly queues: readonly string[];
}

/** A worker process; ready once the server sees it poll every queue. */
export function workerProcess(options: WorkerProcessOptions): Restartable {
  return new Restartable({
    name: options.name,
    command: process.execPath,
    arguments: [program('worker'), '--config', options.configFile],
    environment: {
      ...process.env,
      TEMPORAL_ADDRESS: options.temporalAddress,
      TEMPORAL_NAMESPACE: options.namespace,
    },
    logFile: join(options.folder, `${options.name}.log`),
    waitingFor: `it to poll ${options.queues.join(', ')}`,
    probe: (running) => isPolling(options, running.pid),
  });
}

/** The worker names itself by its process id, so a poller that a killed worker left behind does not count. */
async function isPolling(options: WorkerProcessOptions, pid: number): Promise<true | null> {
  const connection = await Connection.connect({ address: options.temporalAddress });
  try {
    for (const [name, type] of polledQueues(options.queues)) {
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace: options.namespace,
        taskQueue: { name },
        taskQueueType: type,
      });
      const isOurs = pollers?.some((poller) => poller.identity?.startsWith(`${pid}@`)) ?? false;
      if (!isOurs) return null;
    }
    return true;
  } finally {
    await connection.close();
  }
}

/** Workflows have the default queue; calls and watches have two for every queue (design 3, "Size"). */
function polledQueues(
  queues: readonly string[],
): readonly (readonly [string, protocol.temporal.api.enums.v1.TaskQueueType])[] {
  const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = protocol.temporal.api.enums.v1.TaskQueueType;
  return queues.flatMap((queue) => [
    ...(queue === DEFAULT_QUEUE ? [[queue, TASK_QUEUE_TYPE_WORKFLOW] as const] : []),
    [callsQueue(queue), TASK_QUEUE_TYPE_ACTIVITY] as const,
    [watchQueue(queue), TASK_QUEUE_TYPE_ACTIVITY] as const,
  ]);
}

function program(folder: 'engine' | 'worker'): string {
  return join(repositoryRoot(), 'dist', folder, 'main.js');
}
