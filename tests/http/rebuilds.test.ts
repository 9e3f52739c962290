import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { newHolder, topUp } from './payments.ts';

let database: TestDatabase;
let owner: pg.Client;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  service = await startService(database);
});

after(async () => {
  await service.close();
  await owner.end();
  await database.drop();
});

type Rebuild = Record<string, string | null>;

async function rebuilds(): Promise<Rebuild[]> {
  return (await service.get('/projections/rebuilds')).body.data;
}

function untilEnded(id: string): Promise<Rebuild> {
  return until(`${id} has ended`, async () =>
    (await rebuilds()).find((rebuild) => rebuild['id'] === id && rebuild['finishedAt'] !== null),
  );
}

test('a rebuild takes over, and heals what was wrong', async () => {
  assert.deepEqual(await rebuilds(), []);
  const holder = await newHolder(service);
  const { headers } = await topUp(service, holder, '100');
  const balance = `/wallets/${holder.userId}/${holder.assetSlug}/balance?atLeast=${String(headers['coffer-position'])}`;
  assert.equal((await service.get(balance)).body.balance, '100');
  await owner.query('update read.wallet_balances set balance = 7');
  assert.equal((await service.get(balance)).body.balance, '7');
  const { status, body } = await service.post('/projections/wallet_balances/rebuild', {});
  assert.equal(status, 202);
  assert.equal(body.id, 'wallet_balances-2');
  const ended = await untilEnded('wallet_balances-2');
  assert.equal(ended['state'], 'done');
  assert.equal(ended['eventsDone'], ended['eventsTotal']);
  assert.equal(ended['eventsTotal'], headers['coffer-position']);
  assert.equal(ended['differences'], '2');
  assert.equal((await service.get(balance)).body.balance, '100');
});

test('one that is under way is joined, one for another purpose is a conflict', async () => {
  await owner.query('begin');
  // No step comes past this.
  await owner.query('lock table read.generations in row exclusive mode');
  await owner.query("select from read.generations where state = 'live' and projection = 'holds' for update");
  const asked = [1, 2].map(() => service.post('/projections/holds/rebuild', {}));
  await owner.query('rollback');
  const [one, other] = await Promise.all(asked);
  assert.equal(one?.status, 202);
  assert.equal(other?.body.id, one?.body.id);
  await untilEnded(one?.body.id);
  await owner.query(`
insert into read.generations (projection, generation, version, state, dry_run)
select 'lots', 9, version + 1, 'building', true
  from read.generations
 where projection = 'lots'
   and state = 'live'`);
  const refused = await service.post('/projections/lots/rebuild', {});
  assert.equal(refused.status, 409);
  assert.equal(refused.body.code, 'rebuild_under_way');
  await owner.query("delete from read.generations where projection = 'lots' and generation = 9");
});

test('a rollback goes back to the generation before, where there is one', async () => {
  const refused = await service.post('/projections/transactions/rollback', {});
  assert.equal(refused.status, 409);
  assert.equal(refused.body.code, 'rollback_impossible');
  const { status, body } = await service.post('/projections/wallet_balances/rollback', {});
  assert.equal(status, 200);
  assert.equal(body.id, 'wallet_balances-1');
  const ended = await untilEnded('wallet_balances-1');
  assert.equal(ended['state'], 'done');
  const { rows } = await owner.query(
    "select generation from read.generations where projection = 'wallet_balances' and state = 'live'",
  );
  assert.deepEqual(rows, [{ generation: 1 }]);
});

test('a projection that does not exist, and a body with fields, are refused', async () => {
  for (const action of ['rebuild', 'rollback']) {
    const unknown = await service.post(`/projections/none/${action}`, {});
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body.code, 'projection_not_found');
    assert.equal((await service.post(`/projections/holds/${action}`, { dryRun: true })).status, 400);
  }
});
