/** The database and a few connections to it, for the time of one command. */
import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { createPool } from '../db/pool.ts';
import { NotMigratedError, pendingMigrations } from '../db/migrate.ts';
import { readClusterRecord } from '../db/embedded/cluster-home.ts';
import { urlFor } from '../db/rights.ts';
import type { Role } from '../db/session.ts';
import { openDatabase } from './database.ts';

/** These commands work on what is there: a directory that was mistyped is not made a database of. */
export class NoDatabaseError extends Error {
  constructor(dataDir: string) {
    super(
      `There is no database in ${dataDir}. Set COFFER_DATA_DIR to the service's data directory, or DATABASE_URL to its database.`,
    );
    this.name = 'NoDatabaseError';
  }
}

export type CommandDatabase = { readonly url: string; readonly pool: Pool };

/** `role`: what the command may do. */
export async function withCommandPool(
  config: Config,
  work: (database: CommandDatabase) => Promise<number>,
  role: Role = 'coffer_service',
): Promise<number> {
  if (config.databaseUrl === null && (await readClusterRecord(config.dataDir)) === undefined)
    throw new NoDatabaseError(config.dataDir);
  const never = new AbortController().signal;
  const database = await openDatabase(config, { mode: 'attach', log: console.error, signal: never });
  const url = await urlFor(role, database.url, console.error).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const pool = createPool({
    url,
    name: 'command line',
    max: 2,
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 30_000,
    idleInTransactionTimeoutMs: 60_000,
    onIdleError: (error) => console.error(error.message),
  });
  try {
    return await work({ url, pool });
  } finally {
    await pool.end();
    await database.close();
  }
}

/** The same, for what only looks: with the rights of an auditor. */
export function withReadingPool(
  config: Config,
  work: (database: CommandDatabase) => Promise<number>,
): Promise<number> {
  return withCommandPool(config, work, 'coffer_auditor');
}

/** The same, where the tables have to be there. Rejects with NotMigratedError. */
export function withMigratedPool(
  config: Config,
  work: (database: CommandDatabase) => Promise<number>,
): Promise<number> {
  return withCommandPool(config, async (database) => {
    const pending = await pendingMigrations(database.pool);
    if (pending.length > 0) throw new NotMigratedError(pending);
    return work(database);
  });
}
