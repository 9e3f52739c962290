/** Users and assets are cached and not locked: a status that another process changed must count all the same. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { stallCommits } from '../support/faulty-database.ts';
import { assertLedgerIsSound, headPosition, walletIdOf } from '../support/ledger-facts.ts';
import { untilWritersWait } from '../support/until.ts';
import { bodyOf, codeOf, newAsset, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let here: WriteSide;
let elsewhere: WriteSide;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  here = openWriteSide(database.url);
  elsewhere = openWriteSide(database.url);
});

after(async () => {
  await Promise.all([here.close(), elsewhere.close()]);
  await observer.end();
  await database.drop();
});

test('a ban by another process holds for the very next command, and so does its end', async () => {
  const assetSlug = await newAsset(here);
  const userId = await newUser(here, { assetSlug, amount: '10' });
  const spend = { kind: 'spend', userId, assetSlug, amount: '1' } as const;
  assert.equal(bodyOf(await here.submit(spend)).balanceAfter, '9');
  assert.deepEqual(here.verdicts, []);
  bodyOf(await elsewhere.submit({ kind: 'user.status', userId, status: 'BANNED' }));
  assert.equal(codeOf(await here.submit(spend)), 'user_banned');
  bodyOf(await elsewhere.submit({ kind: 'user.status', userId, status: 'ACTIVE' }));
  assert.equal(bodyOf(await here.submit(spend)).balanceAfter, '8');
  assert.deepEqual(here.verdicts, ['policy_moved', 'policy_moved'], 'it had them cached');
});

test('an asset frozen by another process is frozen for the very next command', async () => {
  const assetSlug = await newAsset(here);
  const userId = await newUser(here, { assetSlug, amount: '10' });
  bodyOf(await here.submit({ kind: 'spend', userId, assetSlug, amount: '1' }));
  bodyOf(await elsewhere.submit({ kind: 'asset.status', slug: assetSlug, status: 'FROZEN' }));
  assert.equal(codeOf(await here.submit({ kind: 'topup', userId, assetSlug, amount: '1' })), 'asset_frozen');
});

test('a wallet frozen by another process is frozen for the very next command', async () => {
  const assetSlug = await newAsset(here);
  const userId = await newUser(here, { assetSlug, amount: '10' });
  const walletId = await walletIdOf(observer, userId, assetSlug);
  bodyOf(await here.submit({ kind: 'spend', userId, assetSlug, amount: '1' }));
  bodyOf(await elsewhere.submit({ kind: 'wallet.status', walletId, status: 'FROZEN' }));
  assert.equal(codeOf(await here.submit({ kind: 'spend', userId, assetSlug, amount: '1' })), 'wallet_frozen');
});

test('a batch that has decided already appends nothing when a status changes before it can', async () => {
  const assetSlug = await newAsset(here);
  const userId = await newUser(here, { assetSlug, amount: '10' });
  const owner = await database.connect();
  try {
    const stall = await stallCommits(owner);
    const ban = { kind: 'user.status', userId, status: 'BANNED' } as const;
    const banned = elsewhere.submit(ban, undefined, stall.correlationId);
    await untilWritersWait(observer, 1);
    const spends = [
      here.submit({ kind: 'spend', userId, assetSlug, amount: '1' }),
      here.submit({ kind: 'topup', userId, assetSlug, amount: '1' }),
    ];
    await untilWritersWait(observer, 2);
    const before = await headPosition(observer);
    await stall.release();
    bodyOf(await banned);
    for (const answer of await Promise.all(spends)) assert.equal(codeOf(answer), 'user_banned');
    assert.equal(await headPosition(observer), before + 3n, 'the ban and two refusals');
    assert.equal(here.verdicts.at(-1), 'policy_moved');
  } finally {
    await owner.end();
  }
});

test('a cap is kept for what another process put into circulation', async () => {
  const assetSlug = await newAsset(here, { supplyCap: '100' });
  const [user, another] = [await newUser(here, { assetSlug, amount: '30' }), await newUser(elsewhere)];
  bodyOf(await elsewhere.submit({ kind: 'topup', userId: another, assetSlug, amount: '60' }));
  assert.equal(
    codeOf(await here.submit({ kind: 'topup', userId: user, assetSlug, amount: '11' })),
    'supply_cap_exceeded',
  );
  assert.equal(
    bodyOf(await here.submit({ kind: 'topup', userId: user, assetSlug, amount: '10' })).balanceAfter,
    '40',
  );
});

test('money moves although another process changes statuses without a pause', async () => {
  const assetSlug = await newAsset(here);
  const userId = await newUser(here, { assetSlug, amount: '1' });
  const [loud, louder] = [await newUser(elsewhere), await newUser(elsewhere)];
  let stop = false;
  const changing = [loud, louder].map(async (userId) => {
    for (let count = 0; !stop; count += 1) {
      const status = count % 2 === 0 ? 'BANNED' : 'ACTIVE';
      bodyOf(await elsewhere.submit({ kind: 'user.status', userId, status }));
    }
  });
  const before = here.verdicts.length;
  try {
    for (let count = 0; count < 30; count += 1) {
      bodyOf(await here.submit({ kind: 'topup', userId, assetSlug, amount: '1' }));
    }
  } finally {
    stop = true;
    await Promise.all(changing);
  }
  const attemptsLost = here.verdicts.length - before;
  assert.ok(attemptsLost <= 30, `no command lost more than one attempt, but ${attemptsLost} were lost`);
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
