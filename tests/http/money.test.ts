import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { balanceAt, createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { giveBonus, newHolder, spend, topUp, transfer, walletOf } from './payments.ts';

const MOST = '9'.repeat(38);

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
  const reply = await service.post('/transactions/topup', {
    userId: user.id,
    assetSlug: slug,
    amount: '100',
  });
  assert.equal(reply.status, 201);
  const { transactionId, position, recordedAt, entries, ...rest } = reply.body;
  assert.deepEqual(rest, {
    type: 'topup',
    status: 'posted',
    asset: slug,
    userId: user.id,
    amount: '100',
    balanceAfter: '100',
    reference: null,
    metadata: null,
  });
  const [{ walletId: treasury }, { walletId }] = entries;
  assert.deepEqual(entries, [
    { walletId: treasury, direction: 'DEBIT', amount: '100', balanceAfter: '-100' },
    { walletId, direction: 'CREDIT', amount: '100', balanceAfter: '100' },
  ]);
  assert.ok(transactionId && recordedAt);
  assert.equal(reply.headers['coffer-position'], position);
  assert.equal(await balanceAt(service, user.id, slug, position), '100');
});

test('a spend takes back to the treasury, a bonus gives like a top-up', async () => {
  const holder = await newHolder(service);
  await giveBonus(service, holder, '100');
  const { body } = await spend(service, holder, '30');
  assert.equal(body.type, 'spend');
  assert.equal(body.balanceAfter, '70');
  assert.deepEqual(
    body.entries.map(({ direction, balanceAfter }: Record<string, string>) => [direction, balanceAfter]),
    [
      ['DEBIT', '70'],
      ['CREDIT', '-70'],
    ],
  );
});

test("a transfer answers the sender's balance, and the receiver's in its entries", async () => {
  const from = await newHolder(service);
  const to = await newHolder(service, from.assetSlug);
  await topUp(service, from, '10');
  const reply = await transfer(service, { from, to }, '4');
  assert.equal(reply.status, 201);
  assert.equal(reply.body.userId, from.userId);
  assert.equal(reply.body.toUserId, to.userId);
  assert.equal(reply.body.balanceAfter, '6');
  assert.equal(reply.body.entries[1].balanceAfter, '4');
  assert.equal(await balanceAt(service, to.userId, to.assetSlug, reply.body.position), '4');
});

test('more than there is cannot be spent or transferred, and nothing moves', async () => {
  const from = await newHolder(service);
  const to = await newHolder(service, from.assetSlug);
  await topUp(service, from, '10');
  const spent = await spend(service, from, '11');
  expectProblem(spent, 'insufficient_funds', '/transactions/spend');
  const sent = await transfer(service, { from, to }, '11');
  expectProblem(sent, 'insufficient_funds', '/transactions/transfer');
  for (const { body, headers } of [spent, sent]) {
    assert.equal(body.available, '10');
    assert.equal(body.required, '11');
    assert.match(String(headers['coffer-position']), /^[1-9][0-9]*$/);
  }
  const position = String(sent.headers['coffer-position']);
  assert.equal(await balanceAt(service, from.userId, from.assetSlug, position), '10');
  assert.equal((await spend(service, from, '10')).body.balanceAfter, '0');
});

test('a declined attempt can be looked up: why, and what it asked for', async () => {
  const poor = await newHolder(service);
  const refused = await spend(service, poor, '5', { reference: 'order-7', metadata: { a: 'b' } });
  const { transactionId } = refused.body;
  const { body } = await service.get(`/transactions/${transactionId}`);
  const { status, amount, entries, balanceAfter, reference, metadata, rejection, position } = body;
  assert.deepEqual(
    { status, amount, entries, balanceAfter, reference, metadata, rejection, position },
    {
      status: 'rejected',
      amount: '5',
      entries: [],
      balanceAfter: null,
      reference: 'order-7',
      metadata: { a: 'b' },
      rejection: {
        code: 'insufficient_funds',
        detail: refused.body.detail,
        figures: { available: '0', required: '5' },
      },
      position: refused.headers['coffer-position'],
    },
  );
});

test('amounts of 38 digits go all the way through, and one more is out of range', async () => {
  const holder = await newHolder(service);
  const reply = await topUp(service, holder, MOST);
  assert.equal(reply.body.balanceAfter, MOST);
  assert.ok(reply.text.includes(`"amount":"${MOST}"`));
  const refused = await topUp(service, holder, '1');
  expectProblem(refused, 'balance_out_of_range', '/transactions/topup');
  const position = String(refused.headers['coffer-position']);
  assert.equal(await balanceAt(service, holder.userId, holder.assetSlug, position), MOST);
  const history = await service.get(`/wallets/${walletOf(reply)}/history`);
  assert.equal(history.body.data[0].amount, MOST);
  const trial = await service.get(`/audit/trial-balance?atLeast=${position}`);
  const line = trial.body.assets.find(({ asset }: { asset: string }) => asset === holder.assetSlug);
  assert.equal(line.circulation, MOST);
  assert.equal((await spend(service, holder, MOST)).body.balanceAfter, '0');
});

test('reference and metadata are given back wherever the transaction is shown', async () => {
  const holder = await newHolder(service);
  const more = { reference: 'order-1 ü \u{1f600}', metadata: { zone: 'eu', 'a b': '', ключ: 'значение' } };
  const reply = await topUp(service, holder, '5', more);
  assert.equal(reply.body.reference, more.reference);
  assert.deepEqual(reply.body.metadata, more.metadata);
  const shown = await service.get(`/transactions/${reply.body.transactionId}`);
  assert.deepEqual(shown.body, reply.body);
  const listed = await service.get(
    `/transactions?reference=${encodeURIComponent(more.reference)}&atLeast=${reply.body.position}`,
  );
  assert.deepEqual(listed.body.data, [reply.body]);
  const [line] = (await service.get(`/wallets/${walletOf(reply)}/history`)).body.data;
  assert.equal(line.reference, more.reference);
  assert.deepEqual(line.metadata, more.metadata);
});

test('personal metadata is shown, but the log does not hold it', async () => {
  const holder = await newHolder(service);
  const metadata = { recipient: 'Alice Secretive', order: 'A-1' };
  const reply = await topUp(service, holder, '5', { metadata, personalMetadata: ['recipient'] });
  assert.deepEqual(reply.body.metadata, metadata);
  const after = BigInt(reply.body.position) - 1n;
  const [event] = (await service.get(`/events?after=${after}&limit=1`)).body.data;
  assert.deepEqual(event.data.metadata, { order: 'A-1' });
  assert.match(event.data.personalMetadata.recipient, /^[0-9a-f]{64}$/);
  const whole = await service.get('/events?limit=500');
  assert.ok(!whole.text.includes('Secretive'));
  assert.ok(!whole.text.includes('@example.com'), 'an e-mail is in the log');
  assert.deepEqual((await service.get(`/transactions/${reply.body.transactionId}`)).body.metadata, metadata);
  assert.deepEqual(
    (await service.get(`/wallets/${walletOf(reply)}/history`)).body.data[0].metadata,
    metadata,
  );
});

test('personal metadata must name pairs that are there', async () => {
  const holder = await newHolder(service);
  for (const more of [{ personalMetadata: ['a'] }, { metadata: { b: 'c' }, personalMetadata: ['b', 'a'] }]) {
    expectInvalid(await topUp(service, holder, '5', more), '/transactions/topup', ['personalMetadata']);
  }
});
