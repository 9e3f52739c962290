/** The database and a few connections to it, for the time of one command. */
import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { createPool } from '../db/pool.ts';
import { openDatabase } from './database.ts';

export type CommandDatabase = { readonly url: string; readonly pool: Pool };

export async function withCommandPool(
  config: Config,
  work: (database: CommandDatabase) => Promise<number>,
): Promise<number> {
  const never = new AbortController().signal;
  const database = await openDatabase(config, { mode: 'attach', log: console.error, signal: never });
  const pool = createPool({
    url: database.url,
    name: 'command line',
    max: 2,
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 30_000,
    idleInTransactionTimeoutMs: 60_000,
    onIdleError: (error) => console.error(error.message),
  });
  try {
    return await work({ url: database.url, pool });
  } finally {
    await pool.end();
    await database.close();
  }
}
