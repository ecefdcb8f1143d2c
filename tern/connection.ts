import { type ChannelCredentials, Client, connectivityState, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Call } from './calls.js';
import { CHANNEL_OPTIONS, SEND_BYTES_MAX } from './limits.js';

/** A request that was not sent because the engine could not accept its size (engine contract 2.8, C42). */
export class RequestTooLarge extends Error {
  readonly bytes: number;

  constructor(bytes: number) {
    super(`${bytes} bytes, and an engine accepts at most ${SEND_BYTES_MAX}`);
    this.name = 'RequestTooLarge';
    this.bytes = bytes;
  }
}

/** A call over a connection that this process has closed. It was not sent. */
export class ConnectionClosed extends Error {
  constructor() {
    super('this worker has closed its connection to the engine');
    this.name = 'ConnectionClosed';
  }
}

/** Credentials that may change while the process runs. */
export interface CredentialsSource {
  current(): ChannelCredentials;
  /** True when they have changed since, so that a new connection may succeed where the old one failed. */
  refresh(): boolean;
}

/** Where and how to connect. */
export interface Endpoint {
  readonly address: string;
  readonly credentials: CredentialsSource;
  /** The name that the server's certificate must carry; null where that is the host of the address. */
  readonly serverName: string | null;
}

/**
 * One channel to one engine. It connects when it is first used and again by itself whenever it lost the connection, and
 * it counts the connections, so that what was learnt over one is not believed of the next.
 */
export class Connection {
  readonly #client: Client;
  readonly #waiters = new Set<() => void>();
  #generation = 0;
  #isClosed = false;

  constructor({ address, credentials, serverName }: Endpoint) {
    this.#client = new Client(address, credentials.current(), {
      ...CHANNEL_OPTIONS,
      ...(serverName === null
        ? {}
        : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }),
    });
    this.#watch(this.#client.getChannel().getConnectivityState(false));
  }

  /** Grows whenever the connection is lost. */
  get generation(): number {
    return this.#generation;
  }

  get isReady(): boolean {
    return this.#client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** True once the connection stands, false when it does not within `timeoutMs` or `signal` aborts first. */
  async waitUntilReady(params: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<boolean> {
    const { timeoutMs, signal } = params;
    if (this.#client.getChannel().getConnectivityState(true) === connectivityState.READY) return true;
    if (signal?.aborted === true || timeoutMs <= 0) return false;
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', settle);
        this.#waiters.delete(settle);
        resolve(this.isReady);
      };
      const timer = setTimeout(settle, timeoutMs);
      signal?.addEventListener('abort', settle, { once: true });
      this.#waiters.add(settle);
    });
  }

  /**
   * Sends one request with one deadline and no repeat. Rejects with the `ServiceError` of grpc-js, or with
   * `RequestTooLarge` or `ConnectionClosed` before anything is sent.
   */
  async unary<Request, Response>(
    call: Call<Request, Response>,
    request: Request,
    deadlineMs: number,
  ): Promise<Response> {
    const bytes = call.method.requestSerialize(request);
    if (bytes.length > SEND_BYTES_MAX) throw new RequestTooLarge(bytes.length);
    if (this.#isClosed) throw new ConnectionClosed();
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest<Buffer, Response>(
        call.method.path,
        (serialized) => serialized,
        call.method.responseDeserialize,
        bytes,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, response?: Response) => {
          if (error !== null) reject(error);
          else if (response === undefined) reject(new Error(`${call.name}: grpc-js gave neither answer nor error`));
          else resolve(response);
        },
      );
    });
  }

  /** Takes no more calls. Those that were sent go on to their answers. */
  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  #watch(state: connectivityState): void {
    this.#client.getChannel().watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
      const next = this.#client.getChannel().getConnectivityState(false);
      if (state === connectivityState.READY) this.#generation += 1;
      if (next === connectivityState.READY || next === connectivityState.SHUTDOWN) {
        this.#waiters.forEach((settle) => settle());
      }
      if (next !== connectivityState.SHUTDOWN) this.#watch(next);
    });
  }
}
