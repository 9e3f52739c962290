/** The worker's connection falls silent in the middle of a pass: nothing tells it so, and it must not wait for ever. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { pino } from 'pino';
import { createPool } from '../../src/db/pool.ts';
import { projections } from '../../src/projections/catalog.ts';
import { startJobs, type Jobs } from '../../src/projections/jobs.ts';
import { startWorker, type Worker } from '../../src/projections/worker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { balanceAt, createAsset, registerUser, startService, type Service } from '../support/service.ts';

const log = pino({ level: 'silent' });

let database: TestDatabase;
let proxy: DatabaseProxy;
let service: Service;
let pool: pg.Pool;
let jobs: Jobs;
let worker: Worker;

before(async () => {
  database = await createTestDatabase();
  proxy = await openDatabaseProxy(database.url);
  service = await startService(database, { worker: false });
  pool = createPool({
    url: proxy.url,
    name: 'worker',
    max: 3,
    pipeline: true,
    connectTimeoutMs: 3_000,
    statementTimeoutMs: 10_000,
    silenceTimeoutMs: 1_500,
    lockTimeoutMs: 5_000,
    // What the silent session still holds, the server takes back from it by this.
    idleInTransactionTimeoutMs: 1_500,
    onIdleError: () => undefined,
  });
  jobs = await startJobs({ url: database.url, log, works: true });
  worker = await startWorker({ pool, jobs, projections, log, onApplied: () => undefined });
});

after(async () => {
  await worker.close();
  await jobs.close();
  await pool.end();
  await service.close();
  await proxy.close();
  await database.drop();
});

test('another connection takes over, and what was written is projected', async () => {
  const { id: userId } = await registerUser(service);
  const assetSlug = await createAsset(service);
  const topUp = { userId, assetSlug, amount: '1' };
  for (const statement of ['lock-checkpoints', 'move-checkpoints', 'commit']) {
    const swallowed = proxy.once(statement, 'swallow');
    const { body } = await service.post('/transactions/topup', topUp);
    await swallowed;
    assert.equal(await balanceAt(service, userId, assetSlug, body.position), body.balanceAfter);
  }
});
