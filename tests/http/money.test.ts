import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { balanceAt, createAsset, registerUser, startService, type Service } from '../support/service.ts';

let database: TestDatabase;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
});

after(async () => {
  await service.close();
  await database.drop();
});

test('a top-up is answered with its entries and reaches the balance', async () => {
  const user = await registerUser(service);
  const slug = await createAsset(service);
  const reply = await service.post('/transactions/topup', { userId: user.id, assetSlug: slug, amount: '100' });
  assert.equal(reply.status, 201);
  assert.equal(reply.body.balanceAfter, '100');
  assert.equal(reply.headers['coffer-position'], reply.body.position);
  assert.equal(await balanceAt(service, user.id, slug, reply.body.position), '100');
});
