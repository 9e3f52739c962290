/** Bonuses that expire: how they are given, and spent before anything else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headPosition } from '../support/ledger-facts.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { openedLots } from './lot-holder.ts';
import { giveBonus, newHolder, spend, topUp, transfer, type More } from './payments.ts';

const at = openedLots();
const { balance, expectBalance, inMs, left, lot, lots } = at;

test('a bonus with an end says so, and is part of the balance', async () => {
  const expiresAt = inMs(86_400_000);
  const reply = await giveBonus(at.service, at.holder, '30', { expiresAt });
  assert.equal(reply.status, 201, reply.text);
  const { transactionId: lotId, position, entries } = reply.body;
  assert.equal(reply.body.expiresAt, expiresAt);
  assert.deepEqual(entries[1].lots, [{ lotId, amount: '30' }]);
  const strong = await balance();
  assert.equal(strong.body.balance, '130');
  assert.deepEqual(strong.body.expiring, [{ amount: '30', at: expiresAt }]);
  const projected = await balance(`?atLeast=${position}`);
  assert.deepEqual(projected.body, { ...strong.body, position: projected.body.position });
  assert.equal('expiring' in (await balance(`?asOf=${position}`)).body, false);
  const { data } = (await lots()).body;
  assert.deepEqual(data, [
    {
      ...{
        lotId,
        walletId: at.walletId,
        amount: '30',
        remaining: '30',
        reserved: '0',
        spent: '0',
        expired: '0',
      },
      ...{ status: 'open', expiresAt },
    },
  ]);
});

test('days count from the decision', async () => {
  const { body } = await giveBonus(at.service, at.holder, '1', { expiresInDays: 2 });
  const { data } = (await at.service.get(`/events?after=${BigInt(body.position) - 1n}&limit=1`)).body;
  assert.equal(Date.parse(body.expiresAt), Date.parse(data[0].occurredAt) + 2 * 86_400_000);
});

test('a plain balance and a plain bonus expire never', async () => {
  const reply = await giveBonus(at.service, at.holder, '5');
  assert.equal('expiresAt' in reply.body, false);
  assert.deepEqual((await balance()).body.expiring, []);
  assert.deepEqual((await lots()).body.data, []);
});

test('spending takes what ends first, and plain balance last', async () => {
  const late = await lot('10', { expiresInDays: 20 });
  const early = await lot('10', { expiresInDays: 10 });
  const first = await spend(at.service, at.holder, '15');
  assert.deepEqual(first.body.entries[0].lots, [
    { lotId: early, amount: '10' },
    { lotId: late, amount: '5' },
  ]);
  const second = await spend(at.service, at.holder, '15');
  assert.deepEqual(second.body.entries[0].lots, [{ lotId: late, amount: '5' }]);
  assert.equal('lots' in (await spend(at.service, at.holder, '15')).body.entries[0], false);
  assert.deepEqual(await left(late, early), ['0', '0']);
  assert.deepEqual(
    (await lots('&open=false')).body.data.map((each: { status: string; spent: string }) => [
      each.status,
      each.spent,
    ]),
    [
      ['spent', '10'],
      ['spent', '10'],
    ],
  );
  await expectBalance('75');
});

test('several postings see what those before them have taken', async () => {
  const lotId = await lot('10');
  const posting = {
    from: { userId: at.holder.userId },
    to: { system: 'revenue' },
    assetSlug: at.holder.assetSlug,
  };
  const postings = ['6', '6'].map((amount) => ({ ...posting, amount }));
  const { body, status, text } = await at.service.post('/transactions', { postings });
  assert.equal(status, 201, text);
  assert.deepEqual(body.entries[0].lots, [{ lotId, amount: '6' }]);
  assert.deepEqual(body.entries[2].lots, [{ lotId, amount: '4' }]);
});

test('what is transferred is plain to who receives it', async () => {
  const lotId = await lot('10');
  const to = await newHolder(at.service, at.holder.assetSlug);
  const reply = await transfer(at.service, { from: at.holder, to }, '8');
  assert.deepEqual(reply.body.entries[0].lots, [{ lotId, amount: '8' }]);
  assert.equal('lots' in reply.body.entries[1], false);
  assert.deepEqual(await left(lotId), ['2']);
});

test('the same key gives the same bytes, and another end is another request', async () => {
  const key = crypto.randomUUID();
  const first = await giveBonus(at.service, at.holder, '5', { key, expiresInDays: 3 });
  const again = await giveBonus(at.service, at.holder, '5', { key, expiresInDays: 3 });
  assert.equal(again.text, first.text);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  const other = await giveBonus(at.service, at.holder, '5', { key, expiresInDays: 4 });
  expectProblem(other, 'idempotency_key_reused', '/transactions/bonus');
  assert.deepEqual(other.body.differs, ['expiresInDays']);
});

test('an end that is past, far, said twice or no time is a 400, and gives nothing', async () => {
  const path = '/transactions/bonus';
  const ask = (more: More) => giveBonus(at.service, at.holder, '5', more);
  const head = await headPosition(at.owner);
  expectInvalid(await ask({ expiresAt: inMs(-1_000) }), path, ['expiresAt']);
  expectInvalid(await ask({ expiresAt: inMs(3_661 * 86_400_000) }), path, ['expiresAt']);
  expectInvalid(await ask({ expiresAt: 'tomorrow' }), path, ['expiresAt']);
  expectInvalid(await ask({ expiresAt: 1_900_000_000 }), path, ['expiresAt']);
  expectInvalid(await ask({ expiresInDays: 0 }), path, ['expiresInDays']);
  expectInvalid(await ask({ expiresInDays: 3_661 }), path, ['expiresInDays']);
  expectInvalid(await ask({ expiresInDays: '3' }), path, ['expiresInDays']);
  expectInvalid(await ask({ expiresInDays: 3, expiresAt: inMs(86_400_000) }), path, ['expiresInDays']);
  const topped = await topUp(at.service, at.holder, '5', { expiresInDays: 3 });
  expectInvalid(topped, '/transactions/topup', ['expiresInDays']);
  assert.equal(await headPosition(at.owner), head);
});

test('a batch gives and spends lots in its order', async () => {
  const commands = [
    { idempotencyKey: crypto.randomUUID(), type: 'bonus', ...at.holder, amount: '30', expiresInDays: 3 },
    { idempotencyKey: crypto.randomUUID(), type: 'spend', ...at.holder, amount: '40' },
  ];
  const { body } = await at.service.post('/transactions/batch', { commands, atomic: true }, '');
  const [given, spent] = body.results;
  assert.deepEqual([given.status, spent.status], [201, 201]);
  assert.deepEqual(spent.body.entries[0].lots, [{ lotId: given.body.transactionId, amount: '30' }]);
});

test('a wallet has a bounded number of open lots', async () => {
  const commands = Array.from({ length: 501 }, () => ({
    ...{ idempotencyKey: crypto.randomUUID(), type: 'bonus', ...at.holder, amount: '1', expiresInDays: 3 },
  }));
  const { body } = await at.service.post('/transactions/batch', { commands }, '');
  assert.deepEqual(
    body.results.slice(-2).map((result: { status: number }) => result.status),
    [201, 422],
  );
  assert.equal(body.results.at(-1).body.code, 'too_many_lots');
  const spent = await spend(at.service, at.holder, '600');
  assert.equal(spent.status, 201, spent.text);
  assert.equal(spent.body.entries[0].lots.length, 500);
});
