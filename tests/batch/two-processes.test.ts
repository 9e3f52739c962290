/** Two processes, one database, the same few wallets and the same keys: one log, each key once, nothing lost. */
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { Command } from '../../src/commands/schemas.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf, eventsWithKey } from '../support/ledger-facts.ts';
import { bodyOf, codeOf, newAsset, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let sides: [WriteSide, WriteSide];

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  sides = [openWriteSide(database.url, { maxBatch: 20 }), openWriteSide(database.url, { maxBatch: 20 })];
});

after(async () => {
  await Promise.all(sides.map((side) => side.close()));
  await observer.end();
  await database.drop();
});

/** A mix of commands over few users: some will lack funds, some open wallets. */
function anyCommand(users: readonly string[], assetSlug: string): Command {
  const at = randomInt(users.length);
  const [userId, toUserId] = [users[at]!, users[(at + 1) % users.length]!];
  const amount = String(randomInt(1, 50));
  const kinds = ['topup', 'bonus', 'spend', 'transfer'] as const;
  const kind = kinds[randomInt(kinds.length)]!;
  if (kind === 'transfer') return { kind, fromUserId: userId, toUserId, assetSlug, amount };
  return { kind, userId, assetSlug, amount };
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

test('every key sent to both processes at once is done once, with equal answers and one original', async () => {
  const assetSlug = await newAsset(sides[0]);
  const users = await Promise.all(Array.from({ length: 5 }, () => newUser(sides[0])));
  let hammering = true;
  // A reader beside them must never see a gap: whoever sees a position has seen all before it.
  const reader = await database.connect();
  const reading = (async () => {
    let looks = 0;
    for (; hammering; looks += 1) {
      const { rows } = await reader.query('select count(*) as count, max(position) as last from events');
      assert.equal(rows[0].count, rows[0].last);
    }
    return looks;
  })();
  try {
    for (let round = 0; round < 6; round += 1) {
      const requests = Array.from({ length: 80 }, () => ({
        key: randomUUID(),
        command: anyCommand(users, assetSlug),
      }));
      const submitAll = (side: WriteSide) =>
        Promise.all(
          shuffled(requests).map(async ({ key, command }) => ({
            key,
            answer: await side.submit(command, key),
          })),
        );
      const [here, there] = await Promise.all([submitAll(sides[0]), submitAll(sides[1])]);
      const answers = new Map(there.map(({ key, answer }) => [key, answer]));
      for (const { key, answer } of here) {
        const twin = answers.get(key)!;
        assert.deepEqual(twin.outcome, answer.outcome);
        assert.equal(twin.position, answer.position);
        assert.notEqual(twin.replayed, answer.replayed, 'one of the two is the original');
        assert.equal(await eventsWithKey(observer, key), 1);
      }
    }
  } finally {
    hammering = false;
    assert.ok((await reading) > 0);
    await reader.end();
  }
  assert.deepEqual(
    sides.flatMap(({ verdicts }) => verdicts).filter((verdict) => verdict === 'transient'),
    [],
  );
});

test('of 100 spends of 10 from 500, sent through two processes, exactly 50 are posted', async () => {
  const assetSlug = await newAsset(sides[0]);
  const userId = await newUser(sides[1], { assetSlug, amount: '500' });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      sides[index % 2]!.submit({ kind: 'spend', userId, assetSlug, amount: '10' }),
    ),
  );
  const posted = answers.filter(({ outcome }) => outcome.kind === 'accepted');
  assert.equal(posted.length, 50);
  const balances = posted.map((answer) => Number(bodyOf(answer).balanceAfter)).sort((a, b) => b - a);
  assert.deepEqual(
    balances,
    Array.from({ length: 50 }, (_, index) => 490 - 10 * index),
  );
  for (const answer of answers)
    if (!posted.includes(answer)) assert.equal(codeOf(answer), 'insufficient_funds');
  assert.equal(await balanceOf(observer, userId, assetSlug), '0');
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
