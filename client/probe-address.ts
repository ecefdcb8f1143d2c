import { connect } from 'node:net';

/** Longest a probe may take; an address that says nothing is left to the real connection. */
const PROBE_MAX_MS = 1_000;

/** Plain `host:port`. Other gRPC targets (`dns:///…`, `unix:…`) are not probed. */
const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9_.-]+)):(\d+)$/;

/** What makes gRPC connect by another way than straight to the address. */
const PROXY_VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy', 'HTTPS_PROXY', 'HTTP_PROXY'];

/**
 * Why nobody can be at this address, such as `connection refused`; null when somebody may be. The gRPC client keeps
 * trying a refused port until its deadline, and a person should not wait five seconds for what is clear at once.
 */
export async function probeAddress(
  address: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const match = HOST_AND_PORT.exec(address);
  if (match === null || PROXY_VARIABLES.some((name) => (environment[name] ?? '') !== '')) return null;
  const [, literal, name, port] = match;
  return await new Promise((resolve) => {
    const socket = connect({ host: literal ?? name ?? '', port: Number(port), timeout: PROBE_MAX_MS });
    const answer = (reason: string | null) => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => answer(null));
    socket.once('timeout', () => answer(null));
    socket.once('error', (error) => answer(REASONS['code' in error ? String(error.code) : ''] ?? null));
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
};
