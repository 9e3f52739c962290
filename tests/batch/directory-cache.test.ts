/** What is kept of users and wallets, where there are more of them than may be kept. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createDirectoryCache, type Needs } from '../../src/commands/directory-cache.ts';
import { walletKey } from '../../src/events/state.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { LEDGER_ID, newAsset, newUser, openWritePool, openWriteSide } from '../support/write-side.ts';

const KEPT = 3;
const LIMITS = { maxUsers: KEPT, maxWallets: KEPT, maxAssets: 10 };

let database: TestDatabase;
let pool: pg.Pool;
let assetSlug: string;
let userIds: string[];

before(async () => {
  database = await createTestDatabase();
  pool = openWritePool(database.url);
  const side = openWriteSide(database.url);
  assetSlug = await newAsset(side);
  userIds = [];
  for (let count = 0; count <= KEPT; count += 1)
    userIds.push(await newUser(side, { assetSlug, amount: '1' }));
  await side.close();
});

after(async () => {
  await pool.end();
  await database.drop();
});

function needsOf(...ids: readonly string[]): Needs {
  const owned = ids.map(
    (userId) => [walletKey({ userId }, assetSlug), { owner: { userId }, asset: assetSlug }] as const,
  );
  return { users: new Set(ids), assets: new Set([assetSlug]), wallets: new Map(owned), walletIds: new Set() };
}

test('who was looked for longest ago is not given up for the others of the same batch', async () => {
  const cache = createDirectoryCache(LEDGER_ID, LIMITS);
  const [first, ...others] = userIds as [string, ...string[]];
  const last = others.pop()!;
  for (const id of [first, ...others]) await cache.ensure(pool, needsOf(id));
  await cache.ensure(pool, needsOf(first, last));
  for (const id of [first, last]) {
    assert.equal(cache.user(id)?.id, id);
    assert.ok(cache.walletId(walletKey({ userId: id }, assetSlug)));
  }
});
