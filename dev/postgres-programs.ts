import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { majorOf, type PostgresBinaries } from './postgres-binaries.js';

const execute = promisify(execFile);

/** Where packages put the programs of one version each: Debian, Red Hat, Homebrew on either processor. */
const PARENTS: readonly { readonly folder: string; readonly pattern: RegExp }[] = [
  { folder: '/usr/lib/postgresql', pattern: /^\d+$/ },
  { folder: '/usr', pattern: /^pgsql-\d+$/ },
  { folder: '/opt/homebrew/opt', pattern: /^postgresql@\d+$/ },
  { folder: '/usr/local/opt', pattern: /^postgresql@\d+$/ },
];

/** More folders with `initdb` and `postgres` in them, divided as in PATH. They go before what is found. */
const VARIABLE = 'SKEIN_TEST_POSTGRES';

/** The PostgreSQL programs that this machine has beside the embedded ones, one per major version, the oldest first. */
export async function findPostgresPrograms(majors: readonly number[]): Promise<readonly PostgresBinaries[]> {
  const found = new Map<number, PostgresBinaries>();
  for (const folder of candidateFolders()) {
    const programs = await programsIn(folder);
    const major = programs === null ? null : majorOf(programs);
    if (programs !== null && major !== null && majors.includes(major) && !found.has(major)) found.set(major, programs);
  }
  return [...found.entries()].toSorted(([a], [b]) => a - b).map(([, programs]) => programs);
}

function candidateFolders(): readonly string[] {
  const named = (process.env[VARIABLE] ?? '').split(delimiter);
  const packaged = PARENTS.filter(({ folder }) => existsSync(folder)).flatMap(({ folder, pattern }) =>
    readdirSync(folder)
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name, 'bin')),
  );
  return [...named, ...packaged, ...(process.env.PATH ?? '').split(delimiter)].filter((folder) => folder !== '');
}

/** Null where the two programs are not, or do not say their version. */
async function programsIn(folder: string): Promise<PostgresBinaries | null> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const [initdb, postgres] = [join(folder, `initdb${suffix}`), join(folder, `postgres${suffix}`)];
  if (!existsSync(initdb) || !existsSync(postgres)) return null;
  try {
    const { stdout } = await execute(postgres, ['--version']);
    const version = /\(PostgreSQL\) (\d+\S*)/.exec(stdout)?.[1];
    return version === undefined ? null : { initdb, postgres, version };
  } catch {
    return null;
  }
}
