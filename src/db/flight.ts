/**
 * Statements that leave together. On a pipelining connection the driver sends each statement by a write of its own; a
 * cork gathers those of one flight into one packet, which saves a system call for each of them, here and there.
 */
import type { ClientBase } from 'pg';
import type { Writable } from 'node:stream';

/** Calls `send`, which must issue its statements before it returns, and gives back what it returned. */
export function inOneFlight<Result>(client: ClientBase, send: () => Result): Result {
  // The driver's types leave out the connection it documents for extensions such as pg-query-stream.
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}
