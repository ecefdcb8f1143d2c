import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback whose connections can be made to fall silent, as when the host at the other end dies. */
export interface SilentProxy {
  readonly address: string;
  /** How many connections were made through it. */
  connections(): number;
  /** Forwards nothing more over the connections that are open now, and closes none. New ones work. */
  silence(): void;
  close(): Promise<void>;
}

export async function startSilentProxy(target: string): Promise<SilentProxy> {
  const [host, port] = target.split(':');
  const open = new Set<Socket>();
  const pairs = new Set<() => void>();
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const engine = connect({ host: host ?? '127.0.0.1', port: Number(port) });
    for (const socket of [client, engine]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket));
    }
    client.pipe(engine);
    engine.pipe(client);
    pairs.add(() => {
      client.unpipe(engine);
      engine.unpipe(client);
      client.resume();
      engine.resume();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo; // it listens on TCP
  return {
    address: `127.0.0.1:${address.port}`,
    connections: () => connections,
    silence: () => {
      for (const fallSilent of pairs) fallSilent();
      pairs.clear();
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
