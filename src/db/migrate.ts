/** Brings the schema up to date: plain numbered SQL files, each in a transaction, one process at a time. */
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { sessionOf } from './session.ts';

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));
const TABLE = 'coffer_migrations';
const LOCK_WAIT_MS = 60_000;

/** Another process that migrates is waited for, up to a minute. Returns the names of the migrations applied. */
export async function migrate(url: string, log: (message: string) => void): Promise<string[]> {
  const client = new pg.Client({
    ...sessionOf(url, { lock_timeout: LOCK_WAIT_MS.toString(), client_min_messages: 'warning' }),
    application_name: 'coffer migrate',
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    const applied = await runner({
      dbClient: client,
      dir: MIGRATIONS,
      direction: 'up',
      migrationsTable: TABLE,
      count: Number.POSITIVE_INFINITY,
      advisoryLockMode: 'wait',
      singleTransaction: false,
      log: () => undefined,
    });
    for (const { name } of applied) log(`applied migration ${name}`);
    return applied.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

export class NotMigratedError extends Error {
  constructor(pending: readonly string[]) {
    super(`The database is not up to date: ${pending.join(', ')} to apply. Run \`coffer migrate\` first.`);
    this.name = 'NotMigratedError';
  }
}

/** Names of migrations that are in this program but not in the database. */
export async function pendingMigrations(pool: pg.Pool): Promise<string[]> {
  const known = (await readdir(MIGRATIONS))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -4));
  const present = await pool.query<{ present: boolean }>(
    `select to_regclass('${TABLE}') is not null as present`,
  );
  if (present.rows[0]?.present !== true) return known;
  const { rows } = await pool.query<{ name: string }>(`select name from ${TABLE}`);
  const applied = new Set(rows.map((row) => row.name));
  return known.filter((name) => !applied.has(name)).sort();
}
