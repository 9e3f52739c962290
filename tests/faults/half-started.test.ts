/** A start that fails after it has opened connections, jobs and listeners lets go of all of them by itself. */
import assert from 'node:assert/strict';
import { after, beforeEach, afterEach, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let owner: pg.Client;
const databases: TestDatabase[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  databases.push(database);
  owner = await database.connect();
});

afterEach(() => owner.end());

after(async () => {
  for (const each of databases) await each.drop();
});

async function sessions(): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(`
select application_name as name from pg_stat_activity
 where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`);
  return rows.map(({ name }) => name);
}

/** Each fails a later step than the one before. */
const BROKEN = [
  ['the jobs cannot be started', 'drop table pgboss.version cascade'],
  ['the keys cannot be read', 'alter table api_keys rename column prefix to beginning'],
  ['the worker finds no checkpoints', 'alter table read.checkpoints rename to elsewhere'],
] as const;

for (const [what, statement] of BROKEN) {
  test(`${what}: the start fails, and no connection stays`, async () => {
    await owner.query(statement);
    await assert.rejects(startService(database));
    await until('all connections are gone', async () => (await sessions()).length === 0);
  });
}
