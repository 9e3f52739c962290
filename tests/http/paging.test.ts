import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { expectInvalid } from './expect-problem.ts';
import { pagesOf, type Item } from './pages-of.ts';
import { newHolder, topUp, walletOf, type Holder } from './payments.ts';

const COUNT = 7;

type List = {
  readonly path: () => string;
  readonly idOf: (item: Item) => string;
  readonly add: () => Promise<unknown>;
  readonly newestFirst: boolean;
};

let database: TestDatabase;
let service: Service;
let holder: Holder;
let walletId: string;

const idOf = (item: Item) => String(item.id);
const positionOf = (item: Item) => String(item.position);
const pay = () => topUp(service, holder, '1', { reference: 'paged' });

const lists: Record<string, List> = {
  users: { path: () => '/users', idOf, add: () => registerUser(service), newestFirst: false },
  assets: { path: () => '/assets', idOf, add: () => createAsset(service), newestFirst: false },
  transactions: { path: () => '/transactions', idOf: positionOf, add: pay, newestFirst: true },
  'transactions by everything': {
    path: () => `/transactions?reference=paged&userId=${holder.userId}&type=topup&from=2020-01-01T00:00:00Z`,
    idOf: positionOf,
    add: pay,
    newestFirst: true,
  },
  history: { path: () => `/wallets/${walletId}/history`, idOf: positionOf, add: pay, newestFirst: true },
  'history by type': {
    path: () => `/wallets/${walletId}/history?type=topup`,
    idOf: positionOf,
    add: pay,
    newestFirst: true,
  },
};

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  holder = await newHolder(service);
  walletId = walletOf(await pay());
  for (let count = 1; count < COUNT; count += 1) {
    await registerUser(service);
    await createAsset(service);
    await pay();
  }
  await projected();
});

after(async () => {
  await service.close();
  await database.drop();
});

async function projected(): Promise<void> {
  const head = (await service.get('/projections')).headers['coffer-position'];
  assert.equal((await service.get(`/projections?atLeast=${String(head)}`)).status, 200);
}

for (const [name, list] of Object.entries(lists)) {
  test(`${name}: pages of every size hold the same items in the same order`, async () => {
    const whole = (await pagesOf(service, list.path(), 500)).items.map(list.idOf);
    assert.ok(whole.length >= COUNT);
    assert.equal(new Set(whole).size, whole.length);
    for (const limit of [1, 2, 3, whole.length - 1, whole.length, whole.length + 1]) {
      assert.deepEqual(
        (await pagesOf(service, list.path(), limit)).items.map(list.idOf),
        whole,
        `limit ${limit}`,
      );
    }
  });

  test(`${name}: a full last page is known to be the last`, async () => {
    const { items } = await pagesOf(service, list.path(), 500);
    const { sizes } = await pagesOf(service, list.path(), items.length);
    assert.deepEqual(sizes, [items.length]);
    assert.ok((await pagesOf(service, list.path(), 1)).sizes.every((size) => size === 1));
  });

  test(`${name}: pages neither skip nor repeat while rows are added`, async () => {
    const there = (await pagesOf(service, list.path(), 500)).items.map(list.idOf);
    let added = 0;
    const walked = await pagesOf(service, list.path(), 2, async () => {
      if (added === 3) return;
      added += 1;
      await list.add();
      await projected();
    });
    const seen = walked.items.map(list.idOf);
    assert.equal(added, 3);
    assert.equal(new Set(seen).size, seen.length, 'an item came twice');
    const late = seen.filter((id) => !there.includes(id));
    // What comes first in the order is not seen by someone who has already begun; what comes last is.
    assert.equal(late.length, list.newestFirst ? 0 : 3);
    assert.deepEqual(seen.slice(0, there.length), there);
  });

  test(`${name}: a limit is a whole number from 1 to 500, a cursor is one that the list gave`, async () => {
    const path = list.path();
    const joint = path.includes('?') ? '&' : '?';
    const instance = path.split('?')[0] ?? path;
    for (const limit of ['0', '501', 'abc', '-1', '1.5', '', '1e2', '010', '99999999999999999999']) {
      expectInvalid(await service.get(`${path}${joint}limit=${limit}`), instance, ['limit']);
    }
    expectInvalid(await service.get(`${path}${joint}limit=1&limit=2`), instance, ['limit']);
    const { nextCursor } = (await service.get(`${path}${joint}limit=1`)).body;
    const forged = (text: string) => Buffer.from(text).toString('base64url');
    const own = Buffer.from(String(nextCursor), 'base64url').toString().split(':')[1] ?? '';
    for (const cursor of [
      '',
      'x',
      `${nextCursor}-`,
      nextCursor.slice(0, -1),
      'x'.repeat(101),
      forged('1:1'),
      forged('1:1:0'),
      forged('1::1:0'),
      forged(`2:${own}:1:0`),
      forged(`1:${own}:-1:0`),
      forged(`1:${own}:01:0`),
      forged(`1:${own}:9223372036854775808:0`),
      forged(`1:${own}:1:32768`),
      forged(`1:${own}:1:0' or true`),
      '%00',
    ]) {
      expectInvalid(await service.get(`${path}${joint}cursor=${cursor}`), instance, ['cursor']);
    }
  });
}

test('a cursor of one list is none of another', async () => {
  const given = Object.values(lists).map(async (list) => {
    const path = list.path();
    const { body } = await service.get(`${path}${path.includes('?') ? '&' : '?'}limit=1`);
    return { of: path.split('?')[0] ?? path, cursor: String(body.nextCursor) };
  });
  for (const { of, cursor } of await Promise.all(given)) {
    const others = ['/users', '/assets', '/transactions', '/holds', '/scheduled', '/wallets'];
    const walletLists = [`/wallets/${walletId}/history`, `/wallets/${walletId}/lots`];
    for (const path of [...others, ...walletLists].filter((other) => other !== of))
      expectInvalid(await service.get(`${path}?cursor=${cursor}`), path, ['cursor']);
  }
});

test('pages have 50 items by default, those of a history 10', async () => {
  for (let count = 0; count < 4; count += 1) await pay();
  await projected();
  const history = await service.get(`/wallets/${walletId}/history`);
  assert.equal(history.body.data.length, 10);
  assert.notEqual(history.body.nextCursor, null);
  await Promise.all(Array.from({ length: 51 }, pay));
  await projected();
  const transactions = await service.get('/transactions');
  assert.equal(transactions.body.data.length, 50);
  assert.notEqual(transactions.body.nextCursor, null);
});

test('a cursor at the far end of the log finds the rest there is', async () => {
  const last = (list: string) => Buffer.from(`1:${list}:9223372036854775807:32767`).toString('base64url');
  assert.deepEqual((await service.get(`/users?cursor=${last('users')}`)).body, {
    data: [],
    nextCursor: null,
  });
  for (const [list, path] of [
    ['transactions', '/transactions'],
    ['history', `/wallets/${walletId}/history`],
  ] as const) {
    const all = await service.get(`${path}?limit=500`);
    assert.deepEqual((await service.get(`${path}?limit=500&cursor=${last(list)}`)).body, all.body);
  }
});
