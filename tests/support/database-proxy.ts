/**
 * A TCP proxy between the service and PostgreSQL that understands where messages begin and end, so that a test can
 * break a connection at an exact point of the conversation: before COMMIT reaches the server, or after it took
 * effect and before anybody is told.
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/**
 * `forward`: as if there were no proxy. `lose`: the message never arrives and the connection breaks.
 * `lose_answer`: the message arrives and takes effect, the connection breaks instead of its answer.
 * `hang_up`: the message arrives, the client's side breaks at once; the server is left to work on it.
 * `swallow`: the message never arrives, and nothing tells the client so.
 */
export type Reaction = 'forward' | 'lose' | 'lose_answer' | 'hang_up' | 'swallow';

export type DatabaseProxy = {
  /** Of the same database, through the proxy. */
  readonly url: string;
  /** Decides over each statement: the SQL of a simple query, or the name of a prepared one that is executed. */
  onStatement(react: (statement: string) => Reaction): void;
  /** The same for the next statement of this text or name only. Resolves when it came. */
  once(statement: string, reaction: Reaction): Promise<void>;
  /** Breaks what is open and refuses what is new, until `restore`. */
  cutOff(): void;
  restore(): void;
  close(): Promise<void>;
};

export async function openDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  let reachable = true;
  let react: (statement: string) => Reaction = () => 'forward';

  const server = createServer((client) => {
    if (!reachable) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay();
      // Broken connections are what this proxy is for.
      socket.on('error', () => undefined);
      socket.once('close', () => open.delete(socket));
    }
    relay(client, upstream, (statement) => react(statement));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  function breakAll(): void {
    for (const socket of open) socket.destroy();
  }

  return {
    url: url.toString(),
    onStatement(reaction) {
      react = reaction;
    },
    once: (awaited, reaction) =>
      new Promise((resolve) => {
        react = (statement) => {
          if (statement !== awaited) return 'forward';
          react = () => 'forward';
          resolve();
          return reaction;
        };
      }),
    cutOff() {
      reachable = false;
      breakAll();
    },
    restore() {
      reachable = true;
    },
    close() {
      breakAll();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function relay(client: Socket, upstream: Socket, react: (statement: string) => Reaction): void {
  // Each Query or Sync message is answered by one ReadyForQuery; the first one of all ends the startup.
  let asked = 0;
  let answered = -1;
  let lost = Number.POSITIVE_INFINITY;
  let muted = false;

  function breakOff(): void {
    muted = true;
    client.destroy();
    upstream.end();
  }

  const fromClient = splitMessages({ startupFirst: true }, (type, message) => {
    if (muted) return;
    const statement = statementOf(type, message);
    const reaction = statement === null ? 'forward' : react(statement);
    if (reaction === 'lose') return breakOff();
    muted = reaction === 'swallow' || reaction === 'hang_up';
    if (reaction === 'lose_answer') lost = asked;
    if (type === 'Q' || type === 'S') asked += 1;
    if (reaction !== 'swallow') upstream.write(message);
    if (reaction === 'hang_up') client.destroy();
  });
  const fromServer = splitMessages({ startupFirst: false }, (type, message) => {
    if (type === 'C' && answered === lost) return breakOff();
    if (type === 'Z') answered += 1;
    if (!client.destroyed) client.write(message);
  });
  client.on('data', fromClient);
  upstream.on('data', fromServer);
  client.once('close', () => muted || upstream.end());
  upstream.once('close', () => client.destroy());
}

type Take = (type: string, message: Buffer) => void;

/** Cuts a stream of chunks into messages: a type byte (none in the first one of a client), then the length. */
function splitMessages(options: { startupFirst: boolean }, take: Take): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  let typeBytes = options.startupFirst ? 0 : 1;
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= typeBytes + 4) {
      const end = typeBytes + pending.readInt32BE(typeBytes);
      if (pending.length < end) return;
      take(typeBytes === 0 ? 'startup' : String.fromCharCode(pending[0]!), pending.subarray(0, end));
      pending = pending.subarray(end);
      typeBytes = 1;
    }
  };
}

function textAt(message: Buffer, start: number): string {
  return message.toString('utf8', start, message.indexOf(0, start));
}

/** SQL of a Query message, or the statement's name in a Bind message (after the portal's, which is empty). */
function statementOf(type: string, message: Buffer): string | null {
  if (type === 'Q') return textAt(message, 5);
  return type === 'B' ? textAt(message, 6) : null;
}
