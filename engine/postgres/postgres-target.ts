import { DatabaseError } from 'pg';
import type pg from 'pg';
import type { Logger } from 'pino';
import { APPLICATION_NAME, openClient, openPool } from './database.js';
import { ConfigurationError, databaseText, isConnectionLoss, unavailable } from '../errors.js';
import { assertDirect } from './execution/fence.js';
import { Executor } from './execution/executor.js';
import { PercentShown } from './execution/percent.js';
import { backoffMs, Wake, type Backoff } from './execution/wake.js';
import type { DesiredCatalogues } from './planning/desired-catalogues.js';
import { Planner } from './planning/planner.js';
import type { ScratchServer } from './planning/scratch.js';
import { installStorage } from './storage/install.js';
import { removeStale } from './storage/retention.js';

/** The oldest PostgreSQL that this engine drives. */
export const SERVER_MAJOR_MIN = 14;
const PREPARE_BACKOFF: Backoff = { initialMs: 200, maxMs: 5_000 };

/** One database that the engine serves: its storage, its planner and its executor. */
export class Target {
  readonly name: string;
  readonly pool: pg.Pool;
  readonly planner: Planner;
  readonly executor: Executor;
  readonly #dsn: string;
  readonly #logger: Logger;
  readonly #wake = new Wake();
  /** Highest percent shown per attempt of a step, so that what callers see never goes down. */
  readonly percentShown = new PercentShown();
  #prepared = false;
  #preparing: Promise<void> | null = null;
  #closing = false;
  #background: Promise<void> = Promise.resolve();
  #applyQueue: Promise<unknown> = Promise.resolve();

  constructor(params: {
    readonly name: string;
    readonly dsn: string;
    readonly scratch: ScratchServer | null;
    readonly catalogues: DesiredCatalogues;
    readonly lockPatienceMs: number;
    readonly logger: Logger;
  }) {
    const place = `target ${params.name}`;
    this.name = params.name;
    this.#dsn = params.dsn;
    this.#logger = params.logger.child({ target: params.name });
    this.pool = openPool(place, params.dsn);
    const scratch = params.scratch ?? { name: place, dsn: params.dsn };
    this.planner = new Planner({ pool: this.pool, catalogues: params.catalogues, scratch });
    this.executor = new Executor({
      target: params.name,
      dsn: params.dsn,
      pool: this.pool,
      lockPatienceMs: params.lockPatienceMs,
      logger: this.#logger,
    });
  }

  /**
   * Checks the connection and creates or updates the storage; does nothing once that has succeeded. Rejects with
   * `ConfigurationError` when this target can never work so, and with UNAVAILABLE when it does not answer.
   */
  async prepare(): Promise<void> {
    if (this.#prepared) return;
    this.#preparing ??= this.#prepareOnce().finally(() => {
      this.#preparing = null;
    });
    try {
      await this.#preparing;
    } catch (error) {
      if (isConnectionLoss(error)) {
        throw unavailable(`target ${this.name}: its database does not answer: ${databaseText(error)}`, error);
      }
      // Wrong password, no such database, a read-only standby: the server has said no.
      if (error instanceof DatabaseError) throw new ConfigurationError(`target ${this.name}: ${databaseText(error)}`);
      throw error;
    }
  }

  /** Begins to carry out what is recorded, as soon as the target can be prepared. */
  begin(): void {
    this.#background = (async () => {
      for (let tries = 1; !this.#closing; tries += 1) {
        try {
          await this.prepare();
          this.executor.begin();
          return;
        } catch (error) {
          this.#logger.warn({ reason: databaseText(error) }, 'this target is not ready yet; trying again');
          await this.#wake.wait(backoffMs(PREPARE_BACKOFF, tries));
        }
      }
    })();
  }

  /** Whether the storage answers right now. */
  async answers(): Promise<boolean> {
    try {
      await this.prepare();
      await this.pool.query('SELECT 1');
      return true;
    } catch (error) {
      this.#logger.warn({ reason: databaseText(error) }, 'the storage does not answer');
      return false;
    }
  }

  /** One Apply at a time decides here, so that repeats of a key find what the first of them wrote. */
  async oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#applyQueue.then(work, work);
    this.#applyQueue = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#wake.notify();
    await this.#background;
    await this.executor.end();
    await this.pool.end();
  }

  async #prepareOnce(): Promise<void> {
    const place = `target ${this.name}`;
    const client = openClient(place, this.#dsn, APPLICATION_NAME);
    try {
      await client.connect();
      await assertDirect(place, client);
      const { rows } = await client.query<{ version: number; allowed: boolean }>(
        `SELECT current_setting('server_version_num')::int AS version,
                has_database_privilege(current_database(), 'CREATE') OR to_regnamespace('_skein') IS NOT NULL AS allowed`,
      );
      const version = rows[0]?.version ?? 0;
      if (version < SERVER_MAJOR_MIN * 10_000) {
        throw new ConfigurationError(
          `${place}: PostgreSQL ${SERVER_MAJOR_MIN} or newer is needed, this is ${version / 10_000}`,
        );
      }
      if (rows[0]?.allowed !== true) {
        throw new ConfigurationError(
          `${place}: the role may not create schema _skein, where the engine keeps its records. GRANT CREATE ON DATABASE to it, or create the schema for it`,
        );
      }
    } finally {
      await client.end().catch(() => undefined);
    }
    await installStorage(this.name, this.pool);
    await removeStale(this.pool);
    this.#prepared = true;
  }
}
