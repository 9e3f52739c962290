import type { Config } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { installJobs } from '../projections/jobs.ts';
import { openDatabase } from './database.ts';
import { createLogger } from '../logging.ts';

export async function runMigrate(config: Config): Promise<number> {
  const never = new AbortController().signal;
  const database = await openDatabase(config, { mode: 'attach', log: console.error, signal: never });
  try {
    const applied = await migrate(database.url, (message) => console.log(message));
    await installJobs(database.url, createLogger({ level: config.logLevel, destination: process.stderr }));
    console.log(applied.length === 0 ? 'the database is up to date' : `${applied.length} migrations applied`);
    return 0;
  } finally {
    await database.close();
  }
}
