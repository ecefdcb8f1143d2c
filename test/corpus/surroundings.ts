import { readFileSync } from 'node:fs';
import type { Client } from 'pg';

/** Owners, privileges and publications, by object and property; null where there is nothing. */
export type Surroundings = ReadonlyMap<string, ReadonlyMap<string, string | null>>;

const SURROUNDINGS = readFileSync(new URL('surroundings.sql', import.meta.url), 'utf8');

export async function readSurroundings(client: Client): Promise<Surroundings> {
  await client.query(`SET search_path = ''`);
  const { rows } = await client.query<{ object: string; property: string; value: string | null }>(SURROUNDINGS);
  const surroundings = new Map<string, Map<string, string | null>>();
  for (const { object, property, value } of rows) {
    const properties = surroundings.get(object) ?? new Map<string, string | null>();
    surroundings.set(object, properties.set(property, value));
  }
  return surroundings;
}

/** What an object that is still there has no longer. */
export function lostSurroundings(before: Surroundings, after: Surroundings): readonly string[] {
  return [...before].flatMap(([object, properties]) => {
    const now = after.get(object);
    if (now === undefined) return [];
    return [...properties].flatMap(([property, value]) =>
      now.get(property) === value
        ? []
        : [`of ${object}, ${property} was ${value ?? 'nothing'} and is ${now.get(property) ?? 'none'}`],
    );
  });
}
