import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPostgresPrograms } from '../../dev/postgres-programs.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skein-programs-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A folder with programs that say this version. */
function programs(name: string, says: string, names: readonly string[] = ['initdb', 'postgres']): string {
  const bin = join(folder, name);
  mkdirSync(bin);
  for (const each of names) {
    writeFileSync(join(bin, each), `#!/bin/sh\necho '${says}'\n`);
    chmodSync(join(bin, each), 0o755);
  }
  return bin;
}

// A script is no program on Windows, where a package has its own folder for each version.
describe.runIf(process.platform !== 'win32')('the search for other PostgreSQL programs', () => {
  it('finds one of each version that is asked for, in the folders that are named, the first that says so', async () => {
    const folders = [
      programs('old', 'postgres (PostgreSQL) 13.22'),
      programs('b', 'postgres (PostgreSQL) 17.2 (Debian 17.2-1)'),
      programs('a', 'postgres (PostgreSQL) 16.4'),
      programs('again', 'postgres (PostgreSQL) 17.9'),
      programs('half', 'postgres (PostgreSQL) 14.1', ['postgres']),
      programs('odd', 'something else'),
      join(folder, 'not-there'),
    ];
    vi.stubEnv('SKEIN_TEST_POSTGRES', folders.join(delimiter));
    vi.stubEnv('PATH', '/usr/bin:/bin');
    const found = await findPostgresPrograms([16, 17]);
    expect(found.map(({ version, postgres }) => [version, postgres])).toEqual([
      ['16.4', join(folder, 'a', 'postgres')],
      ['17.2', join(folder, 'b', 'postgres')],
    ]);
  });
});
