import { chmod, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { readClusterRecord, resolveHome } from './cluster-home.ts';
import { type EmbeddedPostgres, openEmbeddedPostgres } from './embedded-postgres.ts';

/** A server for a test run or a measurement: on a new directory of its own, which `close` removes. */
export async function openThrowawayPostgres(options: {
  log: (message: string) => void;
}): Promise<EmbeddedPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'coffer-throwaway-'));
  // So that the account which runs the server for root can pass; the directory holds nothing yet.
  await chmod(dataDir, 0o711);
  try {
    const server = await openEmbeddedPostgres({ dataDir, mode: 'serve', log: options.log });
    let closing: Promise<void> | undefined;
    const close = async () => {
      await server.close();
      await removeDataDir(dataDir);
    };
    return { url: server.url, close: () => (closing ??= close()) };
  } catch (error) {
    await removeDataDir(dataDir);
    throw error;
  }
}

/** Removes a data directory that nobody uses, and its database, wherever that is kept. */
export async function removeDataDir(dataDir: string): Promise<void> {
  const record = await readClusterRecord(dataDir);
  if (record !== undefined) {
    const home = resolveHome(dataDir, record.home);
    await rm(home, { recursive: true, force: true });
    // A home elsewhere has a parent made for such homes: the last one to go takes it along.
    if (isAbsolute(record.home)) await rmdir(dirname(home)).catch(() => {});
  }
  await rm(dataDir, { recursive: true, force: true });
}
