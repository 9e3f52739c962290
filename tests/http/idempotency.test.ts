import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  createAsset,
  registerUser,
  startService,
  unique,
  type Reply,
  type Service,
} from '../support/service.ts';
import { expectProblem } from './expect-problem.ts';
import { newHolder, spend, topUp, walletOf, type Holder } from './payments.ts';

let database: TestDatabase;
let service: Service;
let holder: Holder;
let walletId: string;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  holder = await newHolder(service);
  walletId = walletOf(await topUp(service, holder, '1000'));
});

after(async () => {
  await service.close();
  await database.drop();
});

async function balance(): Promise<string> {
  const reply = await service.get(`/wallets/${holder.userId}/${holder.assetSlug}/balance?consistency=strong`);
  return String(reply.body.balance);
}

function expectReplay(first: Reply, second: Reply): void {
  assert.equal(first.headers['idempotent-replayed'], undefined);
  assert.equal(second.headers['idempotent-replayed'], 'true');
  assert.equal(second.status, first.status);
  assert.equal(second.text, first.text);
  assert.equal(second.headers['content-type'], first.headers['content-type']);
  assert.equal(second.headers['coffer-position'], first.headers['coffer-position']);
  assert.match(String(first.headers['coffer-position']), /^[1-9][0-9]*$/);
}

test('every accepted command is answered again byte for byte, and done once', async () => {
  const other = await registerUser(service);
  const { userId, assetSlug } = holder;
  const toAsset = await createAsset(service);
  const metadata = { z: 'last', a: 'first', 10: 'ten', 9: 'nine' };
  const commands: [string, Record<string, unknown>][] = [
    ['/users', { email: `  ${unique('Replayed')}@Example.COM ` }],
    ['/assets', { slug: unique('replayed'), name: 'Ünïcode "quoted"', scale: 2, supplyCap: '5' }],
    ['/transactions/topup', { userId, assetSlug, amount: '7', reference: 'r', metadata }],
    ['/transactions/topup', { userId, assetSlug, amount: '7', metadata, personalMetadata: ['a', '10'] }],
    ['/transactions/bonus', { userId, assetSlug, amount: '7', metadata: {} }],
    ['/transactions/spend', { userId, assetSlug, amount: '7', reference: null }],
    ['/transactions/transfer', { fromUserId: userId, toUserId: other.id, assetSlug, amount: '7', metadata }],
    ['/transactions/exchange', { userId, fromAsset: assetSlug, toAsset, amount: '7', rate: '0.5', metadata }],
    [`/users/${other.id}/status`, { status: 'BANNED', reason: 'fraud' }],
    [`/users/${other.id}/status`, { status: 'ACTIVE' }],
    [`/wallets/${walletId}/status`, { status: 'FROZEN', reason: 'lost' }],
    [`/wallets/${walletId}/status`, { status: 'ACTIVE' }],
    [`/assets/${assetSlug}/status`, { status: 'FROZEN', reason: 'audit' }],
    [`/assets/${assetSlug}/status`, { status: 'ACTIVE' }],
  ];
  const done: [string, Record<string, unknown>, string, Reply][] = [];
  for (const [path, body] of commands) {
    const key = randomUUID();
    const first = await service.post(path, body, key);
    assert.equal(first.status, 201, first.text);
    assert.equal(first.headers['coffer-position'], first.body.position);
    expectReplay(first, await service.post(path, body, key));
    done.push([path, body, key, first]);
  }
  assert.equal(await balance(), '1000');
  // And once more after all that happened since.
  for (const [path, body, key, first] of done) expectReplay(first, await service.post(path, body, key));
  assert.equal(await balance(), '1000');
});

test('the order of the fields and the layout of the JSON do not make another request', async () => {
  const key = randomUUID();
  const { userId, assetSlug } = holder;
  const first = await service.post(
    '/transactions/topup',
    { userId, assetSlug, amount: '1', metadata: { a: '1', b: '2' } },
    key,
  );
  const shuffled = `{ "metadata": {"b":"2", "a":"1"}, "amount":"\\u0031", "assetSlug":"${assetSlug}", "userId":"${userId}" }`;
  expectReplay(first, await service.post('/transactions/topup', shuffled, key));
});

test('a refusal that state caused is remembered, even once the state has changed', async () => {
  const poor = await newHolder(service);
  const key = randomUUID();
  const first = await spend(service, poor, '5', { key });
  expectProblem(first, 'insufficient_funds', '/transactions/spend');
  assert.equal(first.body.available, '0');
  assert.equal(first.body.required, '5');
  expectReplay(first, await spend(service, poor, '5', { key }));
  await topUp(service, poor, '100');
  expectReplay(first, await spend(service, poor, '5', { key }));
  assert.equal((await spend(service, poor, '5')).status, 201);
});

test('commands that arrive together under one key are done once', async () => {
  const lucky = await newHolder(service);
  const key = randomUUID();
  const replies = await Promise.all(Array.from({ length: 20 }, () => topUp(service, lucky, '3', { key })));
  assert.deepEqual(new Set(replies.map(({ text }) => text)).size, 1);
  assert.equal(replies.filter(({ headers }) => headers['idempotent-replayed'] === undefined).length, 1);
  assert.equal(replies[0]?.body.balanceAfter, '3');
});

test('a key with another request is refused and told which fields differ', async () => {
  const key = randomUUID();
  const { userId, assetSlug } = holder;
  const body = { userId, assetSlug, amount: '1', reference: 'a' };
  await service.post('/transactions/topup', body, key);
  const otherAsset = await createAsset(service);
  const cases: [string, Record<string, unknown>, string[]][] = [
    ['/transactions/topup', { ...body, amount: '2' }, ['amount']],
    ['/transactions/topup', { ...body, amount: '2', reference: 'b' }, ['amount', 'reference']],
    ['/transactions/topup', { ...body, assetSlug: otherAsset }, ['assetSlug']],
    ['/transactions/topup', { ...body, metadata: { a: 'b' } }, ['metadata']],
    ['/transactions/spend', body, ['command']],
    ['/transactions/bonus', body, ['command']],
  ];
  for (const [path, other, differs] of cases) {
    const reply = await service.post(path, other, key);
    expectProblem(reply, 'idempotency_key_reused', path);
    assert.deepEqual(reply.body.differs, differs);
    assert.equal(reply.headers['idempotent-replayed'], undefined);
    assert.match(String(reply.headers['coffer-position']), /^[1-9][0-9]*$/);
  }
  assert.equal((await service.post('/transactions/topup', body, key)).headers['idempotent-replayed'], 'true');
});

test('a key of another route is refused as reused', async () => {
  const key = randomUUID();
  await service.post('/users', { email: `${unique('first')}@example.com` }, key);
  const reply = await service.post('/assets', { slug: unique('second') }, key);
  expectProblem(reply, 'idempotency_key_reused', '/assets');
  assert.ok(reply.body.differs.includes('command'), reply.text);
  const email = `${unique('third')}@example.com`;
  assert.deepEqual((await service.post('/users', { email }, key)).body.differs, ['email']);
});

test('400, 404 and 409 are not remembered: the same key works once the request does', async () => {
  const key = randomUUID();
  const id = randomUUID();
  const { assetSlug } = holder;
  const money = { userId: id, assetSlug, amount: '1' };
  const { email } = await registerUser(service);
  assert.equal((await service.post('/transactions/topup', { ...money, amount: 1 }, key)).status, 400);
  assert.equal((await service.post('/transactions/topup', money, key)).status, 404);
  assert.equal((await service.post('/users', { email }, key)).status, 409);
  await service.post('/users', { email: `${unique('late')}@example.com`, id });
  const reply = await service.post('/transactions/topup', money, key);
  assert.equal(reply.status, 201, reply.text);
  assert.equal(reply.headers['idempotent-replayed'], undefined);
});

test('a write without a key is refused before its body is looked at', async () => {
  for (const url of [
    '/users',
    '/assets',
    '/transactions/topup',
    '/transactions/transfer',
    `/wallets/${walletId}/status`,
  ]) {
    for (const headers of [{}, { 'idempotency-key': '' }]) {
      const response = await service.http.inject({ method: 'POST', url, headers, payload: { no: 'field' } });
      const reply = { status: response.statusCode, headers: response.headers, text: response.payload };
      expectProblem({ ...reply, body: response.json() }, 'idempotency_key_missing', url);
    }
  }
});

test('a key has 1 to 255 visible ASCII characters', async () => {
  const body = { ...holder, amount: '1' };
  for (const key of ['two words', 'x'.repeat(256), 'schlüssel', 'tab\tbed', '\u007f']) {
    expectProblem(
      await service.post('/transactions/topup', body, key),
      'idempotency_key_invalid',
      '/transactions/topup',
    );
  }
  for (const key of ['!', '~', `/${'x'.repeat(254)}`, 'a/b?c#d%2F"\\']) {
    const first = await service.post('/transactions/topup', body, key);
    assert.equal(first.status, 201, first.text);
    expectReplay(first, await service.post('/transactions/topup', body, key));
  }
});

test('keys that differ in one letter, in case or at the end are different keys', async () => {
  const stem = `k${randomUUID().replaceAll('-', '')}`;
  const body = { ...holder, amount: '1' };
  const keys = [stem, stem.toUpperCase(), `${stem}x`, `${stem}y`, stem.slice(0, -1)];
  for (const key of keys) {
    assert.equal(
      (await service.post('/transactions/topup', body, key)).headers['idempotent-replayed'],
      undefined,
      key,
    );
  }
});
