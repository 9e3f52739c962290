/** Series of days: the log is made to look as if it had been written over several of them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { newHolder, spend, topUp, walletOf, type Holder } from './payments.ts';

const NOBODY = '01998a6e-7c00-7000-8000-00000000dead';

let database: TestDatabase;
let owner: pg.Client;
let service: Service;
let holder: Holder;
let wallet: string;
let today: string;

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  service = await startService(database);
  holder = await newHolder(service);
  const first = await topUp(service, holder, '100');
  wallet = walletOf(first);
  await moveBack(String(first.headers['coffer-position']), 5);
  await topUp(service, holder, '50');
  const { headers } = await spend(service, holder, '30');
  await moveBack(String(headers['coffer-position']), 2);
  await service.post('/holds', { ...holder, amount: '20' });
  await spend(service, holder, '1000');
  const { rows } = await owner.query<{ today: string }>(
    "select (clock_timestamp() at time zone 'UTC')::date::text as today",
  );
  today = rows[0]!.today;
});

after(async () => {
  await service.close();
  await owner.end();
  await database.drop();
});

/** All that was written today, up to a position, was written so many days ago, in the last millisecond of the day. */
async function moveBack(position: string, days: number): Promise<void> {
  await service.get(`/projections?atLeast=${position}`);
  await owner.query("set session_replication_role = 'replica'");
  const then = `((clock_timestamp() at time zone 'UTC')::date - ${days - 1})::timestamp at time zone 'UTC' - interval '1 millisecond'`;
  const isToday = (column: string) =>
    `${column} >= (clock_timestamp() at time zone 'UTC')::date::timestamp at time zone 'UTC'`;
  await owner.query(
    `update events set recorded_at = ${then} where position <= ${position} and ${isToday('recorded_at')}`,
  );
  await owner.query(
    `update read.asset_activity_1 set hour = date_trunc('hour', ${then}) where ${isToday('hour')}`,
  );
}

function daysAgo(days: number): string {
  return new Date(Date.parse(today) - days * 86_400_000).toISOString().slice(0, 10);
}

async function position(): Promise<string> {
  return String((await service.get('/events')).headers['coffer-position']);
}

test('a wallet has a balance at the end of each day, and today the one it has', async () => {
  const { body, headers } = await service.get(`/wallets/${wallet}/daily-balances?days=7`);
  assert.deepEqual(body, {
    data: [
      { date: daysAgo(6), balance: '0', held: '0' },
      { date: daysAgo(5), balance: '100', held: '0' },
      { date: daysAgo(4), balance: '100', held: '0' },
      { date: daysAgo(3), balance: '100', held: '0' },
      { date: daysAgo(2), balance: '120', held: '0' },
      { date: daysAgo(1), balance: '120', held: '0' },
      { date: today, balance: '120', held: '20' },
    ],
    nextCursor: null,
  });
  assert.equal(headers['coffer-position'], await position());
});

test('of thirty days, unless another number is asked for', async () => {
  for (const [query, count] of [
    ['', 30],
    ['?days=1', 1],
    ['?days=366', 366],
  ] as const) {
    const { body } = await service.get(`/wallets/${wallet}/daily-balances${query}`);
    assert.equal(body.data.length, count);
    assert.equal(body.data.at(-1).date, today);
  }
  for (const days of ['0', '367', '1.5', '-1', '01', ''])
    assert.equal((await service.get(`/wallets/${wallet}/daily-balances?days=${days}`)).status, 400, days);
  const unknown = await service.get(`/wallets/${NOBODY}/daily-balances`);
  assert.equal(unknown.body.code, 'wallet_not_found');
});

test('an asset has its circulation and what was done on each day, refusals left out', async () => {
  const path = `/assets/${holder.assetSlug}/activity?days=6&atLeast=${await position()}`;
  const { body } = await service.get(path);
  assert.deepEqual(body, {
    data: [
      { date: daysAgo(5), circulation: '100', types: { topup: { count: '1', volume: '100' } } },
      { date: daysAgo(4), circulation: '100', types: {} },
      { date: daysAgo(3), circulation: '100', types: {} },
      {
        date: daysAgo(2),
        circulation: '120',
        types: { spend: { count: '1', volume: '30' }, topup: { count: '1', volume: '50' } },
      },
      { date: daysAgo(1), circulation: '120', types: {} },
      { date: today, circulation: '120', types: {} },
    ],
    nextCursor: null,
  });
});

test('days of activity are not combined with hours or spans of time', async () => {
  const path = `/assets/${holder.assetSlug}/activity?days=6`;
  for (const other of ['bucket=day', 'from=2026-01-01T00:00:00.000Z', 'to=2026-01-01T00:00:00.000Z'])
    assert.equal((await service.get(`${path}&${other}`)).status, 400, other);
  assert.equal((await service.get('/assets/none/activity?days=6')).body.code, 'asset_not_found');
});
