/** Reversals: what a transaction moved goes back, wholly or in part, never more than it was. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf } from '../support/ledger-facts.ts';
import { startService, unique, type Reply, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, spend, topUp, transfer, type Holder } from './payments.ts';

const NOBODY = '01998a6e-7c00-7abc-8000-00000000dead';

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let holder: Holder;
let toppedUp: Reply;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
});

beforeEach(async () => {
  holder = await newHolder(service);
  toppedUp = await topUp(service, holder, '100');
});

after(async () => {
  await assertLedgerIsSound(owner);
  await owner.end();
  await service.close();
  await database.drop();
});

function pathOf(reply: Reply): string {
  return `/transactions/${reply.body.transactionId}/reverse`;
}

function reverse(original: Reply, body: object = {}): Promise<Reply> {
  return service.post(pathOf(original), body);
}

const balance = () => balanceOf(owner, holder.userId, holder.assetSlug);

test('a reversal takes back the whole, and both say so', async () => {
  const reply = await reverse(toppedUp, { reason: 'chargeback' });
  assert.equal(reply.status, 201, reply.text);
  const { type, amount, balanceAfter, userId, reverses, reason } = reply.body;
  assert.deepEqual(
    [type, amount, balanceAfter, userId, reason],
    ['reversal', '100', '0', holder.userId, 'chargeback'],
  );
  assert.equal(reverses, toppedUp.body.transactionId);
  assert.equal(await balance(), '0');
  const { body: original } = await service.get(`/transactions/${toppedUp.body.transactionId}`);
  assert.deepEqual(original.reversals, [
    {
      transactionId: reply.body.transactionId,
      amount: '100',
      position: reply.body.position,
      recordedAt: reply.body.recordedAt,
    },
  ]);
  assert.equal(original.reversedAmount, '100');
  const { body: reversal } = await service.get(`/transactions/${reply.body.transactionId}`);
  assert.deepEqual(reversal, reply.body);
});

test('parts add up to the original and no further', async () => {
  assert.equal((await reverse(toppedUp, { amount: '30' })).status, 201);
  assert.equal((await reverse(toppedUp, { amount: '30' })).status, 201);
  const tooMuch = await reverse(toppedUp, { amount: '41' });
  expectProblem(tooMuch, 'reversal_exceeds_original', pathOf(toppedUp));
  assert.deepEqual([tooMuch.body.remaining, tooMuch.body.required], ['40', '41']);
  assert.equal((await reverse(toppedUp)).body.amount, '40');
  expectProblem(await reverse(toppedUp), 'reversal_exceeds_original', pathOf(toppedUp));
  expectProblem(await reverse(toppedUp, { amount: '1' }), 'reversal_exceeds_original', pathOf(toppedUp));
  assert.equal(await balance(), '0');
});

test('a spend, a transfer and a capture go back to who paid', async () => {
  const other = await newHolder(service, holder.assetSlug);
  const spent = await spend(service, holder, '10');
  assert.equal((await reverse(spent)).body.balanceAfter, '100');
  const sent = await transfer(service, { from: holder, to: other }, '20');
  assert.equal((await reverse(sent, { amount: '5' })).body.balanceAfter, '85');
  const { body: hold } = await service.post('/holds', { ...holder, amount: '50' });
  const captured = await service.post(`/holds/${hold.holdId}/capture`, { amount: '50' });
  assert.equal((await reverse(captured)).body.balanceAfter, '85');
  assert.equal(await balance(), '85');
});

test('several postings go back together, the last one first, and only as a whole', async () => {
  const fees = unique('fees');
  const user = { userId: holder.userId };
  const { assetSlug } = holder;
  const posted = await service.post('/transactions', {
    postings: [
      { from: user, to: { system: fees }, assetSlug, amount: '5' },
      { from: { system: fees }, to: { system: 'treasury' }, assetSlug, amount: '5' },
    ],
  });
  expectInvalid(await reverse(posted, { amount: '1' }), pathOf(posted), ['amount']);
  const reply = await reverse(posted);
  assert.equal(reply.status, 201, reply.text);
  assert.deepEqual([reply.body.amount, reply.body.entries.length], [null, 4]);
  assert.equal(await balance(), '100');
  expectProblem(await reverse(posted), 'reversal_exceeds_original', pathOf(posted));
  const { body: original } = await service.get(`/transactions/${posted.body.transactionId}`);
  assert.equal(original.reversedAmount, null);
  assert.equal(original.reversals.length, 1);
});

test('a reversal is not reversed, nor a declined attempt', async () => {
  const reply = await reverse(toppedUp, { amount: '1' });
  expectProblem(await reverse(reply), 'not_reversible', pathOf(reply));
  const declined = await spend(service, holder, '1000');
  expectProblem(await reverse(declined), 'not_reversible', pathOf(declined));
  const path = `/transactions/${NOBODY}/reverse`;
  expectProblem(await service.post(path, {}), 'transaction_not_found', path);
  const { body: hold } = await service.post('/holds', { ...holder, amount: '1' });
  const ofHold = `/transactions/${hold.holdId}/reverse`;
  expectProblem(await service.post(ofHold, {}), 'transaction_not_found', ofHold);
});

test('who has spent it cannot give it back, unless by force; then credits fill the hole first', async () => {
  await spend(service, holder, '70');
  const declined = await reverse(toppedUp);
  expectProblem(declined, 'insufficient_funds', pathOf(toppedUp));
  assert.deepEqual([declined.body.available, declined.body.required], ['30', '100']);
  await service.post(`/users/${holder.userId}/status`, { status: 'BANNED' });
  expectProblem(await reverse(toppedUp, { amount: '1' }), 'user_banned', pathOf(toppedUp));
  const forced = await reverse(toppedUp, { force: true, reason: 'fraud' });
  assert.equal(forced.status, 201, forced.text);
  assert.equal(forced.body.balanceAfter, '-70');
  await service.post(`/users/${holder.userId}/status`, { status: 'ACTIVE' });
  expectProblem(await spend(service, holder, '1'), 'insufficient_funds', '/transactions/spend');
  await topUp(service, holder, '50');
  expectProblem(await spend(service, holder, '1'), 'insufficient_funds', '/transactions/spend');
  await topUp(service, holder, '50');
  assert.equal((await spend(service, holder, '30')).body.balanceAfter, '0');
});

test('force breaks no cap, and takes from no system account what it does not have', async () => {
  const assetSlug = unique('capped');
  await service.post('/assets', { slug: assetSlug, supplyCap: '100' });
  const capped = await newHolder(service, assetSlug);
  await topUp(service, capped, '100');
  const spent = await spend(service, capped, '60');
  await topUp(service, capped, '60');
  expectProblem(await reverse(spent, { force: true }), 'supply_cap_exceeded', pathOf(spent));
  const revenue = { system: unique('revenue') };
  const toRevenue = { from: { userId: capped.userId }, to: revenue, assetSlug, amount: '10' };
  const posted = await service.post('/transactions', { postings: [toRevenue] });
  const away = { from: revenue, to: { system: 'treasury' }, assetSlug, amount: '10' };
  await service.post('/transactions', { postings: [away] });
  expectProblem(await reverse(posted, { force: true }), 'insufficient_funds', pathOf(posted));
});

test('reversals that race for one transaction never take more than it moved', async () => {
  const second = await startService(database, { worker: false });
  try {
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? service : second).post(pathOf(toppedUp), { amount: '15' }),
      ),
    );
    assert.equal(replies.filter(({ status }) => status === 201).length, 6);
    for (const { status, body } of replies)
      assert.ok(status === 201 || body.code === 'reversal_exceeds_original');
    assert.equal(await balance(), '10');
  } finally {
    await second.close();
  }
});

test('a key stands for one reversal', async () => {
  const first = await service.post(pathOf(toppedUp), { amount: '10' }, 'reversal-key');
  const again = await service.post(pathOf(toppedUp), { amount: '10' }, 'reversal-key');
  assert.deepEqual([again.text, again.headers['idempotent-replayed']], [first.text, 'true']);
  const other = await service.post(pathOf(toppedUp), { amount: '10', force: true }, 'reversal-key');
  expectProblem(other, 'idempotency_key_reused', pathOf(toppedUp));
  assert.deepEqual(other.body.differs, ['force']);
  assert.equal(await balance(), '90');
});

test('what cannot be meant is a 400', async () => {
  for (const [body, path] of [
    [{ amount: '0' }, 'amount'],
    [{ amount: 1 }, 'amount'],
    [{ force: 'yes' }, 'force'],
    [{ reason: '' }, 'reason'],
    [{ why: 'x' }, 'why'],
  ] as const)
    expectInvalid(await reverse(toppedUp, body), pathOf(toppedUp), [path]);
  assert.equal(await balance(), '100');
});

test('a reversal without a body takes back all that is left', async () => {
  const response = await service.http.inject({
    method: 'POST',
    url: pathOf(toppedUp),
    headers: { 'idempotency-key': unique('key') },
  });
  assert.equal(response.statusCode, 201, response.payload);
  assert.equal(await balance(), '0');
});
