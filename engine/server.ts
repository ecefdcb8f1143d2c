import { readFileSync } from 'node:fs';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { pino, type Logger } from 'pino';
import { LookupService } from '../proto/gen/lookup.js';
import { TernService } from '../proto/gen/tern.js';
import { lookupHandlers, ternHandlers } from './calls/services.js';
import type { EngineState } from './calls/routing.js';
import { assertDsn } from './postgres/database.js';
import { CallFailure, ConfigurationError, DatabaseUnreachable } from './errors.js';
import { PlanningThread } from './postgres/planning/planning-thread.js';
import { loadParser } from './postgres/planning/sql.js';
import { POSTGRES } from './postgres/kind.js';
import { PostgresTarget } from './postgres/postgres-target.js';
import type { Target } from './target.js';

/** Largest request, in bytes: gRPC's own default, and what the contract says (engine contract 2.8, E06). */
const REQUEST_BYTES_MAX = 4 * 1024 * 1024;
/** A plan of a large schema may exceed 4 MiB; clients take up to 16. */
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;
/** How long calls that are under way may take to end when the engine stops. */
const DRAIN_TIMEOUT_MS = 5_000;
/** How long an answer that was given may take to leave. */
const ANSWER_FLUSH_MS = 100;
const LOCK_PATIENCE_MS = 30_000;
const TARGET_NAME = /^[A-Za-z0-9._-]{1,63}$/;

export interface EngineOptions {
  /** `host:port` to listen on; port 0 takes a free one. */
  readonly listen: string;
  /** Connection strings by target name, such as `{ orders_eu: 'postgres://…' }`. At least one. Direct connections. */
  readonly targets: Readonly<Record<string, string>>;
  /** A server on which scratch databases may be created for planning. Default: each target's own server. */
  readonly scratch?: string;
  /**
   * Milliseconds after which a wait for a lock is shown as `failed_retryable` instead of `running`. It goes on either way.
   * Default 30,000.
   */
  readonly lockPatienceMs?: number;
  /** Default: no logging. */
  readonly logger?: Logger;
}

export interface RunningEngine {
  /** `host:port` with the port that it listens on. */
  readonly address: string;
  /** Takes no more calls, leaves the work as it is recorded and gives the fences back. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts an engine: a `tern.v1` server over one or several PostgreSQL databases, and an executor for each.
 *
 * Throws `ConfigurationError` for what can never work, and `DatabaseUnreachable` when no target answers; one that does
 * not answer while others do is waited for in the background.
 */
export async function startEngine(options: EngineOptions): Promise<RunningEngine> {
  const logger = options.logger ?? pino({ level: 'silent' });
  assertOptions(options);
  await loadParser();
  const planning = new PlanningThread();
  const scratch = options.scratch === undefined ? null : { name: '--scratch', dsn: options.scratch };
  const lockPatienceMs = options.lockPatienceMs ?? LOCK_PATIENCE_MS;
  const targets = Object.entries(options.targets).map(
    ([name, dsn]) => new PostgresTarget({ name, dsn, scratch, planning, lockPatienceMs, logger }),
  );
  const closeTargets = () => Promise.all([...targets.map((target) => target.close()), planning.close()]);
  const engine: EngineState = {
    targets: new Map(targets.map((target) => [target.name, target])),
    kind: POSTGRES,
    version: packageVersion(),
    logger,
    inFlight: new Set(),
    homes: new Map(),
  };
  try {
    planning.begin();
    await prepareTargets(targets);
    const server = new Server({
      'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
      'grpc.max_send_message_length': RESPONSE_BYTES_MAX,
    });
    server.addService(TernService, ternHandlers(engine));
    server.addService(LookupService, lookupHandlers(engine));
    const address = await bind(server, options.listen);
    for (const target of targets) target.begin();
    let stopping: Promise<void> | null = null;
    const stop = async () => {
      await drain(server, engine);
      await closeTargets();
    };
    return { address, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await closeTargets();
    throw error;
  }
}

function assertOptions(options: EngineOptions): void {
  const names = Object.keys(options.targets);
  if (names.length === 0)
    throw new ConfigurationError('no target: name at least one, as in --target orders_eu=postgres://…');
  for (const [name, dsn] of Object.entries(options.targets)) {
    if (!TARGET_NAME.test(name)) {
      throw new ConfigurationError(
        `target ${JSON.stringify(name)}: a name has 1 to 63 of the characters A-Z a-z 0-9 . _ -`,
      );
    }
    assertDsn(`target ${name}`, dsn);
  }
  if (options.scratch !== undefined) assertDsn('--scratch', options.scratch);
  const byDsn = new Map<string, string>();
  for (const [name, dsn] of Object.entries(options.targets)) {
    const other = byDsn.get(dsn);
    if (other !== undefined)
      throw new ConfigurationError(`targets ${other} and ${name} have the same connection string`);
    byDsn.set(dsn, name);
  }
}

async function prepareTargets(targets: readonly Target[]): Promise<void> {
  const outcomes = await Promise.allSettled(targets.map((target) => target.prepare()));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : [])); // PromiseRejectedResult.reason is any
  const fatal = failures.find((failure) => !(failure instanceof CallFailure));
  if (fatal !== undefined) throw fatal;
  if (failures.length < targets.length) return;
  const texts = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  throw new DatabaseUnreachable(texts.join('\n'));
}

function bind(server: Server, listen: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) reject(new ConfigurationError(`cannot listen on ${listen}: ${error.message}`));
      else resolve(listen.replace(/:\d+$/, `:${port}`));
    });
  });
}

/** Takes no new calls, lets those under way end, and then closes the connections, which idle clients would keep open. */
async function drain(server: Server, engine: EngineState): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN_TIMEOUT_MS);
  });
  await Promise.race([Promise.all(engine.inFlight), late]);
  clearTimeout(timer);
  // The last answers are on their way out; closing is graceful for a moment and then not.
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, ANSWER_FLUSH_MS))]);
  server.forceShutdown();
}

/** The version of the package, from wherever the compiled or the source file is. */
function packageVersion(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const parsed: unknown = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'));
      if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
    } catch {
      // One directory further up, then.
    }
  }
  return '0.0.0';
}
