import { afterAll } from 'vitest';
import { type EmbeddedPostgres, type PostgresOptions, startPostgres } from '../../dev/postgres.js';

/**
 * A temporary PostgreSQL cluster, in memory where the machine has room, for the rest of this test file: call it once, at the top of the file or in `beforeAll`,
 * and give each test a database of its own with `createDatabase`. Stopped and removed after the file's last test.
 */
export async function testPostgres(options: Omit<PostgresOptions, 'dataDir'> = {}): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres({ inMemory: true, ...options });
  afterAll(() => postgres.stop());
  return postgres;
}
