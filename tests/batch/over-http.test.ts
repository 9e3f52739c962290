/** What callers over HTTP see of the write side's troubles, and what its metrics tell. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { failAppends } from '../support/faulty-database.ts';
import { assertLedgerIsSound, holdWallets, walletIdOf } from '../support/ledger-facts.ts';
import { createAsset, registerUser, startService, type Reply, type Service } from '../support/service.ts';
import { until, untilWritersWait } from '../support/until.ts';

let database: TestDatabase;
let observer: pg.Client;
let proxy: DatabaseProxy;
let service: Service;
let assetSlug: string;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  proxy = await openDatabaseProxy(database.url);
  service = await startService({ ...database, url: proxy.url }, { config: { maxQueue: 2 } });
  assetSlug = await createAsset(service);
});

after(async () => {
  await service.close();
  await proxy.close();
  await observer.end();
  await database.drop();
});

function assertProblem(reply: Reply, status: number, code: string): void {
  assert.equal(reply.status, status);
  assert.equal(reply.body.code, code);
  assert.match(String(reply.headers['content-type']), /^application\/problem\+json/);
  if (status === 503) assert.match(String(reply.headers['retry-after']), /^[1-9][0-9]*$/);
}

async function metric(name: string): Promise<number> {
  const { text } = await service.get('/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  assert.ok(line, `no metric ${name}`);
  return Number(line.slice(name.length + 1));
}

test('with the queue full the next command is told to come back, and how long to wait', async () => {
  const user = await registerUser(service);
  const body = { userId: user.id, assetSlug, amount: '1' };
  const funded = await service.post('/transactions/topup', body);
  const holder = await database.connect();
  try {
    await holdWallets(holder, await walletIdOf(observer, user.id, assetSlug));
    const running = service.post('/transactions/topup', body);
    await untilWritersWait(observer);
    const [commands, batches] = [
      await metric('coffer_batch_commands_sum'),
      await metric('coffer_batch_commands_count'),
    ];
    const waiting = [service.post('/transactions/topup', body), service.post('/transactions/topup', body)];
    await until('two commands wait', async () => (await metric('coffer_queue_depth')) === 2);
    assertProblem(await service.post('/transactions/topup', body), 503, 'overloaded');
    await holder.query('commit');
    const replies = [funded, await running, ...(await Promise.all(waiting))];
    assert.deepEqual(
      replies.map(({ body }) => body.balanceAfter),
      ['1', '2', '3', '4'],
    );
    assert.equal((await metric('coffer_batch_commands_sum')) - commands, 3);
    assert.equal(
      (await metric('coffer_batch_commands_count')) - batches,
      2,
      'the two that waited shared a batch',
    );
  } finally {
    await holder.end();
  }
});

test('a command that the database refuses is a 500 that leaks nothing, and its neighbour is none the wiser', async () => {
  const user = await registerUser(service);
  const body = { userId: user.id, assetSlug, amount: '1' };
  await failAppends(observer, { correlationId: 'poison', sqlState: 'P0001' });
  const [bad, good] = await Promise.all([
    service.post('/transactions/topup', body, undefined, { 'x-request-id': 'poison' }),
    service.post('/transactions/topup', body),
  ]);
  assertProblem(bad, 500, 'internal_error');
  assert.doesNotMatch(bad.text, /refused by the test|P0001|events/);
  assert.equal(good.status, 201);
  assert.equal(good.body.balanceAfter, '1');
});

test('in a batch for themselves too, each in its place', async () => {
  const user = await registerUser(service);
  const fields = { type: 'topup', userId: user.id, assetSlug, amount: '1' };
  const commands = ['a', 'b'].map((suffix) => ({ idempotencyKey: `${user.id}-${suffix}`, ...fields }));
  await failAppends(observer, { correlationId: 'poisoned', sqlState: 'P0001', times: 2 });
  const first = await service.post('/transactions/batch', { commands }, '', { 'x-request-id': 'poisoned' });
  assert.equal(first.status, 200);
  const codes = first.body.results.map(({ status, body }: Reply) => body.code ?? status);
  assert.deepEqual(codes, ['internal_error', 201], 'of the two together, then of the first alone');
  assert.doesNotMatch(first.text, /refused by the test|P0001/);
  assert.equal(first.headers['idempotent-replayed'], undefined);
  const again = await service.post('/transactions/batch', { commands }, '');
  assert.deepEqual(
    again.body.results.map(({ body }: Reply) => body.balanceAfter),
    ['2', '1'],
  );
});

test('a commit of unknown fate is a 201 once it is known', async () => {
  const user = await registerUser(service);
  const key = randomUUID();
  const lost = proxy.once('commit', 'lose_answer');
  const body = { userId: user.id, assetSlug, amount: '1' };
  const reply = await service.post('/transactions/topup', body, key);
  await lost;
  assert.equal(reply.status, 201);
  assert.equal(reply.headers['idempotent-replayed'], undefined);
  const again = await service.post('/transactions/topup', body, key);
  assert.deepEqual([again.text, again.headers['idempotent-replayed']], [reply.text, 'true']);
});

test('while the database is away writes are 503, and without a restart they are served when it is back', async () => {
  const user = await registerUser(service);
  const key = randomUUID();
  const body = { userId: user.id, assetSlug, amount: '1' };
  proxy.cutOff();
  try {
    assertProblem(await service.post('/transactions/topup', body, key), 503, 'database_unavailable');
    assert.equal((await service.get('/ready')).status, 503);
    assert.equal((await service.get('/health')).status, 200);
  } finally {
    proxy.restore();
  }
  const reply = await service.post('/transactions/topup', body, key);
  assert.equal(reply.status, 201);
  assert.equal((await service.get('/ready')).status, 200);
  const balance = await service.get(`/wallets/${user.id}/${assetSlug}/balance?consistency=strong`);
  assert.equal(balance.body.balance, '1');
});

test('sessions that break in the middle of anything, reads and projections included, end no process', async () => {
  const user = await registerUser(service);
  const body = { userId: user.id, assetSlug, amount: '1' };
  for (let round = 0; round < 5; round += 1) {
    const writes = Array.from({ length: 2 }, () => service.post('/transactions/topup', body));
    await observer.query(`
select pg_terminate_backend(pid)
  from pg_stat_activity where datname = current_database() and application_name like 'coffer%'`);
    for (const { status } of await Promise.all(writes)) assert.ok(status === 201 || status === 503);
  }
  const last = await until('a write goes through', async () => {
    const reply = await service.post('/transactions/topup', body);
    return reply.status === 201 && reply;
  });
  await until('the read models have caught up', async () => {
    const path = `/wallets/${user.id}/${assetSlug}/balance?atLeast=${last.body.position}`;
    return (await service.get(path)).body.balance === last.body.balanceAfter;
  });
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
