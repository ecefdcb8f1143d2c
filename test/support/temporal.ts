import { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, inject } from 'vitest';
import { startTemporalServer, type TemporalServer, type TemporalServerOptions } from '../../dev/temporal-server.js';

/**
 * A Temporal development server in memory for the rest of this test file: call it once, at the top of the file or in
 * `beforeAll`. Ended after the file's last test. Keep tests apart by workflow ids and task queues.
 */
export async function testTemporalServer(
  options: Omit<TemporalServerOptions, 'program' | 'databaseFile'> = {},
): Promise<TemporalServer> {
  const program = inject('temporalProgram');
  if (program.kind === 'unavailable') throw new Error(program.because);
  const server = await startTemporalServer({ ...options, program: program.path });
  afterAll(async () => {
    // There is nothing in memory to save, and an orderly end takes a second.
    server.process.kill('SIGKILL');
    await server.stop();
  });
  return server;
}

/**
 * Why the time-skipping test server cannot be had here, or null when it can: `describe.skipIf(timeSkippingUnavailable())`.
 * `npm test` lists what was skipped.
 */
export function timeSkippingUnavailable(): string | null {
  const program = inject('timeSkippingProgram');
  return program.kind === 'unavailable' ? program.because : null;
}

/** A time-skipping server (one clock for all workflows) for the rest of this test file, ended after its last test. */
export async function testTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const program = inject('timeSkippingProgram');
  if (program.kind === 'unavailable') throw new Error(program.because);
  const executable = { type: 'existing-path' as const, path: program.path };
  const environment = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
  afterAll(() => environment.teardown());
  return environment;
}
