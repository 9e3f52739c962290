import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, spend, topUp } from './payments.ts';

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

test('a key shows what its write was answered, byte for byte', async () => {
  const holder = await newHolder(service);
  const key = randomUUID();
  const accepted = await topUp(service, holder, '5', {
    key,
    metadata: { b: '1', a: '2' },
    personalMetadata: ['a'],
  });
  const shown = await service.get(`/idempotency-keys/${key}`);
  assert.equal(shown.status, 200);
  const { position } = accepted.body;
  assert.equal(shown.text, `{"status":201,"position":"${position}","outcome":${accepted.text}}`);
  assert.ok(BigInt(String(shown.headers['coffer-position'])) >= BigInt(position));
});

test('a refusal that was remembered is shown as it was answered', async () => {
  const holder = await newHolder(service);
  const key = randomUUID();
  const refused = await spend(service, holder, '5', { key });
  const shown = await service.get(`/idempotency-keys/${key}`);
  const position = String(refused.headers['coffer-position']);
  assert.equal(shown.text, `{"status":422,"position":"${position}","outcome":${refused.text}}`);
});

test('every kind of write can be asked for by its key', async () => {
  const holder = await newHolder(service);
  const { body } = await topUp(service, holder, '5');
  for (const path of [
    `/users/${holder.userId}/status`,
    `/assets/${holder.assetSlug}/status`,
    `/wallets/${body.entries[1].walletId}/status`,
  ]) {
    const key = randomUUID();
    const written = await service.post(path, { status: 'ACTIVE' }, key);
    assert.deepEqual((await service.get(`/idempotency-keys/${key}`)).body.outcome, written.body);
  }
});

test('any key can be asked for, percent-encoded', async () => {
  const holder = await newHolder(service);
  const stem = randomUUID();
  for (const key of [
    `${stem}/a/b`,
    `${stem}?x=1&y#z`,
    `${stem}%2F`,
    `${stem}"\\<>{}`,
    `%${stem}`,
    `${stem}..%00`,
  ]) {
    const { body } = await topUp(service, holder, '1', { key });
    const shown = await service.get(`/idempotency-keys/${encodeURIComponent(key)}`);
    assert.equal(shown.status, 200, key);
    assert.equal(shown.body.outcome.transactionId, body.transactionId);
  }
  const longest = '%'.repeat(255);
  await topUp(service, holder, '1', { key: longest });
  assert.equal((await service.get(`/idempotency-keys/${encodeURIComponent(longest)}`)).status, 200);
});

test('a key that nothing was recorded with is unknown', async () => {
  const key = randomUUID();
  const path = `/idempotency-keys/${key}`;
  expectProblem(await service.get(path), 'idempotency_key_unknown', path);
  await service.post('/users', { email: 'not an e-mail' }, key);
  expectProblem(await service.get(path), 'idempotency_key_unknown', path);
});

test('what can be no key is a 400 or unknown, never a failure', async () => {
  const tooLong = `/idempotency-keys/${'x'.repeat(256)}`;
  expectInvalid(await service.get(tooLong), tooLong, ['key']);
  const beyond = `/idempotency-keys/${'x'.repeat(2_000)}`;
  const reply = await service.get(beyond);
  expectProblem(reply, reply.status === 400 ? 'validation_failed' : 'not_found', beyond);
  for (const key of ['%20', '%F0%9F%98%80', '%00']) {
    expectProblem(
      await service.get(`/idempotency-keys/${key}`),
      'idempotency_key_unknown',
      `/idempotency-keys/${key}`,
    );
  }
});
