import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Reply, type Service } from '../support/service.ts';
import { expectProblem } from '../http/expect-problem.ts';
import { newHolder, topUp, type Holder } from '../http/payments.ts';
import { severable, type SeverableDatabase } from './severable-database.ts';

/** Words of the inside: SQL, tables, drivers, addresses, files. */
const INTERNAL =
  /select|insert|update|ledger_entries|users_|relation|column|pg_|node_modules|\.ts|127\.0\.0\.1|ECONN|socket|stack|terminated|postgres/i;

let database: TestDatabase;
let way: SeverableDatabase;
let service: Service;
let holder: Holder;

before(async () => {
  database = await createTestDatabase();
  way = await severable(database);
  service = await startService(way);
  holder = await newHolder(service);
  await topUp(service, holder, '10');
});

after(async () => {
  way.mend();
  await service.close();
  await way.close();
  await database.drop();
});

function expectNothingInternal({ text, headers }: Reply): void {
  const { instance: _, ...shown } = JSON.parse(text) as Record<string, unknown>;
  assert.doesNotMatch(JSON.stringify(shown), INTERNAL);
  assert.doesNotMatch(JSON.stringify(headers), /pg_|ECONN|\.ts/);
}

function expectAway(reply: Reply, path: string): void {
  expectProblem(reply, 'database_unavailable', path);
  assert.match(String(reply.headers['retry-after']), /^[1-9][0-9]*$/);
  expectNothingInternal(reply);
}

test('while the database is away everything is a 503 that says so, and passes', async () => {
  way.sever();
  const balance = `/wallets/${holder.userId}/${holder.assetSlug}/balance`;
  for (const path of ['/users', balance, '/events', '/transactions', '/projections', '/idempotency-keys/x']) {
    expectAway(await service.get(path), path);
  }
  for (const query of ['?consistency=strong', '?asOf=1', '?atLeast=1'])
    expectAway(await service.get(`${balance}${query}`), balance);
  expectAway(await topUp(service, holder, '5', { key: 'while-away' }), '/transactions/topup');
  const ready = await service.get('/ready');
  assert.equal(ready.status, 503);
  assert.deepEqual(ready.body, { status: 'not_ready', reason: 'the database does not answer' });
  assert.match(String(ready.headers['retry-after']), /^[1-9][0-9]*$/);
  assert.equal((await service.get('/health')).status, 200);
  assert.equal((await service.get('/openapi.json')).status, 200);

  way.mend();
  const retried = await topUp(service, holder, '5', { key: 'while-away' });
  assert.equal(retried.status, 201, retried.text);
  assert.equal(retried.body.balanceAfter, '15');
  assert.equal((await service.get('/ready')).status, 200);
  assert.equal((await service.get('/users')).status, 200);
});

test('a fault of the service is a 500 that tells nothing of its inside', async () => {
  const owner = await database.connect();
  await owner.query('alter table users rename to users_gone');
  await owner.query('alter table ledger_entries rename to ledger_entries_gone');
  try {
    const balance = `/wallets/${holder.userId}/${holder.assetSlug}/balance`;
    for (const reply of [
      await service.get(`${balance}?consistency=strong`),
      await topUp(service, holder, '5'),
      await service.post('/users', { email: 'nobody@example.com' }),
    ]) {
      assert.equal(reply.status, 500, reply.text);
      assert.equal(reply.body.code, 'internal_error');
      assert.equal(reply.body.detail, 'The service failed on this request.');
      assert.deepEqual(Object.keys(reply.body), ['type', 'title', 'status', 'detail', 'code', 'instance']);
      assert.ok(reply.headers['x-request-id']);
      expectNothingInternal(reply);
    }
  } finally {
    await owner.query('alter table users_gone rename to users');
    await owner.query('alter table ledger_entries_gone rename to ledger_entries');
    await owner.end();
  }
  assert.equal((await topUp(service, holder, '5')).body.balanceAfter, '20');
});
