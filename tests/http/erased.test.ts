import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, unique, type Service } from '../support/service.ts';
import { expectProblem } from './expect-problem.ts';
import { newHolder, topUp, walletOf } from './payments.ts';

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

async function erase(userId: string): Promise<void> {
  const owner = await database.connect();
  const { rowCount } = await owner.query('delete from personal where subject_id = $1', [userId]);
  await owner.end();
  assert.notEqual(rowCount, 0);
}

test('a replay that would show what was erased is a 410, and so is its key', async () => {
  const email = `${unique('forgotten')}@example.com`;
  const { body } = await service.post('/users', { email }, 'erased-1');
  await erase(body.id);
  expectProblem(await service.post('/users', { email }, 'erased-1'), 'subject_erased', '/users');
  expectProblem(
    await service.get('/idempotency-keys/erased-1'),
    'subject_erased',
    '/idempotency-keys/erased-1',
  );
  const shown = await service.get(`/users/${body.id}?atLeast=${body.position}`);
  assert.equal(shown.body.email, null);
  assert.equal(shown.body.id, body.id);
});

test('a transaction of someone erased is still there, without what was personal', async () => {
  const holder = await newHolder(service);
  const more = {
    key: 'erased-2',
    metadata: { recipient: 'Alice', order: 'A-1' },
    personalMetadata: ['recipient'],
  };
  const posted = await topUp(service, holder, '5', more);
  await erase(holder.userId);
  const { transactionId, position } = posted.body;
  const expected = { ...posted.body, metadata: { order: 'A-1' } };
  assert.deepEqual((await service.get(`/transactions/${transactionId}`)).body, expected);
  const listed = await service.get(`/transactions?userId=${holder.userId}&atLeast=${position}`);
  assert.deepEqual(listed.body.data, [expected]);
  const history = await service.get(`/wallets/${walletOf(posted)}/history`);
  assert.deepEqual(history.body.data[0].metadata, { order: 'A-1' });
  expectProblem(await topUp(service, holder, '5', more), 'subject_erased', '/transactions/topup');
});

test('an e-mail that was erased is free for somebody new', async () => {
  const email = `${unique('again')}@example.com`;
  const { body } = await service.post('/users', { email });
  await erase(body.id);
  const second = await service.post('/users', { email });
  assert.equal(second.status, 201);
  assert.notEqual(second.body.id, body.id);
});
