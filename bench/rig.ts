import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import { SkeinClient } from '../client/index.js';
import type { Restartable } from '../dev/restartable.js';
import { workerProcess } from '../dev/stack-processes.js';
import { obtainTemporal } from '../dev/temporal-binary.js';
import { startTemporalServer } from '../dev/temporal-server.js';
import { DEFAULT_QUEUE } from '../domain/ids.js';
import { type ScriptedEngine, startScriptedEngine } from '../test/support/scripted-engine.js';
import { floorWorker } from './floor.js';
import type { Processes } from './processor-time.js';
import { type Quietness, surroundingsOf, untilQuiet } from './quiet.js';

/** What is measured: the product's own worker in a process of its own, between a real server and scripted engines. */
export interface Rig {
  readonly client: Client;
  readonly skein: SkeinClient;
  /** One engine with a connection per deployment; in this process, so that its ledger is at hand. */
  readonly engine: ScriptedEngine;
  /** The same, but it does not compare for itself before it applies, so that its diff is read before each dispatch. */
  readonly otherEngine: ScriptedEngine;
  /** Who does the work of a floor, and who that of a rollout: they have a worker each. */
  readonly processes: { readonly floor: Processes; readonly rollout: Processes };
  /** How the server was at the beginning of each measurement so far. */
  readonly beginnings: readonly Quietness[];
  /** Resolves when the server is quiet, so that a measurement can begin. */
  begin(): Promise<void>;
  close(): Promise<void>;
}

/** `other`: on the engine whose diff is read before each dispatch. */
export function deploymentName(index: number, { other = false }: { readonly other?: boolean } = {}): string {
  return `${other ? 'o' : 'd'}${String(index).padStart(4, '0')}`;
}

/** Starts server, engine and both workers. `deployments` is how many the worker's configuration names. */
export async function openRig(params: {
  readonly deployments: number;
  readonly report: (line: string) => void;
}): Promise<Rig> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const folder = await mkdtemp(path.join(tmpdir(), 'skein-bench-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const program = await obtainTemporal(params.report);
    params.report('starting the Temporal server, the engine and two workers');
    const server = await startTemporalServer({ program, folder });
    closers.push(() => server.stop());
    const engine = await startScriptedEngine({ targets: [] });
    closers.push(() => engine.stop());
    const otherEngine = await startScriptedEngine({ targets: [], lookup: false });
    closers.push(() => otherEngine.stop());
    const connection = await Connection.connect({ address: server.address });
    closers.push(() => connection.close());
    const client = new Client({ connection, namespace: server.namespace });

    const configFile = path.join(folder, 'skein.yaml');
    const indexes = Array.from({ length: params.deployments }, (_, index) => index);
    const deployments = Object.fromEntries([
      ...indexes.map((index) => [deploymentName(index), { address: engine.address }]),
      ...indexes.map((index) => [deploymentName(index, { other: true }), { address: otherEngine.address }]),
    ]);
    await writeFile(configFile, stringify({ deployments }));
    const startWorker = async (worker: Restartable): Promise<number> => {
      const { pid } = await worker.start();
      closers.push(() => worker.stop());
      return pid;
    };
    const product = workerProcess({
      name: 'worker',
      configFile,
      folder,
      temporalAddress: server.address,
      namespace: server.namespace,
      queues: [DEFAULT_QUEUE],
    });
    const floor = floorWorker({
      client,
      temporalAddress: server.address,
      logFile: path.join(folder, 'floor-worker.log'),
    });
    const shared = { server: server.process.pid, bench: process.pid };
    const processes = {
      rollout: { ...shared, worker: await startWorker(product) },
      floor: { ...shared, worker: await startWorker(floor) },
    };
    const beginnings: Quietness[] = [];
    const begin = async (): Promise<void> => {
      beginnings.push(await untilQuiet(surroundingsOf(shared.server)));
    };
    const skein = new SkeinClient(client, { caller: 'bench' });
    return { client, skein, engine, otherEngine, processes, beginnings, begin, close };
  } catch (error) {
    await close();
    throw error;
  }
}
