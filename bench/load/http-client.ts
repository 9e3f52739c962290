// An HTTP client of only what the open loop needs: requests already rendered, answers that carry a
// Content-Length. On the two cores of a small machine generator, service and database share the CPU, and
// node:http would take as much of it for each request as the service does.

import { connect, type Socket } from 'node:net';

/** Status 0: no answer, and `body` says why. */
export type Answer = { status: number; body: string };

export type HttpClient = { send(request: string): Promise<Answer>; close(): void };

type Connection = { socket: Socket; received: Buffer; answered: ((answer: Answer) => void) | undefined };

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** What finds all connections taken waits for one, which counts against the server that is slow to answer. */
const MAX_CONNECTIONS = 900;

export function createHttpClient(baseUrl: string, timeoutMs: number): HttpClient {
  const { hostname, port } = new URL(baseUrl);
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  const waiting: (() => void)[] = [];

  function openConnection(): Connection {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const connection: Connection = { socket, received: Buffer.alloc(0), answered: undefined };
    open.add(connection);
    socket.setTimeout(timeoutMs, () => end(connection, 'timeout'));
    socket.on('error', (error) => end(connection, error.message));
    socket.on('close', () => end(connection, 'closed by the server'));
    socket.on('data', (chunk: Buffer) => {
      connection.received =
        connection.received.length === 0 ? chunk : Buffer.concat([connection.received, chunk]);
      const answer = parseAnswer(connection.received);
      if (answer) finish(connection, answer);
    });
    return connection;
  }

  function finish(connection: Connection, answer: Answer): void {
    const { answered } = connection;
    connection.answered = undefined;
    connection.received = Buffer.alloc(0);
    if (open.has(connection)) idle.push(connection);
    answered?.(answer);
    waiting.shift()?.();
  }

  function end(connection: Connection, reason: string): void {
    if (!open.delete(connection)) return;
    const index = idle.indexOf(connection);
    if (index >= 0) idle.splice(index, 1);
    connection.socket.destroy();
    if (connection.answered) finish(connection, { status: 0, body: reason });
  }

  return {
    send(request) {
      return new Promise((resolve) => {
        const write = (): void => {
          const connection = idle.pop() ?? openConnection();
          connection.answered = resolve;
          connection.socket.write(request);
        };
        if (idle.length > 0 || open.size < MAX_CONNECTIONS) write();
        else waiting.push(write);
      });
    },
    close() {
      for (const connection of [...open]) end(connection, 'closed');
    },
  };
}

/** Undefined until all of the answer is there. */
function parseAnswer(received: Buffer): Answer | undefined {
  const endOfHead = received.indexOf(END_OF_HEAD);
  if (endOfHead < 0) return undefined;
  const head = received.toString('latin1', 0, endOfHead);
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`);
  const bodyStart = endOfHead + END_OF_HEAD.length;
  if (received.length < bodyStart + Number(length)) return undefined;
  // "HTTP/1.1 201 Created"
  return { status: Number(head.slice(9, 12)), body: received.toString('utf8', bodyStart) };
}
