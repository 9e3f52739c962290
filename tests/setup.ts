/**
 * Once for a whole run: a PostgreSQL server (a throw-away embedded one, or that of TEST_DATABASE_URL) with one
 * migrated template database. Each test file clones a database of its own from it.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { openThrowawayPostgres } from '../src/db/embedded/throwaway-postgres.ts';
import { prepareDatabase } from '../src/cli/prepare-database.ts';
// What browsers are shown in tests is what these sources make.
import '../dashboard/fresh.js';
import { databaseUrl, dropDatabase } from './support/database.ts';

let stop: () => Promise<void> = async () => undefined;

export async function globalSetup(): Promise<void> {
  const given = process.env['TEST_DATABASE_URL'];
  const server =
    given === undefined || given === ''
      ? await openThrowawayPostgres({ log: () => undefined })
      : { url: given, close: async () => undefined };
  const template = `coffer_template_${randomBytes(4).toString('hex')}`;
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  if (given === undefined || given === '') await forgoDurability(admin);
  await admin.query(`create database ${template}`);
  await admin.end();
  const templateUrl = databaseUrl(server.url, template);
  await prepareDatabase(templateUrl, pino({ level: 'silent' }), () => undefined);
  process.env['COFFER_TEST_SERVER'] = server.url;
  process.env['COFFER_TEST_TEMPLATE'] = template;
  const keys = await mkdtemp(join(tmpdir(), 'coffer-test-keys-'));
  process.env['COFFER_TEST_KEYS'] = keys;
  stop = async () => {
    await rm(keys, { recursive: true });
    await dropDatabase(server.url, template);
    await server.close();
  };
}

/**
 * Who tests what a power cut does has a server of its own. For all others waiting for the disk would take most of the time
 * there is: dropping a database, 1 s or 40 ms; a commit, 4 ms or 1 ms.
 */
async function forgoDurability(admin: pg.Client): Promise<void> {
  for (const setting of ['fsync', 'full_page_writes']) await admin.query(`alter system set ${setting} = off`);
  await admin.query('select pg_reload_conf()');
}

export async function globalTeardown(): Promise<void> {
  await stop();
}
