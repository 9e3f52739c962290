/**
 * Rows of a query through COPY, as they come: some five times cheaper than rows that the driver takes apart, and in PostgreSQL's binary
 * format the row of an event is its leaf as it stands.
 */
import { Query, type PoolClient } from 'pg';

/** Signature, flags and the length of an extension that is always empty: before the first row of the binary format. */
const HEADER_BYTES = 19;
/** -1 in place of a number of columns: after the last row. */
const TRAILER_BYTES = 2;

type OnRow = (row: Buffer) => void;

/**
 * Calls `onRow` with each row of a query in turn, in the binary format; the bytes are only good during the call. COPY takes no parameters:
 * `query` is text of this program and numbers, never of a request, and has a column. Rejects with the database's error, or, when all rows have
 * come, with the first that `onRow` threw; after that one it is not called any more.
 */
export function copyRows(client: PoolClient, query: string, onRow: OnRow): Promise<void> {
  let header = HEADER_BYTES;
  return copyOut(client, `copy (${query}) to stdout (format binary)`, (bytes) => {
    const row = header === 0 ? bytes : bytes.subarray(header);
    header = 0;
    if (row.length > TRAILER_BYTES) onRow(row);
  });
}

/** As copyRows, with each row as a line of text, its end included. */
export function copyLines(client: PoolClient, query: string, onLine: OnRow): Promise<void> {
  return copyOut(client, `copy (${query}) to stdout`, onLine);
}

/** A query of the driver, which hands each of the server's messages on: the protocol has one a row. */
class CopyOut extends Query {
  readonly #onMessage: OnRow;

  constructor(statement: string, onMessage: OnRow, onEnd: (error?: Error | null) => void) {
    super(statement, onEnd);
    this.#onMessage = onMessage;
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.#onMessage(chunk);
  }
}

/** Rejects when the server is done, so that the connection can be used again; but for a server that was waited for in vain. */
async function copyOut(client: PoolClient, statement: string, onMessage: OnRow): Promise<void> {
  let wanted = true;
  const thrown: unknown[] = [];
  // What is thrown must not reach the driver, which has the rest of the rows to read.
  const take = (message: Buffer): void => {
    if (!wanted) return;
    try {
      onMessage(message);
    } catch (error) {
      wanted = false;
      thrown.push(error);
    }
  };
  try {
    await new Promise<void>((resolve, reject) => {
      client.query(new CopyOut(statement, take, (error) => (error ? reject(error) : resolve())));
    });
  } finally {
    wanted = false;
  }
  if (thrown.length > 0) throw thrown[0];
}
