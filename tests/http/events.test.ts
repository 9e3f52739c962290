import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { expectInvalid } from './expect-problem.ts';
import type { Item } from './pages-of.ts';
import { newHolder, spend, topUp, type Holder } from './payments.ts';

const NDJSON = 'application/x-ndjson';
/** More than a page of the stream. */
const COMMANDS = 520;

let database: TestDatabase;
let service: Service;
let holder: Holder;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  holder = await newHolder(service);
  await topUp(service, holder, '1000');
  const replies = await Promise.all(Array.from({ length: COMMANDS }, () => spend(service, holder, '1')));
  assert.ok(replies.every(({ status }) => status === 201));
});

after(async () => {
  await service.close();
  await database.drop();
});

async function feed(query = '', limit = 100): Promise<Item[]> {
  const events: Item[] = [];
  let after = '0';
  for (;;) {
    const reply = await service.get(`/events?after=${after}&limit=${limit}${query}`);
    assert.equal(reply.status, 200, reply.text);
    const { data, nextAfter } = reply.body;
    if (data.length === 0) return events;
    assert.ok(BigInt(nextAfter) >= BigInt(data.at(-1).position));
    events.push(...data);
    after = nextAfter;
  }
}

async function stream(query = ''): Promise<Item[]> {
  const reply = await service.get(`/events${query}`, { accept: NDJSON });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['content-type'], NDJSON);
  assert.ok(reply.text === '' || reply.text.endsWith('\n'));
  return reply.text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

test('pages to the end give every event once, in order and without a gap', async () => {
  const events = await feed();
  assert.deepEqual(
    events.map(({ position }) => position),
    events.map((_, index) => (index + 1).toString()),
  );
  assert.ok(events.length > COMMANDS);
  assert.deepEqual(await feed('', 7), events);
  assert.deepEqual(await feed('', 500), events);
});

test('the stream is the same feed', async () => {
  const events = await feed();
  assert.deepEqual(await stream(), events);
  assert.deepEqual(await stream('?after=500'), events.slice(500));
  assert.deepEqual(await stream(`?after=${events.length}`), []);
});

test('an event has these members, in this order', async () => {
  const [first, second, third] = await feed();
  for (const event of [first, second, third]) {
    assert.deepEqual(Object.keys(event), [
      'position',
      'id',
      'type',
      'version',
      'occurredAt',
      'recordedAt',
      'actor',
      'idempotencyKey',
      'correlationId',
      'relatedId',
      'data',
    ]);
  }
  assert.equal(first.type, 'user.registered');
  assert.deepEqual(first.data, { userId: holder.userId, email: first.data.email });
  assert.equal(first.version, 1);
  // Only the last event of a command carries its key.
  assert.equal(second.type, 'wallet.opened');
  assert.equal(second.idempotencyKey, null);
  assert.equal(third.type, 'asset.created');
  assert.equal(typeof third.idempotencyKey, 'string');
});

test('by type, the same in pages and in the stream', async () => {
  const all = await feed();
  for (const type of ['transaction.posted', 'wallet.opened', 'asset.created']) {
    const expected = all.filter((event) => event.type === type);
    assert.ok(expected.length > 0);
    assert.deepEqual(await feed(`&type=${type}`, 50), expected);
    assert.deepEqual(await stream(`?type=${type}`), expected);
  }
  assert.deepEqual(await feed('&type=unheard.of'), []);
});

test('whoever has read to the end is not sent over it again, of whatever type', async () => {
  const head = (await service.get('/events?limit=1')).headers['coffer-position'];
  const { data, nextAfter } = (await service.get('/events?type=user.registered')).body;
  assert.equal(data.length, 1);
  assert.equal(nextAfter, head);
  const empty = await service.get(`/events?after=${String(nextAfter)}`);
  assert.deepEqual(empty.body, { data: [], nextAfter: head });
  assert.equal(empty.headers['coffer-position'], head);
});

test('a page has 100 events by default', async () => {
  const { data, nextAfter } = (await service.get('/events')).body;
  assert.equal(data.length, 100);
  assert.equal(nextAfter, '100');
});

test('a broken after or limit is a 400, in both forms', async () => {
  const head = BigInt(String((await service.get('/events?limit=1')).headers['coffer-position']));
  for (const accept of ['application/json', NDJSON]) {
    for (const after of ['-1', 'x', '', '1.5', '01', '9223372036854775808', (head + 1n).toString()]) {
      expectInvalid(await service.get(`/events?after=${after}`, { accept }), '/events', ['after']);
    }
    for (const limit of ['0', '501', 'x']) {
      expectInvalid(await service.get(`/events?limit=${limit}`, { accept }), '/events', ['limit']);
    }
  }
});

test('the events alone give every balance', async () => {
  const balances = new Map<string, bigint>();
  for (const { type, data } of await stream()) {
    if (type !== 'transaction.posted') continue;
    for (const { amount, from, to } of data.postings) {
      balances.set(from.walletId, (balances.get(from.walletId) ?? 0n) - BigInt(amount));
      balances.set(to.walletId, (balances.get(to.walletId) ?? 0n) + BigInt(amount));
    }
  }
  const balance = await service.get(
    `/wallets/${holder.userId}/${holder.assetSlug}/balance?consistency=strong`,
  );
  assert.equal(balances.get(balance.body.walletId)?.toString(), balance.body.balance);
  assert.equal(
    [...balances.values()].reduce((sum, one) => sum + one),
    0n,
  );
});
