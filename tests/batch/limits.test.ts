/** Two processes spend against one limit at once: never more than that, whichever of them knows what. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { Command } from '../../src/commands/schemas.ts';
import type { Answer } from '../../src/commands/submission.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf } from '../support/ledger-facts.ts';
import { bodyOf, codeOf, newAsset, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let sides: [WriteSide, WriteSide];

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  sides = [openWriteSide(database.url, { maxBatch: 10 }), openWriteSide(database.url, { maxBatch: 10 })];
});

after(async () => {
  await Promise.all(sides.map((side) => side.close()));
  await observer.end();
  await database.drop();
});

async function walletOf(userId: string): Promise<string> {
  const { rows } = await observer.query<{ id: string }>('select id from wallets where owner = $1', [userId]);
  return rows[0]!.id;
}

function both(count: number, command: (index: number) => Command): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => sides[index % 2]!.submit(command(index))));
}

test('of 100 spends and holds of 10 from 2000, sent through two processes under a limit of 300, 30 are done', async () => {
  const assetSlug = await newAsset(sides[0]);
  const userId = await newUser(sides[1], { assetSlug, amount: '2000' });
  bodyOf(await sides[0].submit({ kind: 'wallet.limits', walletId: await walletOf(userId), day: '300' }));
  const answers = await both(100, (index) => {
    return { kind: index % 3 === 0 ? 'hold' : 'spend', userId, assetSlug, amount: '10' };
  });
  const done = answers.filter(({ outcome }) => outcome.kind === 'accepted');
  assert.equal(done.length, 30);
  for (const answer of answers) if (!done.includes(answer)) assert.equal(codeOf(answer), 'limit_exceeded');
});

test('an asset limit set in one process while the other spends holds from its position on', async () => {
  const assetSlug = await newAsset(sides[0]);
  const userId = await newUser(sides[1], { assetSlug, amount: '5000' });
  const spend: Command = { kind: 'spend', userId, assetSlug, amount: '10' };
  const spending = both(60, () => spend);
  const set = await sides[0].submit({ kind: 'asset.limits', slug: assetSlug, week: '100' });
  const early = await spending;
  const later = await both(60, () => spend);
  bodyOf(set);
  const counted = [...early, ...later].filter(
    ({ outcome, position }) => outcome.kind === 'accepted' && position! > set.position!,
  );
  assert.equal(counted.length, 10);
});

test('an overdraft is never passed by two processes at once', async () => {
  const assetSlug = await newAsset(sides[0]);
  const userId = await newUser(sides[1], { assetSlug, amount: '100' });
  bodyOf(await sides[0].submit({ kind: 'wallet.overdraft', walletId: await walletOf(userId), limit: '55' }));
  const answers = await both(40, () => ({ kind: 'spend', userId, assetSlug, amount: '10' }));
  assert.equal(answers.filter(({ outcome }) => outcome.kind === 'accepted').length, 15);
  assert.equal(await balanceOf(observer, userId, assetSlug), '-50');
});

test('a wallet without limits keeps none, and what has limits keeps them', async () => {
  const assetSlug = await newAsset(sides[0]);
  const [plain, limited] = [
    await newUser(sides[0], { assetSlug, amount: '100' }),
    await newUser(sides[0], { assetSlug, amount: '100' }),
  ];
  const walletId = await walletOf(limited);
  bodyOf(await sides[0].submit({ kind: 'wallet.limits', walletId, day: '300' }));
  bodyOf(await sides[0].submit({ kind: 'wallet.limits', walletId }));
  const limitsOf = async (userId: string): Promise<unknown> =>
    (await observer.query('select limits::text from wallets where owner = $1', [userId])).rows[0]!.limits;
  bodyOf(await sides[1].submit({ kind: 'spend', userId: plain, assetSlug, amount: '1' }));
  assert.equal(await limitsOf(plain), null);
  assert.equal(
    await limitsOf(limited),
    '{"counted":{"day":[],"month":[],"week":[]},"limits":{"day":null,"month":null,"perTransaction":null,"week":null},"overdraft":"0"}',
  );
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
