import type { Client } from 'pg';
import { type Data, readData } from './data.js';
import { readSignature, type Signature } from './signature.js';
import { readSurroundings, type Surroundings } from './surroundings.js';

/** Everything of a database that a case is judged by. */
export interface DatabaseState {
  readonly signature: Signature;
  readonly surroundings: Surroundings;
  readonly data: Data;
}

export async function readState(client: Client): Promise<DatabaseState> {
  return {
    signature: await readSignature(client),
    surroundings: await readSurroundings(client),
    data: await readData(client),
  };
}
