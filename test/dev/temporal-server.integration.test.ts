import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { describe, expect, inject, it } from 'vitest';
import { isAlive } from '../../dev/process-table.js';
import { startTemporalServer } from '../../dev/temporal-server.js';
import { testTemporalServer, testTimeSkippingEnvironment, timeSkippingUnavailable } from '../support/temporal.js';

const server = await testTemporalServer();

describe('the development server', () => {
  it('is a Temporal server of the version the tests need', async () => {
    const connection = await Connection.connect({ address: server.address });
    const info = await connection.workflowService.getSystemInfo({});
    await connection.close();
    expect(info.serverVersion).toMatch(/^1\.(3[2-9]|[4-9]\d)\./);
  });

  it('keeps closed workflows for 30 days', async () => {
    const connection = await Connection.connect({ address: server.address });
    const { config } = await connection.workflowService.describeNamespace({ namespace: server.namespace });
    await connection.close();
    expect(config?.workflowExecutionRetentionTtl?.seconds?.toString()).toBe(String(30 * 24 * 60 * 60));
  });

  it('lets a single workflow skip time', async () => {
    const connection = await Connection.connect({ address: server.address });
    const start = connection.workflowService.startWorkflowExecution({
      namespace: server.namespace,
      workflowId: 'skips-time',
      requestId: 'skips-time',
      workflowType: { name: 'unknown' },
      taskQueue: { name: 'nobody' },
      timeSkippingConfig: { enabled: true },
    });
    await expect(start).resolves.toHaveProperty('runId');
    await connection.close();
  });

  it('has no UI unless asked, and says so when its program is missing', async () => {
    expect(server.uiAddress).toBeNull();
    const missing = startTemporalServer({ program: '/nowhere/temporal' });
    await expect(missing).rejects.toThrow(/Temporal server.*\/nowhere\/temporal/s);
  });

  it('keeps workflows in its file over a restart, and is gone after stop', async () => {
    const program = inject('temporalProgram');
    if (program.kind === 'unavailable') throw new Error(program.because);
    const folder = await mkdtemp(join(tmpdir(), 'skein-test-'));
    const options = { program: program.path, folder, databaseFile: join(folder, 'temporal.db') };
    const first = await startTemporalServer(options);
    const connection = await Connection.connect({ address: first.address });
    await connection.workflowService.startWorkflowExecution({
      namespace: 'default',
      workflowId: 'survives',
      requestId: 'survives',
      workflowType: { name: 'unknown' },
      taskQueue: { name: 'nobody' },
    });
    await connection.close();
    await first.stop();
    expect(isAlive(first.process.pid)).toBe(false);
    const second = await startTemporalServer(options);
    const again = await Connection.connect({ address: second.address });
    const found = await again.workflowService.describeWorkflowExecution({
      namespace: 'default',
      execution: { workflowId: 'survives' },
    });
    await again.close();
    await second.stop();
    await rm(folder, { recursive: true });
    expect(found.workflowExecutionInfo?.execution?.workflowId).toBe('survives');
  });
});

describe.skipIf(timeSkippingUnavailable() !== null)('the time-skipping test server', () => {
  it('has a clock that jumps', async () => {
    const environment = await testTimeSkippingEnvironment();
    const before = await environment.currentTimeMs();
    await environment.sleep('30 days');
    expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(30 * 24 * 3_600_000);
  });
});
