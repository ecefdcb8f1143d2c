import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from './calls.js';
import { CALLS } from './calls.js';
import { Connection, type Endpoint } from './connection.js';
import type { EngineHealth } from './engine.js';
import { engineFailure, failureOf, statusOf, type Subject } from './failure.js';
import { type Patience, deadlineMsOf } from './limits.js';
import { probe, type Verdict } from './probe.js';

/** How long `establish` rests before it probes a live connection again whose engine did not serve. */
const PROBE_INTERVAL_MS = 250;

/** How long a connection over which a call got no answer may take to answer Health before it is given up. */
const SUSPICION_DEADLINE_MS = 5_000;

/** How long the transport is asked why there is no connection. */
const EXPLANATION_DEADLINE_MS = 250;

/**
 * A connection of which it is known what is at its other end. What was found out holds for that connection alone, because
 * replicas behind one name can differ while they are upgraded (engine contract 5.6).
 *
 * A connection that is replaced in the instant between the check and the send is not noticed; everything slower is.
 */
export class Session {
  readonly #endpoint: Endpoint;
  readonly #patience: Patience;
  #connection: Connection;
  #isExamining = false;
  #isClosed = false;
  #verdict: {
    readonly connection: Connection;
    readonly generation: number;
    readonly verdict: Promise<Verdict>;
  } | null = null;

  constructor(params: { readonly endpoint: Endpoint; readonly patience: Patience }) {
    this.#endpoint = params.endpoint;
    this.#patience = params.patience;
    this.#connection = new Connection(params.endpoint);
  }

  /**
   * Waits until the engine is connected and proven. Rejects with `Unreachable` when it is not within `timeoutMs` (by
   * default as long as a call waits) or as soon as `signal` aborts, with `AccessDenied` or `DialectTooOld` at once.
   */
  async establish(params: {
    readonly subject: Subject;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
  }): Promise<EngineHealth> {
    const { subject, timeoutMs = this.#patience.connectTimeoutMs, signal } = params;
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      // In slices, so that a long wait notices certificates that were exchanged meanwhile.
      const sliceMs = Math.min(deadline - Date.now(), this.#patience.connectTimeoutMs);
      const connection = this.#connection;
      const verdict = await this.#judge({ timeoutMs: sliceMs, ...(signal === undefined ? {} : { signal }) });
      if (verdict.kind === 'proven') return verdict.health;
      if (this.#endpoint.credentials.refresh()) this.#replace(connection);
      const final = verdict.type !== 'Unreachable' || signal?.aborted === true;
      if (final || Date.now() + PROBE_INTERVAL_MS >= deadline) {
        const { type, reason, status } = verdict;
        throw engineFailure({ type, subject, reason, ...(status === undefined ? {} : { status }) });
      }
      await pause(PROBE_INTERVAL_MS, signal);
    }
  }

  /** Sends one request to a proven engine, once. */
  async send<Request, Response>(params: {
    readonly call: Call<Request, Response>;
    readonly request: Request;
    readonly subject: Subject;
  }): Promise<Response> {
    const { call, request, subject } = params;
    await this.establish({ subject });
    const connection = this.#connection;
    try {
      return await connection.unary(call, request, deadlineMsOf(call.deadline, this.#patience));
    } catch (error) {
      const failure = failureOf({ error, call, subject, address: this.#endpoint.address });
      if (failure.status === 'DEADLINE_EXCEEDED' && !this.#isExamining) void this.#examine(connection);
      throw failure;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#connection.close();
  }

  /**
   * A peer that vanished without a word (a host that died, a firewall that forgot) leaves a connection on which nothing
   * is ever answered, and TCP notices only after a quarter of an hour. Pings are no way to find out (C43). So when a call
   * got no answer, Health is asked over the same connection, and if that gets none either, a new one is made. Calls that
   * were sent over the old one keep their deadlines.
   */
  async #examine(connection: Connection): Promise<void> {
    this.#isExamining = true;
    try {
      await connection.unary(CALLS.health, {}, this.#examinationMs);
    } catch (error) {
      const silent = statusOf(error, this.#endpoint.address)?.status === 'DEADLINE_EXCEEDED';
      if (silent) this.#replace(connection);
    } finally {
      this.#isExamining = false;
    }
  }

  get #examinationMs(): number {
    return Math.min(SUSPICION_DEADLINE_MS, this.#patience.deadlineMsMax);
  }

  #replace(connection: Connection): void {
    if (connection !== this.#connection || this.#isClosed) return;
    this.#verdict = null;
    this.#connection = new Connection(this.#endpoint);
    connection.close();
  }

  async #judge(params: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<Verdict> {
    const { timeoutMs, signal } = params;
    const connection = this.#connection;
    if (!(await connection.waitUntilReady(params))) {
      return unreachable(
        signal?.aborted === true ? 'given up before there was a connection' : await this.#whyNotReady(),
      );
    }
    const { generation } = connection;
    const verdict = await unlessAborted(this.#verdictOf(connection, timeoutMs), signal);
    if (verdict === null) return unreachable('given up during the dialect probe');
    if (connection === this.#connection && generation === connection.generation) return verdict;
    return unreachable('the connection was lost during the dialect probe');
  }

  /** One probe per connection, whoever asks. A verdict that the next moment may change is not kept. */
  async #verdictOf(connection: Connection, timeoutMs: number): Promise<Verdict> {
    const { generation } = connection;
    if (this.#verdict?.generation === generation && this.#verdict.connection === connection) {
      return this.#verdict.verdict;
    }
    const deadlineMs = Math.max(1, Math.min(timeoutMs, deadlineMsOf('health', this.#patience)));
    const { address } = this.#endpoint;
    const current = { connection, generation, verdict: probe({ connection, address, deadlineMs }) };
    this.#verdict = current;
    const forget = (): void => {
      if (this.#verdict === current) this.#verdict = null;
    };
    try {
      const verdict = await current.verdict;
      if (verdict.kind === 'unproven' && verdict.type !== 'DialectTooOld') {
        forget();
        const silent = verdict.status === 'DEADLINE_EXCEEDED' && deadlineMs >= this.#examinationMs;
        if (silent) this.#replace(connection);
      }
      return verdict;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** The transport tells its last error only to a call, so the one call that is harmless anywhere asks. */
  async #whyNotReady(): Promise<string> {
    try {
      await this.#connection.unary(CALLS.health, {}, EXPLANATION_DEADLINE_MS);
      return 'the connection came up too late';
    } catch (error) {
      return statusOf(error, this.#endpoint.address)?.text ?? 'no connection';
    }
  }
}

function unreachable(reason: string): Verdict {
  return { kind: 'unproven', type: 'Unreachable', reason, status: undefined };
}

/** The value, or null as soon as the signal aborts. */
async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value | null> {
  if (signal === undefined) return promise;
  if (signal.aborted) return null;
  const settled = new AbortController();
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true, signal: settled.signal });
  });
  return Promise.race([promise, aborted]).finally(() => settled.abort());
}

/** Rests, or less when the signal aborts. */
async function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(durationMs, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (signal?.aborted !== true) throw error;
  });
}
