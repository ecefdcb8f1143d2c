import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Client } from 'pg';
import { isSameSql } from './same-sql.js';

/** Every object of a database with its properties. */
export type Signature = ReadonlyMap<string, SignedObject>;

export interface SignedObject {
  /** Null for what belongs to the whole database. */
  readonly namespace: string | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

const SIGNATURE = readFileSync(new URL('signature.sql', import.meta.url), 'utf8');

export async function readSignature(client: Client): Promise<Signature> {
  await client.query(`SET search_path = ''`);
  const { rows } = await client.query<SignedObject & { object: string }>(SIGNATURE);
  const signature = new Map(rows.map(({ object, namespace, properties }) => [object, { namespace, properties }]));
  if (signature.size !== rows.length) throw new Error('two objects of a signature have one name');
  return signature;
}

/** What a database is and should not be, a line each. `namespaces` are those of the files; nothing else is compared. */
export async function differencesFromFiles(
  actual: Signature,
  fromFiles: Signature,
  namespaces: readonly string[],
): Promise<readonly string[]> {
  const concerns = ({ namespace }: SignedObject) => namespace !== null && namespaces.includes(namespace);
  const missing: string[] = [];
  for (const [object, { namespace, properties }] of fromFiles) {
    const found = actual.get(object);
    // What belongs to the database (an extension) has to be there, and is no concern of these files otherwise.
    if (namespace !== null && !namespaces.includes(namespace)) continue;
    if (found === undefined) missing.push(`${object} is missing`);
    else missing.push(...(await propertyDifferences(object, found.properties, properties)));
  }
  const surplus = [...actual].flatMap(([object, signed]) =>
    concerns(signed) && !fromFiles.has(object) ? [`${object} is there, and not in the files`] : [],
  );
  return [...missing, ...surplus];
}

/** What has changed between two readings of one database. */
export function differencesFromBefore(now: Signature, before: Signature): readonly string[] {
  const changed = [...before].flatMap(([object, { properties }]) => {
    const found = now.get(object);
    if (found === undefined) return [`${object} has gone`];
    return isDeepStrictEqual(found.properties, properties) ? [] : [`${object} has changed`];
  });
  return [...changed, ...[...now.keys()].flatMap((object) => (before.has(object) ? [] : [`${object} is new`]))];
}

/**
 * What a failed apply has left half done: changes that were complete stay, so every object is as it was or as the files
 * say.
 */
export async function halfDone(before: Signature, now: Signature, fromFiles: Signature): Promise<readonly string[]> {
  const found: string[] = [];
  for (const object of new Set([...before.keys(), ...now.keys()])) {
    const [was, is, should] = [before, now, fromFiles].map((signature) => signature.get(object)?.properties);
    if (isDeepStrictEqual(is, was)) continue;
    const isDone =
      is === undefined || should === undefined
        ? is === should
        : (await propertyDifferences('', is, should)).length === 0;
    if (!isDone) found.push(`${object} is neither as it was nor as the files say`);
  }
  return found;
}

async function propertyDifferences(
  object: string,
  actual: SignedObject['properties'],
  expected: SignedObject['properties'],
): Promise<readonly string[]> {
  // The name of a NOT NULL counts only where the files give it one.
  const ignored = expected['named by PostgreSQL'] === true ? ['name', 'named by PostgreSQL'] : ['named by PostgreSQL'];
  const differences: string[] = [];
  for (const name of new Set([...Object.keys(actual), ...Object.keys(expected)])) {
    const [is, should] = [actual[name], expected[name]];
    if (ignored.includes(name) || (await isSame(is, should))) continue;
    differences.push(`${object}: ${name} is ${shown(is)}, the files say ${shown(should)}`);
  }
  return differences;
}

async function isSame(is: unknown, should: unknown): Promise<boolean> {
  if (typeof is === 'string' && typeof should === 'string') return isSameSql(is, should);
  return isDeepStrictEqual(is, should);
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
