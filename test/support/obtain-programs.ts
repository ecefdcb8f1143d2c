import type { TestProject } from 'vitest/node';
import { needsBuild, repositoryRoot } from '../../dev/setup.mjs';
import { NotObtainable } from '../../dev/obtain.js';
import { obtainTemporal } from '../../dev/temporal-binary.js';
import { obtainTestServer, type TestServer } from '../../dev/test-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    readonly temporalProgram: TestServer;
    readonly timeSkippingProgram: TestServer;
  }
}

/** Runs once before the integration tests: fetches the servers they need, so that no single test pays for it. */
export default async function obtainPrograms(project: TestProject): Promise<void> {
  if (needsBuild(repositoryRoot))
    report('dist is older than the sources, and what runs as a process is from dist: npm run build');
  project.provide('temporalProgram', await temporal());
  project.provide('timeSkippingProgram', await obtainTestServer(report));
}

async function temporal(): Promise<TestServer> {
  try {
    return { kind: 'available', path: await obtainTemporal(report) };
  } catch (error) {
    if (error instanceof NotObtainable) return { kind: 'unavailable', because: error.message };
    throw error;
  }
}

function report(line: string): void {
  process.stderr.write(`servers: ${line}\n`);
}
