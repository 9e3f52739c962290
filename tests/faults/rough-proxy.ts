/**
 * A bad network between the service and PostgreSQL. It knows nothing of messages: it drops, delays, halves and
 * swallows bytes, in both directions, wherever they happen to be. See support/database-proxy.ts for faults at an
 * exact statement.
 */
import { randomInt } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type RoughProxy = {
  /** Of the same database, by this way. */
  readonly url: string;
  /** Breaks every connection that is open; new ones pass. */
  drop(): void;
  /** From now on each chunk takes so long, up to twice that. */
  delay(ms: number): void;
  /** Of the next chunk of every connection only the first half passes; then it breaks. Resolves when one has. */
  halve(): Promise<void>;
  /**
   * What is open now swallows everything from now on, without a word to either side; new connections pass, as
   * behind a firewall that has lost its table. What was swallowed before is broken off: the server would keep its sessions
   * for hours, until there is room for no more.
   */
  blackHole(): void;
  /** Nothing new is delayed or halved any more, and nothing swallowed. */
  mend(): void;
  close(): Promise<void>;
};

type Link = {
  readonly client: Socket;
  readonly upstream: Socket;
  halves: (() => void) | null;
  swallows: boolean;
};

export async function openRoughProxy(databaseUrl: string): Promise<RoughProxy> {
  const target = new URL(databaseUrl);
  const links = new Set<Link>();
  let delayMs = 0;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const link: Link = { client, upstream, halves: null, swallows: false };
    links.add(link);
    relay(link, { from: client, to: upstream, delayMs: () => delayMs });
    relay(link, { from: upstream, to: client, delayMs: () => delayMs });
    for (const socket of [client, upstream]) {
      socket.setNoDelay();
      // Broken connections are what this proxy is for.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        // A black hole tells nobody.
        if (link.swallows) return;
        links.delete(link);
        breakOff(link);
      });
    }
  });
  function forget(link: Link): void {
    links.delete(link);
    breakOff(link);
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url: url.toString(),
    drop() {
      for (const link of links) if (!link.swallows) breakOff(link);
    },
    delay(ms) {
      delayMs = ms;
    },
    halve: () =>
      new Promise((resolve) => {
        for (const link of links) link.halves = resolve;
      }),
    blackHole() {
      for (const link of links) {
        if (link.swallows) forget(link);
        else link.swallows = true;
      }
    },
    mend() {
      delayMs = 0;
      for (const link of links) {
        link.halves = null;
        if (link.swallows) forget(link);
      }
    },
    async close() {
      for (const link of links) breakOff(link);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function breakOff({ client, upstream }: Link): void {
  client.destroy();
  upstream.destroy();
}

function relay(link: Link, way: { from: Socket; to: Socket; delayMs: () => number }): void {
  const { from, to } = way;
  // Bytes keep their order however long each of them takes.
  let last: Promise<void> = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    if (link.swallows) return;
    const halved = link.halves;
    if (halved !== null) {
      link.halves = null;
      to.write(chunk.subarray(0, chunk.length >> 1), () => breakOff(link));
      halved();
      return;
    }
    const ms = way.delayMs();
    if (ms === 0) {
      last = last.then(() => void (link.swallows || to.write(chunk)));
      return;
    }
    const due = new Promise<void>((resolve) => {
      setTimeout(resolve, ms + randomInt(ms));
    });
    last = Promise.all([last, due]).then(() => void (link.swallows || to.write(chunk)));
  });
}
