/**
 * Connections are few and belong to all: who sends a request or takes an answer too slowly is cut off. Node sees to those who
 * send; those who do not read are looked for here, by what their sockets got rid of between two looks. That costs nothing
 * per request.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Of its headers, and of the request as a whole. */
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;
/** How often connections are looked over for requests that are late. */
export const LATE_REQUESTS_CHECK_MS = 5_000;

export type ReadingRules = {
  readonly lookEveryMs: number;
  /** Who took less than so much of what waits for it, at so many looks in a row, does not read. */
  readonly minBytes: number;
  readonly patience: number;
};

/** 200 bytes a second, for half a minute. */
const READING: ReadingRules = { lookEveryMs: 5_000, minBytes: 1_000, patience: 6 };

type Watched = { taken: number; strikes: number };

/** Drops connections beyond `maxConnections`, and those of clients that do not read their answers. */
export function boundConnections(
  app: FastifyInstance,
  { maxConnections, reading = READING }: { maxConnections: number; reading?: ReadingRules },
): void {
  const watched = new Map<Socket, Watched>();
  app.server.maxConnections = maxConnections;
  app.server.on('connection', (socket) => {
    watched.set(socket, { taken: 0, strikes: 0 });
    socket.once('close', () => watched.delete(socket));
  });
  let dropped = 0;
  app.server.on('drop', () => (dropped += 1));

  const timer = setInterval(() => {
    if (dropped > 0) app.log.warn({ dropped, maxConnections }, 'connections beyond the limit were dropped');
    dropped = 0;
    for (const [socket, before] of watched) look(socket, before, reading);
  }, reading.lookEveryMs);
  timer.unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    done();
  });
}

function look(socket: Socket, before: Watched, { minBytes, patience }: ReadingRules): void {
  const taken = socket.bytesWritten - socket.writableLength;
  const isSlow = socket.writableLength > 0 && taken - before.taken < minBytes;
  before.strikes = isSlow ? before.strikes + 1 : 0;
  before.taken = taken;
  if (before.strikes >= patience) socket.resetAndDestroy();
}
