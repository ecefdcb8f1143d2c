import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be cut and mended, at one address. */
export interface InterruptibleNetwork {
  /** The same connection string, by way of this network. */
  readonly dsn: string;
  /** Cuts every connection without a word, and refuses new ones. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Puts a network between a client and the server of `dsn`. Bytes pass through it unchanged. */
export async function interruptibleNetwork(dsn: string): Promise<InterruptibleNetwork> {
  const there = new URL(dsn);
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return void near.destroy();
    const far = connect(Number(there.port), there.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      // An end in one direction is an end in both, also when it comes as an error.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const here = new URL(dsn);
  here.port = String((server.address() as AddressInfo).port); // a TCP server's address
  const cut = () => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    dsn: here.toString(),
    cut,
    mend: () => {
      whole = true;
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
