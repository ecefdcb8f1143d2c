import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { assertDirect } from '../../engine/postgres/execution/fence.js';

/** A connection that was told one process id and is served by another, as behind a pooler. */
function connection(announced: number, actual: number): pg.Client {
  const client = { processID: announced, query: () => Promise.resolve({ rows: [{ pid: actual }] }) };
  return client as unknown as pg.Client; // all that assertDirect looks at
}

describe('the connection that holds the fence', () => {
  it('is taken when it leads to the server itself', async () => {
    await expect(assertDirect('target a', connection(4711, 4711))).resolves.toBeUndefined();
  });
  it('is refused when it goes through a pooler, where a lock of the session belongs to whoever comes next', async () => {
    await expect(assertDirect('target a', connection(1, 4711))).rejects.toThrow(
      /target a: the connection goes through a pooler .* use the address of the server itself/,
    );
  });
});
