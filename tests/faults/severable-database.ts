/** A way to the test's database that can be cut: what the service sees when the database is away. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestDatabase } from '../support/database.ts';

export type SeverableDatabase = TestDatabase & {
  /** Cuts every connection and lets no new one through. */
  sever(): void;
  mend(): void;
  /** Of the way only; the database stays. */
  close(): Promise<void>;
};

export async function severable(database: TestDatabase): Promise<SeverableDatabase> {
  const target = new URL(database.url);
  const sockets = new Set<Socket>();
  let severed = false;

  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  const server = createServer((client) => {
    keep(client);
    if (severed) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    keep(upstream);
    client.pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(database.url);
  url.hostname = '127.0.0.1';
  url.port = (server.address() as AddressInfo).port.toString();

  return {
    ...database,
    url: url.toString(),
    sever() {
      severed = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      severed = false;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
