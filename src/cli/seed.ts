import { createApp } from '../app.ts';
import type { Config } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { installJobs } from '../projections/jobs.ts';
import { openDatabase } from './database.ts';
import { createLogger } from '../logging.ts';

export async function runSeed(config: Config): Promise<number> {
  const log = createLogger({ level: config.logLevel, destination: process.stderr });
  const never = new AbortController().signal;
  const database = await openDatabase(config, { mode: 'attach', log: console.error, signal: never });
  try {
    await migrate(database.url, (message) => log.info(message));
    await installJobs(database.url, log);
    const app = await createApp({
      config,
      databaseUrl: database.url,
      log,
      roles: { api: false, worker: false },
    });
    try {
      const seeded = await app.seed();
      console.log(seeded ? 'the demo data is there' : 'the ledger holds other data: nothing was written');
      return 0;
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}
