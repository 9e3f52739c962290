import pg from 'pg';
import type { Deadline } from './deadline.ts';

export type Address = { port: number; password: string };

/** The connection string of the database `coffer` on the embedded server. */
export function databaseUrl({ port, password }: Address): string {
  return `postgres://coffer:${password}@127.0.0.1:${port}/coffer`;
}

/**
 * Makes sure that the database `coffer` exists and answers. It is looked for at every start: a crash may
 * have come between the creation of the cluster and that of the database.
 */
export async function ensureCofferDatabase(address: Address, deadline: Deadline): Promise<void> {
  const answers = await tryQuery(address, 'coffer', 'select 1', deadline, '3D000');
  if (answers) return;
  // 42P04: somebody else was faster.
  await tryQuery(address, 'postgres', 'create database coffer', deadline, '42P04');
  await tryQuery(address, 'coffer', 'select 1', deadline);
}

/** Runs one statement; answers false if it failed with the SQLSTATE `expectedCode`, throws on any other. */
async function tryQuery(
  { port, password }: Address,
  database: string,
  sql: string,
  deadline: Deadline,
  expectedCode?: string,
): Promise<boolean> {
  const limitMs = Math.max(1, Math.ceil(deadline.remainingMs()));
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'coffer',
    password,
    database,
    // Said out loud: PGSSLMODE in the environment would ask for what this server does not have.
    ssl: false,
    connectionTimeoutMillis: limitMs,
    query_timeout: limitMs,
  });
  // A connection that breaks is reported by the query too; without a listener it would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(sql);
    return true;
  } catch (error) {
    if (expectedCode !== undefined && (error as { code?: string }).code === expectedCode) return false;
    throw new Error(`The embedded database ${database} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await client.end().catch(() => {});
  }
}
