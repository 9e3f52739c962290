import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ProblemCode } from '../../src/http/problems.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Reply, type Service } from '../support/service.ts';
import { expectProblem } from './expect-problem.ts';
import { giveBonus, newHolder, spend, topUp, transfer, walletOf, type Holder } from './payments.ts';

let database: TestDatabase;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
});

after(async () => {
  await service.close();
  await database.drop();
});

type Pair = { readonly one: Holder; readonly other: Holder; readonly oneWallet: string };

async function newPair(): Promise<Pair> {
  const one = await newHolder(service);
  const other = await newHolder(service, one.assetSlug);
  const oneWallet = walletOf(await topUp(service, one, '100'));
  await topUp(service, other, '100');
  return { one, other, oneWallet };
}

/** Everything that moves money of `one`, from either side. */
async function everyMove({ one, other }: Pair): Promise<Reply[]> {
  return [
    await topUp(service, one, '1'),
    await giveBonus(service, one, '1'),
    await spend(service, one, '1'),
    await transfer(service, { from: one, to: other }, '1'),
    await transfer(service, { from: other, to: one }, '1'),
  ];
}

async function expectAllRefused(
  pair: Pair,
  code: ProblemCode,
  figures: Record<string, string>,
): Promise<void> {
  const replies = await everyMove(pair);
  for (const [index, kind] of ['topup', 'bonus', 'spend', 'transfer', 'transfer'].entries()) {
    const reply = replies[index] as Reply;
    expectProblem(reply, code, `/transactions/${kind}`);
    for (const [name, value] of Object.entries(figures)) assert.equal(reply.body[name], value);
  }
}

async function expectAllAccepted(pair: Pair): Promise<void> {
  for (const reply of await everyMove(pair)) assert.equal(reply.status, 201, reply.text);
}

test('money of a banned user does not move, until the ban is lifted', async () => {
  const pair = await newPair();
  const { userId } = pair.one;
  await service.post(`/users/${userId}/status`, { status: 'BANNED', reason: 'fraud' });
  await expectAllRefused(pair, 'user_banned', { userId });
  assert.equal((await topUp(service, pair.other, '1')).status, 201);
  await service.post(`/users/${userId}/status`, { status: 'ACTIVE' });
  await expectAllAccepted(pair);
});

test('nothing of a frozen asset moves, until it is thawed', async () => {
  const pair = await newPair();
  const asset = pair.one.assetSlug;
  await service.post(`/assets/${asset}/status`, { status: 'FROZEN' });
  await expectAllRefused(pair, 'asset_frozen', { asset });
  const elsewhere = await newHolder(service);
  assert.equal((await topUp(service, { ...elsewhere, userId: pair.one.userId }, '1')).status, 201);
  await service.post(`/assets/${asset}/status`, { status: 'ACTIVE' });
  await expectAllAccepted(pair);
});

test('money in a frozen wallet does not move, until it is thawed', async () => {
  const pair = await newPair();
  const walletId = pair.oneWallet;
  const frozen = await service.post(`/wallets/${walletId}/status`, { status: 'FROZEN' });
  assert.equal(frozen.status, 201);
  const { position, recordedAt, ...wallet } = frozen.body;
  assert.ok(recordedAt);
  assert.equal(wallet.status, 'FROZEN');
  assert.deepEqual((await service.get(`/wallets/${walletId}?atLeast=${position}`)).body, wallet);
  await expectAllRefused(pair, 'wallet_frozen', { walletId });
  const elsewhere = await newHolder(service);
  assert.equal((await topUp(service, { ...elsewhere, userId: pair.one.userId }, '1')).status, 201);
  await service.post(`/wallets/${walletId}/status`, { status: 'ACTIVE' });
  await expectAllAccepted(pair);
});

test('a frozen treasury stops what comes from it or goes to it', async () => {
  const pair = await newPair();
  const { body } = await topUp(service, pair.one, '1');
  const treasury = body.entries[0].walletId as string;
  await service.post(`/wallets/${treasury}/status`, { status: 'FROZEN' });
  for (const move of [topUp, giveBonus, spend]) {
    const reply = await move(service, pair.one, '1');
    assert.equal(reply.body.code, 'wallet_frozen');
    assert.equal(reply.body.walletId, treasury);
  }
  assert.equal((await transfer(service, { from: pair.one, to: pair.other }, '1')).status, 201);
});

test('a user who was banned before having a wallet gets none', async () => {
  const holder = await newHolder(service);
  await service.post(`/users/${holder.userId}/status`, { status: 'BANNED' });
  const refused = await topUp(service, holder, '1');
  expectProblem(refused, 'user_banned', '/transactions/topup');
  const at = refused.headers['coffer-position'];
  assert.deepEqual(
    (await service.get(`/users/${holder.userId}/wallets?atLeast=${String(at)}`)).body.data,
    [],
  );
});
