/** serve, api and worker: the processes that stay until they are told to stop. */
import type { Logger } from 'pino';
import { createApp, type App } from '../app.ts';
import { secretsOf, type Config } from '../config.ts';
import { refuseOpenDoor } from '../http/loopback.ts';
import { urlFor } from '../db/rights.ts';
import { openDatabase, type OpenDatabase } from './database.ts';
import { STOP_SIGNALS, takeOverSignals } from './early-stop.ts';
import { createLogger } from '../logging.ts';
import { prepareDatabase } from './prepare-database.ts';

type ServiceCommand = 'serve' | 'api' | 'worker';

/** Stopping takes less than this, or the process ends anyway: what is committed is safe. */
const STOP_TIMEOUT_MS = 9_000;
/** After the reason for a failed start was printed. */
const LEAVE_MS = 500;

export async function runService(config: Config, options: { command: ServiceCommand }): Promise<number> {
  const log = createLogger({ level: config.logLevel, secrets: secretsOf(config) });
  const stop = onStopSignal();
  let database: OpenDatabase | null = null;
  let app: App | null = null;
  try {
    database = await openDatabase(config, {
      mode: 'serve',
      log: (message) => log.info(message),
      signal: stop.signal,
    });
    app = await start(config, { ...options, log, database });
    if (!stop.signal.aborted) await stop.requested;
    log.info({ reason: String(stop.signal.reason) }, 'stopping');
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    await shutDown({ app, database, log });
    if (app === null) leaveSoon();
  }
  return 0;
}

/** What a start that failed half-way has opened would keep a process that serves nobody, and heeds no signal any more. */
function leaveSoon(): void {
  setTimeout(() => process.exit(), LEAVE_MS).unref();
}

async function start(
  config: Config,
  options: { command: ServiceCommand; log: Logger; database: OpenDatabase },
): Promise<App> {
  const { command, log, database } = options;
  const everything = command === 'serve';
  if (everything) {
    await prepareDatabase(config.migrateUrl ?? database.url, log, (message) => log.info(message));
  }
  const databaseUrl = await urlFor('coffer_service', database.url, (message) => log.warn(message));
  const roles = { api: command !== 'worker', worker: command !== 'api' };
  const app = await createApp({ config, databaseUrl, log, roles });
  try {
    if (app.http !== null) {
      refuseOpenDoor(config.host, app.authenticates());
      // Fastify logs the address; this line is for the person who just typed npm start.
      const address = await app.http.listen({ port: config.port, host: config.host });
      if (everything) console.log(`Coffer listens on ${address}`);
    }
    if (everything && config.seed === 'demo') await app.seed();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** The first signal stops; further ones change nothing, since npm and Ctrl-C both may send them. */
function onStopSignal(): { requested: Promise<void>; signal: AbortSignal } {
  const controller = new AbortController();
  const requested = new Promise<void>((resolve) => {
    for (const name of STOP_SIGNALS) {
      process.on(name, () => {
        controller.abort(new Error(`stopped by ${name}`));
        resolve();
      });
    }
    takeOverSignals();
  });
  return { requested, signal: controller.signal };
}

async function shutDown(parts: {
  app: App | null;
  database: OpenDatabase | null;
  log: Logger;
}): Promise<void> {
  const { app, database, log } = parts;
  const overdue = setTimeout(() => {
    log.error('stopping took too long: leaving');
    process.exit(1);
  }, STOP_TIMEOUT_MS);
  let released = true;
  try {
    released = (await app?.close()) ?? true;
  } finally {
    await database?.close();
    clearTimeout(overdue);
  }
  if (released) return;
  log.warn('connections on which the database does not answer are left behind');
  // They would keep the process. Nothing is lost with them: what nobody was told may be asked for again by its key.
  process.exit(0);
}
