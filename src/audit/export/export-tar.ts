/**
 * An export as one tar, made while it is taken: each segment is written, sent and deleted before the next one, so that neither the
 * memory nor the disk holds more than one. What it unpacks to is the folder that `coffer audit export` writes; the manifest, which
 * says that it is complete, comes last.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { pack, type Pack } from 'tar-stream';
import { exportLog } from './export.ts';
import { MANIFEST } from './manifest.ts';

export type TarOptions = {
  readonly url: string;
  readonly ledger: { readonly id: number; readonly slug: string };
  readonly from: bigint;
  readonly to: bigint;
  readonly log: Logger;
  readonly segmentEvents?: bigint;
};

/** The stream breaks where the export does: a tar without an end is no tar. `onEnd` is called when nothing of it is left. */
export function exportTar(options: TarOptions, onEnd: () => void): Readable {
  const tar = pack();
  // A client that hangs up is no fault of the service.
  tar.on('error', () => undefined);
  void write(tar, options)
    .catch((error: unknown) => {
      if (!tar.destroyed) options.log.error({ err: error }, 'an export could not be finished');
      tar.destroy(error instanceof Error ? error : new Error(String(error)));
    })
    .finally(onEnd);
  return Readable.from(tar as AsyncIterable<Buffer>, { objectMode: false });
}

async function write(tar: Pack, { log: _log, ...options }: TarOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-export-'));
  try {
    await exportLog({
      ...{ ...options, directory },
      onProgress: () => undefined,
      onSegment: async ({ file, leaves }) => {
        for (const name of [file, leaves.file]) await move(tar, directory, name);
      },
    });
    const names = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = names
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
      .sort((one, other) => Number(one === MANIFEST) - Number(other === MANIFEST) || (one < other ? -1 : 1));
    for (const name of files) await move(tar, directory, name);
    tar.finalize();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Waits until the one who takes the tar has taken most of it; rejects where nobody takes it any more. */
async function move(tar: Pack, directory: string, name: string): Promise<void> {
  const path = join(directory, name);
  const { size, mtime } = await stat(path);
  await new Promise<void>((resolve, reject) => {
    const header = { name, size, mtime, mode: 0o600 };
    const entry = tar.entry(header, (error) => (error == null ? resolve() : reject(error)));
    const file = createReadStream(path);
    file.once('error', (error) => tar.destroy(error));
    file.pipe(entry);
  });
  await rm(path);
}
