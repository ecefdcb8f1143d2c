import type { EmbeddedPostgres } from '../../dev/postgres.js';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import { RawClient } from '../engine/raw-client.js';
import type { Case } from './cases.js';
import { createDatabase, dropDatabase, withClient } from './cluster.js';
import { type DatabaseState, readState } from './database-state.js';

/** Enough to share the start of an engine, and few enough connections to share a server. */
const CASES_MAX = 9;

/** A case as it stands before anything is asked of the engine. */
export interface Prepared {
  readonly dsn: string;
  /** Its target at the engine. */
  readonly target: string;
  readonly client: RawClient;
  readonly before: DatabaseState;
}

interface Opened {
  readonly engine: RunningEngine;
  readonly client: RawClient;
  /** What became of the preparation of each case, by its name. */
  readonly cases: ReadonlyMap<string, Promise<{ readonly dsn: string; readonly before: DatabaseState }>>;
}

/**
 * Cases with a database each that share an engine, because to start one takes longer than most of them do. The first case
 * that runs opens the group; the last one, or `close`, ends the engine and drops the databases.
 */
export class CaseGroup {
  readonly #cases: readonly Case[];
  #opened: Promise<Opened> | null = null;
  #left: number;

  constructor(cases: readonly Case[]) {
    this.#cases = cases;
    this.#left = cases.length;
  }

  async run<Result>(
    postgres: EmbeddedPostgres,
    one: Case,
    work: (prepared: Prepared) => Promise<Result>,
  ): Promise<Result> {
    const { client, cases } = await (this.#opened ??= this.#open(postgres));
    try {
      const prepared = await cases.get(one.name);
      if (prepared === undefined) throw new Error(`${one.name} is no case of this group`);
      return await work({ ...prepared, target: targetOf(one), client });
    } finally {
      this.#left -= 1;
      if (this.#left === 0) await this.close(postgres);
    }
  }

  /** Safe to call twice. */
  async close(postgres: EmbeddedPostgres): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    if (opened === null) return;
    const { client, engine } = await opened;
    client.close();
    await engine.stop();
    await Promise.all(this.#cases.map(({ name }) => dropDatabase(postgres, name)));
  }

  async #open(postgres: EmbeddedPostgres): Promise<Opened> {
    const cases = new Map(this.#cases.map((one) => [one.name, prepare(postgres, one)]));
    const targets: Record<string, string> = {};
    for (const one of this.#cases) {
      // One that cannot be prepared fails by itself, when its turn comes.
      const prepared = await cases.get(one.name)?.catch(() => null);
      if (prepared != null) targets[targetOf(one)] = prepared.dsn;
    }
    const engine = await startEngine({ listen: '127.0.0.1:0', targets });
    return { engine, client: new RawClient(engine.address), cases };
  }
}

function targetOf({ name }: Case): string {
  return name.slice(0, 63);
}

async function prepare(postgres: EmbeddedPostgres, one: Case) {
  await createDatabase(postgres, one.name);
  const dsn = postgres.dsn(one.name);
  const before = await withClient(dsn, async (client) => {
    await client.query(one.around);
    await client.query(one.live);
    return readState(client);
  });
  return { dsn, before };
}

export function groupsOf(cases: readonly Case[]): readonly CaseGroup[] {
  return Array.from(
    { length: Math.ceil(cases.length / CASES_MAX) },
    (_, index) => new CaseGroup(cases.slice(index * CASES_MAX, (index + 1) * CASES_MAX)),
  );
}

/** The group of the case at this position of the list that the groups were made of. */
export function groupAt(groups: readonly CaseGroup[], position: number): CaseGroup {
  const group = groups[Math.floor(position / CASES_MAX)];
  if (group === undefined) throw new Error(`there is no group for case ${position}`);
  return group;
}
