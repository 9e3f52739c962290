import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Reply, type Service } from '../support/service.ts';
import { expectInvalid } from './expect-problem.ts';
import type { Item } from './pages-of.ts';
import { giveBonus, newHolder, spend, topUp, transfer, type Holder } from './payments.ts';

let database: TestDatabase;
let service: Service;
let alice: Holder;
let bob: Holder;
/** By name, in the order in which they happened. */
const happened = new Map<string, { position: string; recordedAt: string }>();
let head: string;

async function remember(name: string, reply: Reply): Promise<void> {
  const position = String(reply.headers['coffer-position']);
  const { data } = (await service.get(`/events?after=${BigInt(position) - 1n}&limit=1`)).body;
  happened.set(name, { position, recordedAt: data[0].recordedAt });
  head = position;
}

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  alice = await newHolder(service);
  bob = await newHolder(service, alice.assetSlug);
  await remember('topup', await topUp(service, alice, '100', { reference: 'order-1' }));
  await remember('bonus', await giveBonus(service, bob, '5', { reference: 'order-1' }));
  await remember('spend', await spend(service, alice, '10', { reference: 'order-2' }));
  await remember('declined', await spend(service, alice, '999', { reference: 'order-2' }));
  await remember('transfer', await transfer(service, { from: alice, to: bob }, '20'));
  const otherAsset = await newHolder(service);
  await remember('elsewhere', await topUp(service, { ...otherAsset, userId: bob.userId }, '1'));
});

after(async () => {
  await service.close();
  await database.drop();
});

async function found(query: string): Promise<string[]> {
  const reply = await service.get(`/transactions?atLeast=${head}${query}`);
  assert.equal(reply.status, 200, reply.text);
  const names = new Map([...happened].map(([name, { position }]) => [position, name]));
  return reply.body.data.map((item: Item) => names.get(item.position) ?? item.position);
}

test('all transactions, newest first, declined ones included', async () => {
  assert.deepEqual(await found(''), ['elsewhere', 'transfer', 'declined', 'spend', 'bonus', 'topup']);
});

test('by reference, exactly', async () => {
  assert.deepEqual(await found('&reference=order-1'), ['bonus', 'topup']);
  assert.deepEqual(await found('&reference=order'), []);
  assert.deepEqual(await found('&reference=ORDER-1'), []);
  assert.deepEqual(await found(`&reference=${encodeURIComponent("' or true --")}`), []);
});

test('by user: what moved their money from either side, and what was declined', async () => {
  assert.deepEqual(await found(`&userId=${alice.userId}`), ['transfer', 'declined', 'spend', 'topup']);
  assert.deepEqual(await found(`&userId=${bob.userId.toUpperCase()}`), ['elsewhere', 'transfer', 'bonus']);
  assert.deepEqual(await found('&userId=01998a6e-7c00-7000-8000-00000000dead'), []);
});

test('by type', async () => {
  assert.deepEqual(await found('&type=spend'), ['declined', 'spend']);
  assert.deepEqual(await found('&type=topup'), ['elsewhere', 'topup']);
  assert.deepEqual(await found('&type=unheard_of'), []);
});

test('by time, both ends included', async () => {
  const { recordedAt } = happened.get('spend')!;
  const atThatTime = [...happened]
    .filter(([, event]) => event.recordedAt === recordedAt)
    .map(([name]) => name);
  assert.deepEqual(await found(`&from=${recordedAt}&to=${recordedAt}`), atThatTime.toReversed());
  const since = [...happened].filter(([, event]) => event.recordedAt >= recordedAt).map(([name]) => name);
  assert.deepEqual(await found(`&from=${recordedAt}`), since.toReversed());
  const until = [...happened].filter(([, event]) => event.recordedAt <= recordedAt).map(([name]) => name);
  assert.deepEqual(await found(`&to=${recordedAt}`), until.toReversed());
  assert.equal((await found('&from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z')).length, happened.size);
  assert.deepEqual(await found('&from=9999-01-01T00:00:00Z'), []);
  assert.deepEqual(await found('&to=1969-01-01T00:00:00Z'), []);
});

test('filters combine', async () => {
  const { recordedAt } = happened.get('topup')!;
  assert.deepEqual(await found(`&userId=${alice.userId}&type=spend`), ['declined', 'spend']);
  assert.deepEqual(await found(`&userId=${bob.userId}&type=topup`), ['elsewhere']);
  assert.deepEqual(await found(`&userId=${alice.userId}&type=spend&reference=order-2`), [
    'declined',
    'spend',
  ]);
  assert.deepEqual(await found(`&userId=${bob.userId}&reference=order-1`), ['bonus']);
  assert.deepEqual(await found(`&reference=order-1&type=topup&from=${recordedAt}`), ['topup']);
  assert.deepEqual(await found(`&userId=${bob.userId}&reference=order-2`), []);
});

test('an item of the list is what GET shows of it', async () => {
  const { data } = (await service.get(`/transactions?atLeast=${head}`)).body;
  for (const item of data) {
    assert.deepEqual((await service.get(`/transactions/${item.transactionId}`)).body, item);
  }
});

test('broken filters are 400', async () => {
  const cases: [string, string][] = [
    ['userId=alice', 'userId'],
    ['from=yesterday', 'from'],
    ['to=2026-13-01T00:00:00Z', 'to'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
    ['reference=', 'reference'],
    [`reference=${'x'.repeat(256)}`, 'reference'],
    ['type=', 'type'],
  ];
  for (const [query, path] of cases)
    expectInvalid(await service.get(`/transactions?${query}`), '/transactions', [path]);
});
