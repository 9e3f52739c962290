import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, spend, topUp, walletOf, type Holder } from './payments.ts';

let database: TestDatabase;
/** No worker: its read models stand still. */
let still: Service;
let holder: Holder;
let position: string;
let walletId: string;
let path: string;

before(async () => {
  database = await createTestDatabase();
  const moving = await startService(database);
  try {
    holder = await newHolder(moving);
    path = `/wallets/${holder.userId}/${holder.assetSlug}/balance`;
    const { body } = await topUp(moving, holder, '100');
    assert.equal((await moving.get(`/projections?atLeast=${body.position}`)).status, 200);
  } finally {
    await moving.close();
  }
  still = await startService(database, { worker: false, config: { waitMs: 100 } });
  const second = await topUp(still, holder, '11');
  walletId = walletOf(second);
  position = String(second.body.position);
});

after(async () => {
  await still.close();
  await database.drop();
});

test('atLeast waits, and gives up with a 503 that says when to come back', async () => {
  const started = performance.now();
  const reply = await still.get(`${path}?atLeast=${position}`);
  expectProblem(reply, 'read_model_behind', path);
  assert.match(String(reply.headers['retry-after']), /^[1-9][0-9]*$/);
  assert.ok(performance.now() - started >= 90, 'it did not wait');
});

test('every query of a read model takes atLeast', async () => {
  for (const query of [
    '/users',
    `/users/${holder.userId}`,
    `/users/${holder.userId}/wallets`,
    '/assets',
    `/assets/${holder.assetSlug}/activity`,
    `/wallets/${walletId}`,
    `/wallets/${walletId}/history?type=topup`,
    '/transactions',
    '/projections',
    '/audit/trial-balance',
  ]) {
    const joint = query.includes('?') ? '&' : '?';
    const reply = await still.get(`${query}${joint}atLeast=${position}`);
    expectProblem(reply, 'read_model_behind', query.split('?')[0] ?? query);
    assert.equal((await still.get(`${query}${joint}atLeast=1`)).status, 200, query);
    expectInvalid(await still.get(`${query}${joint}atLeast=soon`), query.split('?')[0] ?? query, ['atLeast']);
  }
});

test('what the log answers has no lag', async () => {
  for (const query of [
    `/wallets/${walletId}/history`,
    '/transactions/ID',
    '/events',
    `${path}?asOf=${position}`,
    `${path}?consistency=strong`,
  ]) {
    const { data } = (await still.get(`/events?after=${BigInt(position) - 1n}`)).body;
    const url = query.replace('ID', data[0].id);
    const reply = await still.get(`${url}${url.includes('?') ? '&' : '?'}atLeast=${position}`);
    assert.equal(reply.status, 200, reply.text);
    assert.ok(BigInt(String(reply.headers['coffer-position'])) >= BigInt(position), url);
  }
});

test('atLeast beyond the head is not reached in time', async () => {
  const beyond = (BigInt(position) + 1_000n).toString();
  for (const query of ['/events', `${path}?consistency=strong`, path]) {
    const joint = query.includes('?') ? '&' : '?';
    expectProblem(
      await still.get(`${query}${joint}atLeast=${beyond}`),
      'read_model_behind',
      query.split('?')[0] ?? '',
    );
  }
});

test('a projected balance tells honestly how old it is', async () => {
  const reply = await still.get(path);
  assert.equal(reply.body.balance, '100');
  assert.ok(BigInt(reply.body.position) < BigInt(position));
  assert.equal(reply.headers['coffer-position'], reply.body.position);
});

test('a strong balance sees every write at once, without a worker', async () => {
  for (const [move, amount, expected] of [
    [topUp, '9', '120'],
    [spend, '20', '100'],
    [topUp, '1', '101'],
  ] as const) {
    const written = await move(still, holder, amount);
    const reply = await still.get(`${path}?consistency=strong`);
    assert.equal(reply.body.balance, expected);
    assert.ok(BigInt(reply.body.position) >= BigInt(written.body.position));
    assert.equal(reply.headers['coffer-position'], reply.body.position);
  }
  expectInvalid(await still.get(`${path}?consistency=eventual`), path, ['consistency']);
});

test('something new is never said not to exist for lack of projection', async () => {
  const fresh = await newHolder(still);
  const balance = await still.get(`/wallets/${fresh.userId}/${fresh.assetSlug}/balance`);
  assert.equal(balance.body.balance, '0');
  for (const query of [
    `/users/${fresh.userId}`,
    `/users/${fresh.userId}/wallets`,
    `/assets/${fresh.assetSlug}/activity`,
  ]) {
    const behind = await still.get(query);
    expectProblem(behind, 'read_model_behind', query);
    assert.match(String(behind.headers['coffer-position']), /^\d+$/, 'how far it has come');
  }
});

test('a worker that comes to life lets those who wait go on', async () => {
  const waiting = await startService(database, { worker: false, config: { waitMs: 20_000 } });
  const written = await topUp(waiting, holder, '1');
  const answer = waiting.get(`${path}?atLeast=${written.body.position}`);
  const worker = await startService(database);
  try {
    assert.equal((await answer).body.balance, written.body.balanceAfter);
  } finally {
    await worker.close();
    await waiting.close();
  }
});
