import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
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

describe('By wallet', () => {
  let wallet: Item;
  let treasuryId: string;
  let concerning: (walletId: string, events: readonly Item[]) => Item[];

  before(async () => {
    const other = await newHolder(service);
    await topUp(service, other, '500');
    const opened = (await feed('&type=wallet.opened')).find(({ data }) => data.owner.userId === other.userId);
    wallet = { id: opened.data.walletId, ...other };
    const status = await service.post(`/wallets/${String(wallet.id)}/status`, { status: 'FROZEN' });
    assert.equal(status.status, 201, status.text);
    assert.equal((await spend(service, other, '1')).status, 422);
    await service.post(`/wallets/${String(wallet.id)}/status`, { status: 'ACTIVE' });
    const held = await service.post('/holds', { ...other, amount: '50' });
    assert.equal(held.status, 201, held.text);
    await service.post(`/holds/${String(held.body.holdId)}/capture`, { amount: '20' });
    // Several legs of one event in the same wallet are one event.
    const [from, fees] = [{ userId: other.userId }, { system: 'fees' }];
    const posting = { from, to: fees, assetSlug: other.assetSlug, amount: '1' };
    const posted = await service.post('/transactions', { postings: [posting, posting, posting] });
    assert.equal(posted.status, 201, posted.text);
    // The asset of the commands before all tests: its treasury has been moved by most of them.
    treasuryId = (await feed('&type=wallet.opened')).find(
      ({ data }) => data.asset === holder.assetSlug && data.owner.system === 'treasury',
    ).data.walletId;
    concerning = (walletId, events) =>
      events.filter(({ data }) => {
        const sides = (data.postings ?? []).flatMap(({ from: payer, to: payee }: Item) => [payer, payee]);
        const named = [data.walletId, data.hold?.walletId, ...sides.map((side: Item) => side.walletId)];
        return named.includes(walletId);
      });
  });

  test('it is what moved the wallet or concerned it, each event once and in order', async () => {
    const events = await feed(`&walletId=${wallet.id}`);
    assert.deepEqual(
      events.map(({ type }) => type),
      [
        'wallet.opened',
        'transaction.posted',
        'wallet.status_changed',
        'wallet.status_changed',
        'hold.placed',
        'hold.captured',
        'transaction.posted',
      ],
    );
    assert.deepEqual(events, concerning(wallet.id, await feed()));
  });

  test('pages of any size and the stream give the same, from anywhere', async () => {
    for (const walletId of [wallet.id, treasuryId]) {
      const expected = concerning(walletId, await feed('', 500));
      assert.ok(expected.length > 3);
      for (const limit of [1, 3, 500])
        if (limit > 1 || walletId === wallet.id)
          assert.deepEqual(await feed(`&walletId=${walletId}`, limit), expected);
      assert.deepEqual(await stream(`?walletId=${walletId}`), expected);
      const after = expected[2]!.position;
      assert.deepEqual(await stream(`?walletId=${walletId}&after=${after}`), expected.slice(3));
    }
  });

  test('together with a type it is what both let through', async () => {
    for (const walletId of [wallet.id, treasuryId]) {
      const all = concerning(walletId, await feed('', 500));
      for (const type of ['wallet.opened', 'wallet.status_changed', 'transaction.posted', 'hold.captured']) {
        const expected = all.filter((event) => event.type === type);
        assert.deepEqual(await feed(`&walletId=${walletId}&type=${type}`, 100), expected);
        assert.deepEqual(await stream(`?walletId=${walletId}&type=${type}`), expected);
      }
    }
    assert.deepEqual(await feed(`&walletId=${wallet.id}&type=user.registered`), []);
  });

  test('whoever has read to the end is told where that is', async () => {
    const reply = await service.get(`/events?walletId=${wallet.id}&limit=500`);
    assert.equal(reply.body.nextAfter, reply.headers['coffer-position']);
  });

  test('an unknown wallet is a 404 in both forms, a malformed one and another name for it a 400', async () => {
    const unknown = '00000000-0000-7000-8000-000000000000';
    for (const accept of ['application/json', NDJSON]) {
      const reply = await service.get(`/events?walletId=${unknown}`, { accept });
      expectProblem(reply, 'wallet_not_found', '/events');
      expectInvalid(await service.get('/events?walletId=x', { accept }), '/events', ['walletId']);
      assert.equal((await service.get(`/events?wallet=${String(wallet.id)}`, { accept })).status, 400);
    }
  });
});
