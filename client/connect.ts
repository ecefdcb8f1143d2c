import { hostname, userInfo } from 'node:os';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { type LoadClientProfileOptions, loadClientConnectConfig } from '@temporalio/envconfig';
import { type ServerPlace, SkeinError, noServer } from './errors.js';
import { probeAddress } from './probe-address.js';

export interface ConnectOptions {
  /** Profile of the TOML configuration. Default: `TEMPORAL_PROFILE`, then `default`. */
  readonly profile?: string;
  /** Who acts, for the record; shown in Temporal as the client's identity. Default `<user>@<host>`. */
  readonly caller?: string;
  /** Where the `TEMPORAL_*` variables are read. Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How long to wait for the server's first answer, in milliseconds. Default 5,000. */
  readonly connectTimeoutMs?: number;
}

/** A client, and where it is connected: what messages name. */
export interface Connected {
  readonly client: Client;
  readonly place: ServerPlace;
}

/** What the Temporal SDK and the `temporal` CLI use when nothing is configured. */
const DEFAULT_ADDRESS = 'localhost:7233';

/**
 * Connects as the `temporal` CLI does: the same `TEMPORAL_*` variables and the same TOML profiles, so that the embedded
 * server, a self-hosted cluster and Temporal Cloud differ by configuration only (design 8).
 *
 * Rejects with `configuration` when the settings cannot be read, and with `unavailable` when nobody answers.
 */
export async function connect(options: ConnectOptions = {}): Promise<Connected> {
  const config = loadConfig({
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.environment === undefined ? {} : { overrideEnvVars: definedOf(options.environment) }),
  });
  const place = {
    address: config.connectionOptions.address ?? DEFAULT_ADDRESS,
    namespace: config.namespace ?? 'default',
  };
  const refused = await probeAddress(place.address, options.environment ?? process.env);
  if (refused !== null) throw noServer(place, refused, undefined);
  const { address, tls, apiKey, metadata } = config.connectionOptions;
  const connection = await open(place, {
    connectTimeout: options.connectTimeoutMs ?? 5_000,
    ...(address === undefined ? {} : { address }),
    ...(tls === undefined || tls === null ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  });
  const identity = `skein ${options.caller ?? defaultCaller()}`;
  return { client: new Client({ connection, namespace: place.namespace, identity }), place };
}

/** `<user>@<host>`: as far as this process can tell who acts. It is stated, not proven. */
export function defaultCaller(): string {
  return `${userName()}@${hostname()}`;
}

function definedOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number without a name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

function loadConfig(options: LoadClientProfileOptions): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig(options);
  } catch (error) {
    throw new SkeinError(
      'configuration',
      `the connection to Temporal is not configured: ${reason(error)}; check TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE and TEMPORAL_TLS_*`,
      { cause: error },
    );
  }
}

async function open(place: ServerPlace, options: ConnectionOptions): Promise<Connection> {
  try {
    return await Connection.connect(options);
  } catch (error) {
    throw noServer(place, reason(error), error);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
