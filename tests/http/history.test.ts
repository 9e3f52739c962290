import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Reply, type Service } from '../support/service.ts';
import { expectInvalid } from './expect-problem.ts';
import type { Item } from './pages-of.ts';
import { giveBonus, newHolder, spend, topUp, transfer, walletOf, type Holder } from './payments.ts';

let database: TestDatabase;
let service: Service;
let alice: Holder;
let bob: Holder;
let path: string;
const written: Reply[] = [];

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  alice = await newHolder(service);
  bob = await newHolder(service, alice.assetSlug);
  written.push(await topUp(service, alice, '100', { reference: 'r-1', metadata: { a: 'b' } }));
  written.push(await giveBonus(service, alice, '50'));
  written.push(await spend(service, alice, '30'));
  await spend(service, alice, '9999');
  written.push(await transfer(service, { from: alice, to: bob }, '20'));
  written.push(await transfer(service, { from: bob, to: alice }, '5'));
  path = `/wallets/${walletOf(written[0]!)}/history`;
});

after(async () => {
  await service.close();
  await database.drop();
});

async function lines(query = ''): Promise<Item[]> {
  const position = written.at(-1)!.body.position;
  const reply = await service.get(`${path}?atLeast=${position}${query}`);
  assert.equal(reply.status, 200, reply.text);
  return reply.body.data;
}

test('a history is what moved, newest first, with the balance after each line', async () => {
  const shown = (await lines()).map(({ type, direction, amount, balanceAfter }) => [
    type,
    direction,
    amount,
    balanceAfter,
  ]);
  assert.deepEqual(shown, [
    ['transfer', 'CREDIT', '5', '105'],
    ['transfer', 'DEBIT', '20', '100'],
    ['spend', 'DEBIT', '30', '120'],
    ['bonus', 'CREDIT', '50', '150'],
    ['topup', 'CREDIT', '100', '100'],
  ]);
});

test('a line names its transaction, its place and time, and the other side', async () => {
  const [received, sent, , , first] = await lines();
  const topup = written[0]!.body;
  assert.deepEqual(first, {
    position: topup.position,
    transactionId: topup.transactionId,
    type: 'topup',
    direction: 'CREDIT',
    amount: '100',
    balanceAfter: '100',
    counterparty: { system: 'treasury' },
    reference: 'r-1',
    metadata: { a: 'b' },
    recordedAt: topup.recordedAt,
  });
  assert.deepEqual(received.counterparty, { userId: bob.userId });
  assert.deepEqual(sent.counterparty, { userId: bob.userId });
  assert.equal(sent.reference, null);
  assert.equal(sent.metadata, null);
});

test('the treasury has a history too, from its own side', async () => {
  const treasury = written[0]!.body.entries[0].walletId as string;
  const { data } = (await service.get(`/wallets/${treasury}/history`)).body;
  const shown = data.map(({ direction, amount, balanceAfter, counterparty }: Item) => {
    return [direction, amount, balanceAfter, counterparty.userId];
  });
  assert.deepEqual(shown, [
    ['CREDIT', '30', '-120', alice.userId],
    ['DEBIT', '50', '-150', alice.userId],
    ['DEBIT', '100', '-100', alice.userId],
  ]);
  const { position } = written.at(-1)!.body;
  const wallet = await service.get(`/wallets/${treasury}?atLeast=${position}`);
  assert.equal(wallet.body.system, 'treasury');
  assert.equal(wallet.body.userId, null);
  assert.equal(wallet.body.balance, '-120');
});

test('by type', async () => {
  const amounts = async (type: string) => (await lines(`&type=${type}`)).map(({ amount }) => amount);
  assert.deepEqual(await amounts('transfer'), ['5', '20']);
  assert.deepEqual(await amounts('bonus'), ['50']);
  assert.deepEqual(await amounts('unheard_of'), []);
});

test('by time, both ends included', async () => {
  const times = (await lines()).map(({ recordedAt }) => String(recordedAt));
  const { recordedAt } = written[2]!.body;
  const expected = (keep: (time: string) => boolean) => times.filter(keep);
  const found = async (query: string) => (await lines(query)).map((line) => line.recordedAt);
  assert.deepEqual(
    await found(`&from=${recordedAt}`),
    expected((time) => time >= recordedAt),
  );
  assert.deepEqual(
    await found(`&to=${recordedAt}`),
    expected((time) => time <= recordedAt),
  );
  assert.deepEqual(
    await found(`&from=${recordedAt}&to=${recordedAt}`),
    expected((time) => time === recordedAt),
  );
  assert.deepEqual(
    await found(`&type=topup&from=${recordedAt}`),
    times.slice(-1).filter((time) => time >= recordedAt),
  );
  assert.deepEqual(await found('&to=1970-01-01T00:00:00Z'), []);
  assert.deepEqual(await found('&from=0001-01-01T00:00:00Z'), times);
});

test('without holds there is nothing more to see with holds=true', async () => {
  assert.deepEqual(await lines('&holds=true'), await lines());
  assert.deepEqual(await lines('&holds=false'), await lines());
  expectInvalid(await service.get(`${path}?holds=yes`), path, ['holds']);
});

test('broken filters are 400', async () => {
  expectInvalid(await service.get(`${path}?from=x`), path, ['from']);
  expectInvalid(await service.get(`${path}?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`), path, ['to']);
  expectInvalid(await service.get(`${path}?type=`), path, ['type']);
});
