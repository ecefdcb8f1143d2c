import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { type RunningProcess, startProcess, untilReady } from '../../dev/process.js';
import type { EngineConfiguration } from '../../tern/engines.js';

const MAIN = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));

export interface WorkerProcess {
  /** Ends it as a crash does: nothing is handed back, no heartbeat says goodbye. */
  kill(): Promise<void>;
}

/** The compiled worker as a process of its own, for as long as the test runs. Needs a build: `npm run setup`. */
export async function startWorkerProcess(params: {
  readonly temporalAddress: string;
  readonly deployments: Readonly<Record<string, EngineConfiguration>>;
}): Promise<WorkerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'skein-worker-'));
  const config = join(folder, 'skein.yaml');
  await writeFile(config, stringify({ deployments: params.deployments }));
  const worker: RunningProcess = await startProcess({
    name: 'worker',
    command: process.execPath,
    arguments: [MAIN, '--config', config],
    environment: { ...process.env, TEMPORAL_ADDRESS: params.temporalAddress },
    logFile: join(folder, 'worker.log'),
    stopTimeoutMs: 5_000,
  });
  const kill = async () => {
    worker.kill('SIGKILL');
    await worker.stop();
  };
  onTestFinished(async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  });
  await untilReady(worker, () => Promise.resolve(worker.log().includes('"msg":"ready"')), {
    deadlineMs: 30_000,
    waitingFor: 'it to say that it is ready',
  });
  return { kill };
}
