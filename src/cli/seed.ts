import { createApp } from '../app.ts';
import { secretsOf, type Config } from '../config.ts';
import { urlFor } from '../db/rights.ts';
import type { OfLedger } from './of-ledger.ts';
import { openDatabase } from './database.ts';
import { createLogger } from '../logging.ts';
import { prepareDatabase } from './prepare-database.ts';

export async function runSeed(config: Config, { ledger }: OfLedger): Promise<number> {
  const log = createLogger({
    level: config.logLevel,
    destination: process.stderr,
    secrets: secretsOf(config),
  });
  const never = new AbortController().signal;
  const database = await openDatabase(config, { mode: 'attach', log: console.error, signal: never });
  try {
    await prepareDatabase(config.migrateUrl ?? database.url, log, (message) => log.info(message));
    const app = await createApp({
      config,
      databaseUrl: await urlFor('coffer_service', database.url, (message) => log.warn(message)),
      log,
      roles: { api: false, worker: false },
    });
    try {
      const seeded = await app.seed(ledger);
      console.log(seeded ? 'the demo data is there' : 'the ledger holds other data: nothing was written');
      return 0;
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}
