import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { Files } from '../engine/raw-client.js';
import { REPOSITORY_ROOT } from '../support/repository.js';
import { type Expectation, GENERAL_RULE, parseExpectation } from './expectation.js';

/** One change of a schema: a database before it, the files after it, and what is right. */
export interface Case {
  readonly name: string;
  /** Its folder, absolute. */
  readonly folder: string;
  /**
   * `around.sql`: what is in the database and belongs neither to the files nor to what they replace, such as the namespace
   * of an extension. It is run before anything else, also where the files are loaded alone. Empty where there is none.
   */
  readonly around: string;
  /** `live.sql`: the database before. */
  readonly live: string;
  /** `schema/<namespace>/<file>.sql`: the desired schema. */
  readonly files: Files;
  readonly expectation: Expectation;
}

/** The corpus of this repository. */
export const CASES_FOLDER = join(REPOSITORY_ROOT, 'test', 'corpus', 'postgres');

/** More cases that may lie beside the clone. They are run as well, where the repository has none of the same name. */
const CASES_BESIDE = join(REPOSITORY_ROOT, '..', 'shared', 'cases', 'postgres');

/** Every case there is, by name. Throws with every problem of every case. */
export function readCases(own = CASES_FOLDER, beside = CASES_BESIDE): readonly Case[] {
  const names = namesIn(own);
  const others = namesIn(beside).filter((name) => !names.includes(name));
  const problems: string[] = [];
  const read = (folder: string, isOurs: boolean) => {
    try {
      return [readCase(folder, isOurs)];
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return [];
    }
  };
  const cases = [
    ...names.flatMap((name) => read(join(own, name), true)),
    ...others.flatMap((name) => read(join(beside, name), false)),
  ];
  if (problems.length > 0) throw new Error(`The corpus cannot be read:\n${problems.join('\n')}`);
  return cases;
}

function readCase(folder: string, isOurs: boolean): Case {
  const expectedFile = join(folder, 'expected.yaml');
  if (isOurs && !existsSync(expectedFile)) throw new Error(`${shown(expectedFile)}: is missing`);
  const files = readSchema(join(folder, 'schema'));
  if (Object.keys(files).length === 0) throw new Error(`${shown(folder)}: has no schema/<namespace>/<file>.sql`);
  const expected = readIfThere(expectedFile);
  return {
    name: basename(folder),
    folder,
    around: readIfThere(join(folder, 'around.sql')),
    live: readFileSync(join(folder, 'live.sql'), 'utf8'),
    files,
    expectation: expected === '' ? GENERAL_RULE : parseExpectation(expected, shown(expectedFile)),
  };
}

function readSchema(folder: string): Files {
  return Object.fromEntries(
    namesIn(folder).map((namespace) => {
      const files = readdirSync(join(folder, namespace)).filter((file) => file.endsWith('.sql'));
      return [
        namespace,
        Object.fromEntries(files.toSorted().map((file) => [file, readFileSync(join(folder, namespace, file), 'utf8')])),
      ];
    }),
  );
}

function namesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).toSorted();
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function shown(path: string): string {
  return relative(REPOSITORY_ROOT, path);
}
