import { setImmediate as nextTurn } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import type pg from 'pg';
import type { Logger } from 'pino';
import { ConfigurationError, TargetTaken } from '../errors.js';
import type {
  ApplyProgress,
  ApplySession,
  Holder,
  PlanInput,
  Planned,
  SchemaProblems,
  StoredApply,
  StoredLog,
  StoredPlan,
  Target,
} from '../target.js';
import { accept } from './acceptance.js';
import { applySession } from './apply-session.js';
import { APPLICATION_NAME, inTransaction, openClient, openPool } from './database.js';
import { databaseText, isConnectionLoss, silentDatabase, violatedUnique } from './errors.js';
import { Executor } from './execution/executor.js';
import { assertDirect } from './execution/fence.js';
import { PercentShown } from './execution/percent.js';
import { type Backoff, backoffMs, Wake } from './execution/wake.js';
import { planned } from './planning/change.js';
import type { Comparison } from './planning/planner.js';
import type { PlannedTarget } from './planning/planning-messages.js';
import type { PlanningThread } from './planning/planning-thread.js';
import type { ScratchServer } from './planning/scratch.js';
import { readProgress } from './progress.js';
import {
  findApply,
  findApplyByKey,
  findApplyByOperation,
  findLiveApply,
  lockApply,
  ONE_LIVE_INDEX,
} from './storage/applies.js';
import { installStorage } from './storage/install.js';
import { readLogs } from './storage/logs.js';
import { findPlan, storePlan } from './storage/plans.js';
import { removeStale } from './storage/retention.js';
import { readChanges, readDoneStatements } from './storage/steps.js';
import { readUnmanaged } from './unmanaged.js';

/** The oldest PostgreSQL that this engine drives. */
export const SERVER_MAJOR_MIN = 14;
const PREPARE_BACKOFF: Backoff = { initialMs: 200, maxMs: 5_000 };

/** One PostgreSQL database that the engine serves: its storage, its planner and its executor. */
export class PostgresTarget implements Target {
  readonly name: string;
  readonly #pool: pg.Pool;
  readonly #planning: PlanningThread;
  readonly #place: PlannedTarget;
  readonly #executor: Executor;
  readonly #dsn: string;
  readonly #logger: Logger;
  readonly #wake = new Wake();
  /** Highest percent shown per attempt of a step, so that what callers see never goes down. */
  readonly #percentShown = new PercentShown();
  #prepared = false;
  #preparing: Promise<void> | null = null;
  #closing = false;
  #background: Promise<void> = Promise.resolve();
  #applyQueue: Promise<unknown> = Promise.resolve();

  constructor(params: {
    readonly name: string;
    readonly dsn: string;
    readonly scratch: ScratchServer | null;
    readonly planning: PlanningThread;
    readonly lockPatienceMs: number;
    readonly logger: Logger;
  }) {
    const place = `target ${params.name}`;
    this.name = params.name;
    this.#dsn = params.dsn;
    this.#logger = params.logger.child({ target: params.name });
    this.#pool = openPool(place, params.dsn);
    this.#planning = params.planning;
    const scratch = params.scratch ?? { name: place, dsn: params.dsn };
    this.#place = { name: params.name, dsn: params.dsn, scratch };
    this.#executor = new Executor({
      target: params.name,
      dsn: params.dsn,
      pool: this.#pool,
      lockPatienceMs: params.lockPatienceMs,
      logger: this.#logger,
    });
  }

  async prepare(): Promise<void> {
    if (this.#prepared) return;
    this.#preparing ??= this.#prepareOnce().finally(() => {
      this.#preparing = null;
    });
    try {
      await this.#preparing;
    } catch (error) {
      if (isConnectionLoss(error)) throw silentDatabase(this.name, error);
      // Wrong password, no such database, a read-only standby: the server has said no.
      if (error instanceof DatabaseError) throw new ConfigurationError(`target ${this.name}: ${databaseText(error)}`);
      throw error;
    }
  }

  begin(): void {
    this.#background = (async () => {
      for (let tries = 1; !this.#closing; tries += 1) {
        try {
          await this.prepare();
          this.#executor.begin();
          return;
        } catch (error) {
          this.#logger.warn({ reason: databaseText(error) }, 'this target is not ready yet; trying again');
          await this.#wake.wait(backoffMs(PREPARE_BACKOFF, tries));
        }
      }
    })();
  }

  async answers(): Promise<boolean> {
    try {
      await this.prepare();
      await this.#pool.query('SELECT 1');
      return true;
    } catch (error) {
      this.#logger.warn({ reason: databaseText(error) }, 'the storage does not answer');
      return false;
    }
  }

  async plan(input: PlanInput, signal?: AbortSignal): Promise<Planned | SchemaProblems> {
    const compared = await this.#planning.plan(this.#place, input, signal);
    // A large answer has just been unpacked; others have their turn before it is worked on.
    await nextTurn();
    return compared.kind === 'problems' ? compared : this.#planned(compared);
  }

  async planAgain(plan: StoredPlan, signal?: AbortSignal): Promise<Planned | null> {
    const { planId, schemaDigest, namespaces, ignoreTables } = plan;
    const stored = { planId, schemaDigest, namespaces, ignoreTables };
    const compared = await this.#planning.planAgain(this.#place, stored, signal);
    return compared === null ? null : this.#planned(compared);
  }

  findPlan(planId: string): Promise<StoredPlan | null> {
    return this.#asked(() => findPlan(this.#pool, planId));
  }

  unmanaged(namespaces: readonly string[]): Promise<readonly string[]> {
    return this.#asked(() => readUnmanaged(this.#pool, namespaces));
  }

  findApply(applyId: string): Promise<StoredApply | null> {
    return this.#asked(() => findApply(this.#pool, applyId));
  }

  findApplyByKey(idempotencyKey: string): Promise<StoredApply | null> {
    return this.#asked(() => findApplyByKey(this.#pool, idempotencyKey));
  }

  findApplyByOperation(operationId: string): Promise<StoredApply | null> {
    return this.#asked(() => findApplyByOperation(this.#pool, operationId));
  }

  findHolder(): Promise<Holder | null> {
    return this.#asked(async () => {
      const apply = await findLiveApply(this.#pool);
      if (apply === null) return null;
      const [change] = await readChanges(this.#pool, apply.applyId);
      return { apply, table: change === undefined ? '' : `${change.namespace}.${change.table}` };
    });
  }

  doneStatements(schemaDigest: string): Promise<ReadonlySet<string>> {
    return this.#asked(() => readDoneStatements(this.#pool, schemaDigest));
  }

  control<T>(applyId: string, rule: (session: ApplySession) => Promise<T>): Promise<T | null> {
    return this.#asked(async () => {
      try {
        return await inTransaction(this.#pool, async (client) => {
          const apply = await lockApply(client, applyId);
          return apply === null ? null : rule(applySession(client, apply));
        });
      } catch (error) {
        if (violatedUnique(error) !== ONE_LIVE_INDEX) throw error;
        throw new TargetTaken(`target ${this.name} was taken by another apply`, { cause: error });
      } finally {
        this.#executor.wake.notify();
      }
    });
  }

  progress(applyId: string): Promise<ApplyProgress | null> {
    return this.#asked(() =>
      readProgress(applyId, {
        pool: this.#pool,
        percentShown: this.#percentShown,
        sessionPid: this.#executor.sessionPid,
      }),
    );
  }

  logs(applyId: string, limit: number): Promise<readonly StoredLog[]> {
    return this.#asked(() => readLogs(this.#pool, applyId, limit));
  }

  #planned(compared: Comparison): Planned {
    return {
      ...compared,
      changes: compared.changes.map(planned),
      store: (plan) =>
        this.#asked(() =>
          storePlan(this.#pool, { ...plan, schemaDigest: compared.schemaDigest, changes: compared.changes }),
        ),
      accept: (apply, done) =>
        this.#asked(async () => {
          const acceptance = await accept(this.#pool, apply, compared, done);
          this.#executor.wake.notify();
          return acceptance;
        }),
    };
  }

  /** Runs what a call needs of the database. That it does not answer is UNAVAILABLE, and no "no". */
  async #asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw isConnectionLoss(error) ? silentDatabase(this.name, error) : error;
    }
  }

  async oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#applyQueue.then(work, work);
    this.#applyQueue = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#wake.notify();
    await this.#background;
    await this.#executor.end();
    await this.#pool.end();
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
    await installStorage(this.name, this.#pool);
    await removeStale(this.#pool);
    this.#prepared = true;
  }
}
