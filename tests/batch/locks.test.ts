/** Wallets are locked in one order for everyone, and what a decision reads was read under those locks. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { stallCommits } from '../support/faulty-database.ts';
import { assertLedgerIsSound, balanceOf, holdWallets, walletIdOf } from '../support/ledger-facts.ts';
import { until, untilWritersWait } from '../support/until.ts';
import { bodyOf, codeOf, newAsset, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let owner: pg.Client;
let one: WriteSide;
let other: WriteSide;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  owner = await database.connect();
  one = openWriteSide(database.url);
  other = openWriteSide(database.url);
});

/** What a failed test holds must not stall the next one. */
afterEach(() => owner.query('rollback; select pg_advisory_unlock_all()'));

after(async () => {
  await Promise.all([one.close(), other.close()]);
  await Promise.all([observer.end(), owner.end()]);
  await database.drop();
});

/** Ids of wallets that nobody has locked. */
async function freeWallets(among: readonly string[]): Promise<string[]> {
  await observer.query('begin');
  try {
    const { rows } = await observer.query<{ id: string }>(
      'select id from wallets where id = any ($1::uuid[]) for update skip locked',
      [among],
    );
    return among.filter((id) => rows.some((row) => row.id === id));
  } finally {
    await observer.query('rollback');
  }
}

test("a batch locks users' wallets by id and then the treasury, whose id is the lowest", async () => {
  const assetSlug = await newAsset(one);
  const users = [];
  for (const amount of ['10', '10', '10']) users.push(await newUser(one, { assetSlug, amount }));
  const ofUsers = [];
  for (const userId of users) ofUsers.push(await walletIdOf(observer, userId, assetSlug));
  const treasury = await walletIdOf(observer, 'treasury', assetSlug);
  assert.ok(ofUsers.every((id) => id > treasury));
  const inOrder = [...ofUsers.toSorted(), treasury];
  for (const [index, held] of inOrder.entries()) {
    await holdWallets(owner, held);
    const spends = users
      .toReversed()
      .map((userId) => one.submit({ kind: 'spend', userId, assetSlug, amount: '1' }));
    await untilWritersWait(observer);
    assert.deepEqual(await freeWallets(inOrder), inOrder.slice(index + 1));
    await owner.query('commit');
    for (const answer of await Promise.all(spends)) bodyOf(answer);
  }
});

test('a batch that waited for a wallet decides with the balance its holder left, not the one before', async () => {
  const assetSlug = await newAsset(one);
  const userId = await newUser(one, { assetSlug, amount: '100' });
  bodyOf(await other.submit({ kind: 'spend', userId, assetSlug, amount: '10' }));
  const stall = await stallCommits(owner);
  const first = one.submit(
    { kind: 'spend', userId, assetSlug, amount: '70' },
    undefined,
    stall.correlationId,
  );
  await untilWritersWait(observer, 1);
  const second = other.submit({ kind: 'spend', userId, assetSlug, amount: '50' });
  await untilWritersWait(observer, 2);
  await stall.release();
  assert.equal(bodyOf(await first).balanceAfter, '20');
  const { outcome } = await second;
  assert.ok(outcome.kind === 'refused');
  assert.equal(outcome.refusal.code, 'insufficient_funds');
  assert.equal(outcome.refusal.figures['available'], '20');
});

test('a wallet frozen by the holder is frozen for the batch that waited for it', async () => {
  const assetSlug = await newAsset(one);
  const userId = await newUser(one, { assetSlug, amount: '100' });
  const walletId = await walletIdOf(observer, userId, assetSlug);
  bodyOf(await other.submit({ kind: 'spend', userId, assetSlug, amount: '10' }));
  const stall = await stallCommits(owner);
  const frozen = one.submit(
    { kind: 'wallet.status', walletId, status: 'FROZEN' },
    undefined,
    stall.correlationId,
  );
  await untilWritersWait(observer, 1);
  const spent = other.submit({ kind: 'spend', userId, assetSlug, amount: '50' });
  await untilWritersWait(observer, 2);
  await stall.release();
  assert.equal(bodyOf(await frozen).status, 'FROZEN');
  assert.equal(codeOf(await spent), 'wallet_frozen');
});

test('no refusal rests on a wallet that was absent only a moment ago', async () => {
  const assetSlug = await newAsset(one);
  const receiver = await newUser(one, { assetSlug, amount: '1' });
  const sender = await newUser(one);
  const stall = await stallCommits(owner);
  const funded = one.submit(
    { kind: 'topup', userId: sender, assetSlug, amount: '10' },
    undefined,
    stall.correlationId,
  );
  await untilWritersWait(observer, 1);
  // It locks the receiver's wallet only, and finds none of the sender.
  const sent = other.submit({
    kind: 'transfer',
    fromUserId: sender,
    toUserId: receiver,
    assetSlug,
    amount: '4',
  });
  await untilWritersWait(observer, 2);
  await stall.release();
  bodyOf(await funded);
  assert.equal(bodyOf(await sent).balanceAfter, '6');
  assert.ok(other.verdicts.includes('conflict'));
});

const ROUNDS = 15;

test('batches over the same wallets in opposite orders never deadlock', async () => {
  const assetSlug = await newAsset(one);
  const [deadlocksBefore, since] = [await deadlocks(), new Date()];
  const sides = [openWriteSide(database.url), openWriteSide(database.url), openWriteSide(database.url)];
  const users: string[] = [];
  for (let count = 0; count < 6; count += 1) users.push(await newUser(one, { assetSlug, amount: '1000' }));
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const order = round % 2 === 0 ? users : users.toReversed();
      await Promise.all(
        sides.flatMap((side, index) => {
          const mine = index % 2 === 0 ? order : order.toReversed();
          return mine.map(async (fromUserId, at) => {
            const toUserId = mine[(at + 1 + index) % mine.length]!;
            bodyOf(await side.submit({ kind: 'transfer', fromUserId, toUserId, assetSlug, amount: '1' }));
            bodyOf(await side.submit({ kind: 'spend', userId: fromUserId, assetSlug, amount: '1' }));
          });
        }),
      );
    }
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
  assert.deepEqual(
    sides.flatMap(({ verdicts }) => verdicts),
    [],
  );
  // Sessions hand in their counts when they end.
  await until('the sessions have ended', async () => (await sessionsSince(since)) === 0);
  assert.equal(await deadlocks(), deadlocksBefore);
  let total = 0n;
  for (const userId of users) total += BigInt(await balanceOf(observer, userId, assetSlug));
  assert.equal(total, 6_000n - BigInt(ROUNDS) * 3n * 6n);
});

async function sessionsSince(start: Date): Promise<number> {
  const { rows } = await observer.query<{ count: number }>(
    'select count(*)::integer as count from pg_stat_activity where datname = current_database() and backend_start > $1',
    [start],
  );
  return rows[0]!.count;
}

async function deadlocks(): Promise<string> {
  const { rows } = await observer.query<{ deadlocks: string }>(
    'select deadlocks::text as deadlocks from pg_stat_database where datname = current_database()',
  );
  return rows[0]!.deadlocks;
}

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
