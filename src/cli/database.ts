/** The database a command works on: DATABASE_URL, or the embedded server of the data directory. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Config } from '../config.ts';
import { isConnectionError } from '../db/failures.ts';
import { openEmbeddedPostgres } from '../db/embedded/embedded-postgres.ts';

export type OpenDatabase = { readonly url: string; close(): Promise<void> };

const WAIT_MS = 30_000;
const RETRY_MS = 500;

export async function openDatabase(
  config: Config,
  options: { mode: 'serve' | 'attach'; log: (message: string) => void; signal: AbortSignal },
): Promise<OpenDatabase> {
  if (config.databaseUrl !== null) {
    await waitUntilItAnswers(config.databaseUrl, options);
    return { url: config.databaseUrl, close: async () => undefined };
  }
  const { mode, log, signal } = options;
  const server = await openEmbeddedPostgres({ dataDir: config.dataDir, mode, log, signal });
  // The embedded server speaks no TLS: a PGSSLMODE in the environment is not meant for it.
  return { url: `${server.url}?sslmode=disable`, close: server.close };
}

/** A database that starts beside us (compose, systemd) may need a moment. */
async function waitUntilItAnswers(
  url: string,
  options: { log: (message: string) => void; signal: AbortSignal },
): Promise<void> {
  const until = performance.now() + WAIT_MS;
  let told = false;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => undefined);
      const passing = isConnectionError(error) || /starting up|57P03/.test(String(error));
      if (!passing || performance.now() > until) throw error;
      if (!told)
        options.log(`waiting for the database: ${error instanceof Error ? error.message : String(error)}`);
      told = true;
      await delay(RETRY_MS, undefined, { signal: options.signal });
    }
  }
}
