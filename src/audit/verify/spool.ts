/**
 * Rows that were read in a short snapshot and are wanted later: kept in a temporary file, so that neither the snapshot nor the
 * memory grows with the ledger.
 */
import { writeSync } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { copyRows } from '../rows/copy-rows.ts';
import { createColumnReader, type ColumnReader } from '../tree/decode-leaf.ts';

export type Spool = {
  /** Writes the rows of a query down under a name. */
  readonly write: (client: PoolClient, name: string, query: string) => Promise<void>;
  /** Reads them again. */
  readonly read: (name: string, onRow: (row: ColumnReader) => void) => Promise<void>;
  readonly close: () => Promise<void>;
};

const CHUNK_BYTES = 65_536;

/** In files that have no name any more once they are open: whatever ends the process, nothing is left of them. */
export async function createSpool(): Promise<Spool> {
  const files = new Map<string, FileHandle>();
  return {
    async write(client, name, query) {
      const file = await openNameless();
      files.set(name, file);
      const writer = createWriter(file);
      await copyRows(client, query, writer.add);
      writer.flush();
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

/** Rows come faster than a file would be waited for, so it is written to at once, which fills the system's memory first. */
function createWriter({ fd }: FileHandle): { add: (row: Buffer) => void; flush: () => void } {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let filled = 0;

  function write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
  }

  function flush(): void {
    write(chunk.subarray(0, filled));
    filled = 0;
  }

  return {
    add(row) {
      if (filled + row.length > CHUNK_BYTES) flush();
      if (row.length > CHUNK_BYTES) write(row);
      else filled += row.copy(chunk, filled);
    },
    flush,
  };
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(CHUNK_BYTES), position });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** The rows that chunks hold together. */
async function splitRows(chunks: AsyncIterable<Buffer>, onRow: (row: Buffer) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = endOfRow(bytes, start); end > start; end = endOfRow(bytes, start)) {
      onRow(bytes.subarray(start, end));
      start = end;
    }
    rest = bytes.subarray(start);
  }
}

/** Where the row that starts here ends; `start` itself where it is not whole yet. */
function endOfRow(bytes: Buffer, start: number): number {
  if (start + 2 > bytes.length) return start;
  const columns = bytes.readInt16BE(start);
  let at = start + 2;
  for (let column = 0; column < columns; column += 1) {
    if (at + 4 > bytes.length) return start;
    const length = bytes.readInt32BE(at);
    at += 4 + Math.max(0, length);
  }
  return at > bytes.length ? start : at;
}
