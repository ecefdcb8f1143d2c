import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { expect, it } from 'vitest';
import { TEMPORAL_GO_BUILD } from '../../dev/temporal-binary.js';
import { startTemporalServer } from '../../dev/temporal-server.js';

it('Go alone is enough to get a Temporal server that is new enough', { timeout: 20 * 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skein-go-'));
  try {
    const program = await TEMPORAL_GO_BUILD.fetch(folder, (line) => process.stderr.write(`${line}\n`));
    const server = await startTemporalServer({ program, ui: true });
    const connection = await Connection.connect({ address: server.address });
    const info = await connection.workflowService.getSystemInfo({});
    await connection.close();
    expect(info.serverVersion).toBe('1.32.0');
    expect((await fetch(server.uiAddress ?? '')).status).toBe(200);
    await server.stop();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
