/**
 * Rows that were read in a short snapshot and are wanted later: kept in a temporary file, so that neither the snapshot nor the
 * memory grows with the ledger.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { copyStream, splitRows } from '../rows/copy-rows.ts';
import { createColumnReader, type ColumnReader } from '../tree/decode-leaf.ts';

export type Spool = {
  /** Writes the rows of a query down under a name. */
  readonly write: (client: PoolClient, name: string, query: string) => Promise<void>;
  /** Reads them again. */
  readonly read: (name: string, onRow: (row: ColumnReader) => void) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** In a directory of its own that only its owner can enter. */
export async function createSpool(): Promise<Spool> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-audit-'));
  return {
    async write(client, name, query) {
      await pipeline(copyStream(client, query), createWriteStream(join(directory, name)));
    },
    async read(name, onRow) {
      const columns = createColumnReader();
      await splitRows(createReadStream(join(directory, name)), (row) => {
        columns.startAt(row);
        onRow(columns);
      });
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}
