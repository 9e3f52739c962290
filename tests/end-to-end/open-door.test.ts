import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { killStarted, runCoffer, spawnCoffer, within } from '../support/coffer-process.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;

before(async () => {
  database = await createTestDatabase();
});

after(async () => {
  killStarted();
  await dropOnceFree(database);
});

test('a service that would listen to others without authentication does not start, and says what to do', async () => {
  for (const command of ['api', 'serve']) {
    const { code, output } = await runCoffer([command], { DATABASE_URL: database.url, HOST: '0.0.0.0' });
    assert.equal(code, 1, output);
    assert.match(output, /HOST=0\.0\.0\.0 would let everyone.*COFFER_ADMIN_KEY/);
    assert.doesNotMatch(output, /listening|listens/);
  }
});

test('with a key it does, and a worker, which does not listen, needs none', async () => {
  const key = { COFFER_ADMIN_KEY: 'k'.repeat(32) };
  const api = spawnCoffer(['api'], { DATABASE_URL: database.url, HOST: '0.0.0.0', ...key });
  await until('it listens', () => api.output().includes('listening at'), 60_000);
  const worker = spawnCoffer(['worker'], { DATABASE_URL: database.url, HOST: '0.0.0.0' });
  const client = await database.connect();
  const works = `select from pg_stat_activity
    where datname = current_database() and application_name = 'coffer worker' and state is not null`;
  await until('the worker works', async () => (await client.query(works)).rowCount !== 0, 60_000);
  await client.end();
  for (const each of [api, worker]) {
    each.signal('SIGTERM');
    assert.deepEqual(await within(20_000, 'it stops', each.exited), { code: 0, signal: null }, each.output());
  }
});
