import { createHash } from 'node:crypto';
import { credentials as channelCredentials } from '@grpc/grpc-js';
import type { CredentialsSource } from './connection.js';
import { type Engine, EngineFailure, type Engines } from './engine.js';
import { GrpcEngine } from './grpc-engine.js';
import { PATIENCE, type Patience } from './limits.js';
import { type TlsConfiguration, TlsCredentials, TlsFilesUnusable } from './tls.js';

/** Where the engine of one deployment is. Part of the worker's configuration; never enters a workflow (design 7). */
export interface EngineConfiguration {
  /** `host:port`, or any name that gRPC resolves, such as `dns:///engine.internal:9090` or `unix:/run/engine.sock`. */
  readonly address: string;
  /** Absent: plain text, for an engine on loopback or behind a mesh. An empty object: TLS with the system's roots. */
  readonly tls?: TlsConfiguration;
}

/** Everything that is wrong with the engines of a worker's configuration; a worker with one of these must not start. */
export class EngineConfigurationInvalid extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `the worker configuration names engines that cannot be used:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
    this.name = 'EngineConfigurationInvalid';
    this.problems = problems;
  }
}

/**
 * The engines of a worker, by deployment. Certificates are read here and now, so that a wrong file is known at the start
 * and not in the middle of a rollout; throws `EngineConfigurationInvalid` with every problem. Connections are made when
 * they are first used, and with the files as they are then.
 */
export function createEngines(
  configuration: Readonly<Record<string, EngineConfiguration>>,
  patience: Partial<Patience> = {},
): Engines & { close(): void } {
  const engines = new Map<string, { readonly engine: Engine; readonly address: string }>();
  const problems: string[] = [];
  for (const [deployment, { address, tls }] of Object.entries(configuration)) {
    if (!isAddress(address)) problems.push(`deployment ${deployment}: address must be host:port`);
    const credentials = credentialsOf(tls, (problem) => problems.push(`deployment ${deployment}: ${problem}`));
    if (credentials === null || problems.length > 0) continue;
    const endpoint = { address, credentials, serverName: tls?.serverName ?? null };
    const engine = new GrpcEngine({ deployment, endpoint, patience: { ...PATIENCE, ...patience } });
    engines.set(deployment, { engine, address });
  }
  const close = (): void => {
    for (const { engine } of engines.values()) engine.close();
  };
  if (problems.length > 0) {
    close();
    throw new EngineConfigurationInvalid(problems);
  }
  const find = (deployment: string) => engines.get(deployment) ?? unknownDeployment(deployment, [...engines.keys()]);
  return {
    engineFor: (deployment) => find(deployment).engine,
    addressDigest: (deployment) => digestOfAddress(find(deployment).address),
    close,
  };
}

const PLAIN_TEXT: CredentialsSource = {
  current: () => channelCredentials.createInsecure(),
  refresh: () => false,
};

function credentialsOf(tls: TlsConfiguration | undefined, report: (problem: string) => void): CredentialsSource | null {
  if (tls === undefined) return PLAIN_TEXT;
  try {
    return new TlsCredentials(tls);
  } catch (error) {
    if (!(error instanceof TlsFilesUnusable)) throw error;
    error.problems.forEach(report);
    return null;
  }
}

function unknownDeployment(deployment: string, known: readonly string[]): never {
  const list = known.length === 0 ? 'none' : known.toSorted().join(', ');
  throw new EngineFailure({
    type: 'UnknownDeployment',
    message: `deployment ${deployment}: this worker's configuration does not name it; it names: ${list}. Add it to the configuration, or give the deployment the queue of the worker that knows it.`,
  });
}

function isAddress(address: string): boolean {
  return /^unix:.+/.test(address) || /^\S+:\d{1,5}$/.test(address);
}

/** Spelling differences that name the same endpoint are one digest. Two names of one host are not noticed (I11). */
function digestOfAddress(address: string): string {
  const normalized = address.replace(/^(dns|ipv4|ipv6):(\/\/[^/]*\/)?/i, '').toLowerCase();
  return createHash('sha256').update(normalized).digest('hex').slice(0, 16);
}
