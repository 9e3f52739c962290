import { secretsOf, type Config } from '../config.ts';
import { createLogger } from '../logging.ts';
import { openDatabase } from './database.ts';
import { prepareDatabase } from './prepare-database.ts';

export async function runMigrate(config: Config): Promise<number> {
  const never = new AbortController().signal;
  const database = await openDatabase(config, { mode: 'attach', log: console.error, signal: never });
  try {
    const log = createLogger({
      level: config.logLevel,
      destination: process.stderr,
      secrets: secretsOf(config),
    });
    const owner = config.migrateUrl ?? database.url;
    const applied = await prepareDatabase(owner, log, (message) => console.log(message));
    console.log(applied.length === 0 ? 'the database is up to date' : `${applied.length} migrations applied`);
    return 0;
  } finally {
    await database.close();
  }
}
