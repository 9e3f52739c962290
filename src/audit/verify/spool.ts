/**
 * Rows that were read in a short snapshot and are wanted later: kept in a temporary file, so that neither the snapshot nor the
 * memory grows with the ledger.
 */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** In files that have no name any more once they are open: whatever ends the process, nothing is left of them. */
export async function createSpool(): Promise<Spool> {
  const files = new Map<string, FileHandle>();
  return {
    async write(client, name, query) {
      const file = await openNameless();
      files.set(name, file);
      for await (const chunk of copyStream(client, query)) await file.appendFile(chunk);
    },
    async read(name, onRow) {
      const file = files.get(name);
      if (file === undefined) throw new Error(`nothing was written under ${name}`);
      const columns = createColumnReader();
      await splitRows(chunksOf(file), (row) => {
        columns.startAt(row);
        onRow(columns);
      });
    },
    async close() {
      for (const file of files.values()) await file.close();
    },
  };
}

/** In a directory of its own that only its owner can enter, and which goes at once. */
async function openNameless(): Promise<FileHandle> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-audit-'));
  try {
    return await open(join(directory, 'rows'), 'wx+', 0o600);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const CHUNK_BYTES = 65_536;

async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(CHUNK_BYTES), position });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}
