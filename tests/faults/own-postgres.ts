/** A PostgreSQL server that belongs to one test file, which may kill it: it comes back by itself, on the same port. */
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { openEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';
import { removeDataDir } from '../../src/db/embedded/throwaway-postgres.ts';
import { prepareDatabase } from '../../src/cli/prepare-database.ts';
import { findPostmaster, killAll } from '../embedded/data-directory.ts';
import { until } from '../support/until.ts';

export type OwnPostgres = {
  readonly url: string;
  /** kill -9 of the server with all its sessions. */
  kill(): Promise<void>;
  /** kill -9 of one session: the server ends all others and recovers. */
  killSession(pid: number): void;
  /** Resolves once it takes connections. */
  isBack(): Promise<void>;
  connect(): Promise<pg.Client>;
  /** What was said of it so far. */
  messages(): readonly string[];
  close(): Promise<void>;
};

/** Migrated, without data. In a directory of its own under `parent`. */
export async function openOwnPostgres(parent: string = tmpdir()): Promise<OwnPostgres> {
  const dataDir = await mkdtemp(join(parent, 'coffer-faults-'));
  // Run by root, the server's account has to pass.
  await chmod(dataDir, 0o711);
  const messages: string[] = [];
  const log = (message: string): void => void messages.push(message);
  const server = await openEmbeddedPostgres({ dataDir, mode: 'serve', log });
  await prepareDatabase(server.url, pino({ level: 'silent' }), () => undefined);

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: server.url });
    // It may be killed with the server.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  return {
    url: server.url,
    connect,
    messages: () => messages,
    async kill() {
      const running = await findPostmaster(dataDir);
      // It may have given up by itself.
      if (running !== undefined) await killAll(running, 'SIGKILL');
    },
    killSession(pid) {
      process.kill(pid, 'SIGKILL');
    },
    async isBack() {
      const answers = () =>
        connect().then(
          (client) => client.end().then(() => true),
          () => false,
        );
      await until('the server takes connections', answers, 60_000);
    },
    async close() {
      await server.close();
      const left = await findPostmaster(dataDir);
      if (left !== undefined) await killAll(left, 'SIGKILL');
      await removeDataDir(dataDir);
    },
  };
}
