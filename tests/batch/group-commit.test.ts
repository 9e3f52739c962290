/** Commands that wait at one moment share a transaction, and inside it each sees what those before it did. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf, eventsWithKey, headPosition } from '../support/ledger-facts.ts';
import {
  bodyOf,
  codeOf,
  freshName,
  newAsset,
  newUser,
  openWriteSide,
  type WriteSide,
} from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let side: WriteSide;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  side = openWriteSide(database.url);
});

after(async () => {
  await side.close();
  await observer.end();
  await database.drop();
});

test('commands submitted together are committed together, at positions in the order they came', async () => {
  const assetSlug = await newAsset(side);
  const userId = await newUser(side, { assetSlug, amount: '1' });
  const head = await headPosition(observer);
  const before = side.batches.length;
  const topUps = Array.from({ length: 40 }, () =>
    side.submit({ kind: 'topup', userId, assetSlug, amount: '5' }),
  );
  const answers = await Promise.all(topUps);
  assert.deepEqual(side.batches.slice(before), [40]);
  for (const [index, answer] of answers.entries()) {
    assert.equal(answer.position, head + BigInt(index) + 1n);
    assert.equal(bodyOf(answer).balanceAfter, String(1 + 5 * (index + 1)));
  }
  assert.equal(
    new Set(answers.map((answer) => bodyOf(answer).recordedAt)).size,
    1,
    'one commit has one time',
  );
});

test('what arrives while a batch commits waits for the next one, and no batch exceeds its bound', async () => {
  const small = openWriteSide(database.url, { maxBatch: 10 });
  try {
    const assetSlug = await newAsset(small);
    const userId = await newUser(small);
    const before = small.batches.length;
    const topUps = Array.from({ length: 35 }, () =>
      small.submit({ kind: 'topup', userId, assetSlug, amount: '1' }),
    );
    assert.equal(small.queue.depth(), 35);
    await Promise.all(topUps);
    assert.equal(small.queue.depth(), 0);
    assert.deepEqual(small.batches.slice(before), [10, 10, 10, 5]);
  } finally {
    await small.close();
  }
});

test('the same key twice in one batch is one event: the second answer is the first one, replayed', async () => {
  const assetSlug = await newAsset(side);
  const userId = await newUser(side);
  const key = randomUUID();
  const command = { kind: 'topup', userId, assetSlug, amount: '7' } as const;
  const [first, second] = await Promise.all([side.submit(command, key), side.submit(command, key)]);
  assert.deepEqual([first.replayed, second.replayed], [false, true]);
  assert.deepEqual(bodyOf(second), bodyOf(first));
  assert.equal(second.position, first.position);
  assert.equal(await eventsWithKey(observer, key), 1);
  assert.equal(await balanceOf(observer, userId, assetSlug), '7');
});

test('the same key for another request in one batch is refused and names what differs', async () => {
  const assetSlug = await newAsset(side);
  const userId = await newUser(side);
  const key = randomUUID();
  const [first, second] = await Promise.all([
    side.submit({ kind: 'topup', userId, assetSlug, amount: '7' }, key),
    side.submit({ kind: 'topup', userId, assetSlug, amount: '8' }, key),
  ]);
  assert.equal(bodyOf(first).balanceAfter, '7');
  assert.equal(codeOf(second), 'idempotency_key_reused');
  assert.deepEqual(second.outcome.kind === 'refused' && second.outcome.refusal.figures['differs'], [
    'amount',
  ]);
  assert.equal(second.position, null);
  assert.equal(await balanceOf(observer, userId, assetSlug), '7');
});

test('a user and an asset made in a batch are there for the commands after them, not for those before', async () => {
  const [userId, slug] = [randomUUID(), freshName('asset')];
  const email = `${freshName('user')}@example.com`;
  const topUp = { kind: 'topup', userId, assetSlug: slug, amount: '9' } as const;
  const [tooEarly, registered, withoutAsset, created, inTime] = await Promise.all([
    side.submit(topUp),
    side.submit({ kind: 'user.register', email, id: userId }),
    side.submit(topUp),
    side.submit({ kind: 'asset.create', slug }),
    side.submit(topUp),
  ]);
  assert.equal(codeOf(tooEarly), 'user_not_found');
  assert.equal(bodyOf(registered).email, email);
  assert.equal(codeOf(withoutAsset), 'asset_not_found');
  assert.equal(bodyOf(created).slug, slug);
  assert.equal(bodyOf(inTime).balanceAfter, '9');
});

test('two users with one e-mail in one batch: the first gets it, the second is told', async () => {
  const name = freshName('user');
  const [first, second] = await Promise.all([
    side.submit({ kind: 'user.register', email: `${name}@example.com` }),
    side.submit({ kind: 'user.register', email: ` ${name.toUpperCase()}@example.com ` }),
  ]);
  assert.equal(bodyOf(first).email, `${name}@example.com`);
  assert.equal(codeOf(second), 'email_taken');
});

test('a change of status in a batch holds for the commands after it', async () => {
  const assetSlug = await newAsset(side);
  const userId = await newUser(side);
  const topUp = { kind: 'topup', userId, assetSlug, amount: '1' } as const;
  const answers = await Promise.all([
    side.submit(topUp),
    side.submit({ kind: 'user.status', userId, status: 'BANNED' }),
    side.submit(topUp),
    side.submit({ kind: 'user.status', userId, status: 'ACTIVE' }),
    side.submit({ kind: 'asset.status', slug: assetSlug, status: 'FROZEN' }),
    side.submit(topUp),
    side.submit({ kind: 'asset.status', slug: assetSlug, status: 'ACTIVE' }),
    side.submit(topUp),
  ]);
  const [paid, , whileBanned, , , whileFrozen, , paidAgain] = answers;
  assert.equal(bodyOf(paid).balanceAfter, '1');
  assert.equal(codeOf(whileBanned), 'user_banned');
  assert.equal(codeOf(whileFrozen), 'asset_frozen');
  assert.equal(bodyOf(paidAgain).balanceAfter, '2');
});

test('a wallet frozen in a batch pays nothing after it, and the next batch needs no second attempt', async () => {
  const assetSlug = await newAsset(side);
  const userId = await newUser(side);
  const funded = bodyOf(await side.submit({ kind: 'topup', userId, assetSlug, amount: '10' }));
  const walletId = String(funded.entries[1].walletId);
  const [frozen, spent] = await Promise.all([
    side.submit({ kind: 'wallet.status', walletId, status: 'FROZEN' }),
    side.submit({ kind: 'spend', userId, assetSlug, amount: '1' }),
  ]);
  assert.equal(bodyOf(frozen).status, 'FROZEN');
  assert.equal(codeOf(spent), 'wallet_frozen');
  const attempts = side.verdicts.length;
  const later = await side.submit({ kind: 'spend', userId, assetSlug, amount: '1' });
  assert.equal(codeOf(later), 'wallet_frozen');
  assert.equal(side.verdicts.length, attempts);
});

test('of 100 spends of 10 from 500 that arrive together exactly 50 are posted', async () => {
  const assetSlug = await newAsset(side);
  const userId = await newUser(side, { assetSlug, amount: '500' });
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => side.submit({ kind: 'spend', userId, assetSlug, amount: '10' })),
  );
  const refused = answers.filter(({ outcome }) => outcome.kind === 'refused');
  assert.equal(answers.length - refused.length, 50);
  for (const answer of refused) {
    assert.equal(codeOf(answer), 'insufficient_funds');
    assert.notEqual(answer.position, null, 'a refusal for lack of funds is remembered');
  }
  assert.equal(await balanceOf(observer, userId, assetSlug), '0');
});

test('a refusal is remembered: the key answers the same when the funds are there', async () => {
  const assetSlug = await newAsset(side);
  const userId = await newUser(side);
  const spend = { kind: 'spend', userId, assetSlug, amount: '5' } as const;
  const key = randomUUID();
  const refused = await side.submit(spend, key);
  bodyOf(await side.submit({ kind: 'topup', userId, assetSlug, amount: '5' }));
  const again = await side.submit(spend, key);
  assert.equal(codeOf(refused), 'insufficient_funds');
  assert.deepEqual(again.outcome, refused.outcome);
  assert.deepEqual([again.replayed, again.position], [true, refused.position]);
  assert.equal(bodyOf(await side.submit(spend)).balanceAfter, '0');
});

test('a closed queue finishes what it has taken and takes nothing new', async () => {
  const closing = openWriteSide(database.url);
  const assetSlug = await newAsset(closing);
  const userId = await newUser(closing);
  const taken = closing.submit({ kind: 'topup', userId, assetSlug, amount: '3' });
  const closed = closing.close();
  await assert.rejects(closing.submit({ kind: 'topup', userId, assetSlug, amount: '3' }), {
    code: 'shutting_down',
  });
  assert.equal(bodyOf(await taken).balanceAfter, '3');
  await closed;
  assert.equal(await balanceOf(observer, userId, assetSlug), '3');
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
