import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, topUp } from './payments.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOBODY = '01998a6e-7c00-7000-8000-00000000dead';

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

test('a sane request id is given back, on answers and on refusals', async () => {
  const id = 'caller-7/abc~!';
  for (const path of ['/health', '/users', '/nope', '/users/x', '/users/%zz']) {
    assert.equal((await service.get(path, { 'x-request-id': id })).headers['x-request-id'], id, path);
  }
  const { headers } = await service.post('/users', { email: 7 }, 'a key', { 'x-request-id': id });
  assert.equal(headers['x-request-id'], id);
});

test('a request id that is not sane is replaced by a new one', async () => {
  for (const id of ['', 'with space', 'ünïcode', 'x'.repeat(129), 'a\tb']) {
    assert.match(
      String((await service.get('/health', { 'x-request-id': id })).headers['x-request-id']),
      UUID,
      id,
    );
  }
  const [first, second] = [await service.get('/health'), await service.get('/health')];
  assert.notEqual(first.headers['x-request-id'], second.headers['x-request-id']);
});

test('the request id of a command is its correlation id in the log', async () => {
  const holder = await newHolder(service);
  const body = { ...holder, amount: '1' };
  const reply = await service.post('/transactions/topup', body, 'correlated-1', {
    'x-request-id': 'trace-1',
  });
  const feed = await service.get(`/events?after=${BigInt(reply.body.position) - 1n}`);
  assert.equal(feed.body.data[0].correlationId, 'trace-1');
});

test('an unknown path is a 404 problem, for browsers too', async () => {
  for (const path of [
    '/nope',
    '/nope/',
    '/USERS',
    '/transactions/topup/x',
    '/pages/nope.css',
    '/docs/nope',
  ]) {
    const reply = await service.get(path, { accept: 'text/html' });
    expectProblem(reply, 'not_found', path);
  }
});

test('a method that a path does not have is a 404 problem', async () => {
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const) {
    const { statusCode, headers, payload } = await service.http.inject({ method, url: '/users' });
    const text = payload;
    expectProblem({ status: statusCode, headers, text, body: JSON.parse(text) }, 'not_found', '/users');
  }
  expectProblem(await service.get('/transactions/transfer/x'), 'not_found', '/transactions/transfer/x');
});

test('HEAD answers as GET does, without a body', async () => {
  const { headers: at } = await service.get('/events');
  await service.get(`/users?atLeast=${String(at['coffer-position'])}`);
  for (const url of ['/users', '/health', '/openapi.json', '/events']) {
    const get = await service.http.inject({ method: 'GET', url });
    const head = await service.http.inject({ method: 'HEAD', url });
    assert.equal(head.statusCode, 200, url);
    assert.equal(head.payload, '');
    assert.equal(head.headers['content-type'], get.headers['content-type']);
    assert.equal(head.headers['coffer-position'], get.headers['coffer-position']);
  }
  assert.equal((await service.http.inject({ method: 'HEAD', url: '/nope' })).statusCode, 404);
  const stream = await service.http.inject({
    method: 'HEAD',
    url: '/events',
    headers: { accept: 'application/x-ndjson' },
  });
  assert.equal(stream.statusCode, 200);
  assert.equal(stream.payload, '');
});

test('a path that is no URL is a 400 problem', async () => {
  for (const path of ['/users/%zz', '/users/%', '/%E0%A4%A'])
    expectInvalid(await service.get(path), path, ['path']);
});

test('a query that is not percent-encoded is a 400 and not a search for something else', async () => {
  for (const query of ['email=%zz', 'email=%', 'email=a%ff', 'email=%ED%A0%80', 'limit=1&email=%c0%80'])
    expectInvalid(await service.get(`/users?${query}`), '/users', ['querystring']);
  expectInvalid(await service.post('/users?dryRun=%zz', {}), '/users', ['querystring']);
  assert.equal((await service.get('/users?email=100%25%40example.com')).status, 200);
});

test('a path with an empty part is a 404: it is none that there is', async () => {
  for (const path of [
    '/users/',
    '/users//wallets',
    '/wallets//x/balance',
    '/idempotency-keys/',
    '/scheduled/',
  ])
    expectProblem(await service.get(path), 'not_found', path);
  for (const path of ['/holds//capture', '/transactions//reverse', '/assets//status'])
    expectProblem(await service.post(path, {}), 'not_found', path);
});

test('the instance of a problem is the path without the query', async () => {
  const reply = await service.get(`/users/${NOBODY}?atLeast=0`);
  expectProblem(reply, 'user_not_found', `/users/${NOBODY}`);
  expectInvalid(await service.get('/users?limit=0&email=a%40b'), '/users', ['limit']);
});

test('an id that is no UUID is a 400 that names it, however long it is', async () => {
  expectInvalid(await service.get('/users/alice'), '/users/alice', ['userId']);
  expectInvalid(await service.get('/wallets/7'), '/wallets/7', ['id']);
  expectInvalid(await service.get('/transactions/7'), '/transactions/7', ['id']);
  for (const length of [500, 5_000]) {
    const reply = await service.get(`/users/${'a'.repeat(length)}`);
    assert.ok([400, 404].includes(reply.status), reply.text);
    expectProblem(reply, reply.body.code, `/users/${'a'.repeat(length)}`);
  }
});

test('an id is found however its letters are written', async () => {
  const { userId } = await newHolder(service);
  assert.equal((await service.get(`/users/${userId.toUpperCase()}`)).body.id, userId);
});

test('unknown users, assets, wallets and transactions are 404, with the position they were looked for at', async () => {
  const { userId, assetSlug } = await newHolder(service);
  const cases = [
    [`/users/${NOBODY}`, 'user_not_found'],
    [`/users/${NOBODY}/wallets`, 'user_not_found'],
    [`/wallets/${NOBODY}/${assetSlug}/balance`, 'user_not_found'],
    [`/wallets/${NOBODY}/${assetSlug}/balance?consistency=strong`, 'user_not_found'],
    [`/wallets/${NOBODY}/${assetSlug}/balance?asOf=1`, 'user_not_found'],
    [`/wallets/${userId}/no_such_asset/balance`, 'asset_not_found'],
    [`/wallets/${userId}/No-such%20asset/balance?asOf=1`, 'asset_not_found'],
    ['/assets/no-such-asset/activity', 'asset_not_found'],
    [`/wallets/${NOBODY}`, 'wallet_not_found'],
    [`/wallets/${NOBODY}/history`, 'wallet_not_found'],
    [`/transactions/${NOBODY}`, 'transaction_not_found'],
    ['/idempotency-keys/never-used', 'idempotency_key_unknown'],
  ] as const;
  for (const [path, code] of cases) {
    const reply = await service.get(path);
    expectProblem(reply, code, path.split('?')[0] ?? path);
    assert.match(String(reply.headers['coffer-position']), /^[1-9][0-9]*$/, path);
  }
});

test('commands about what does not exist are 404, with where the ledger stands, and write nothing', async () => {
  const { userId, assetSlug } = await newHolder(service);
  const money = { userId, assetSlug, amount: '1' };
  const cases = [
    ['/transactions/topup', { ...money, userId: NOBODY }, 'user_not_found'],
    ['/transactions/spend', { ...money, assetSlug: 'no_such_asset' }, 'asset_not_found'],
    [
      '/transactions/transfer',
      { fromUserId: userId, toUserId: NOBODY, assetSlug, amount: '1' },
      'user_not_found',
    ],
    [`/users/${NOBODY}/status`, { status: 'BANNED' }, 'user_not_found'],
    ['/assets/no-such-asset/status', { status: 'FROZEN' }, 'asset_not_found'],
    [`/wallets/${NOBODY}/status`, { status: 'FROZEN' }, 'wallet_not_found'],
  ] as const;
  const head = (await service.get('/projections')).headers['coffer-position'];
  for (const [path, body, code] of cases) {
    const reply = await service.post(path, body);
    expectProblem(reply, code, path);
    assert.equal(reply.headers['coffer-position'], head);
  }
  assert.equal((await service.get('/projections')).headers['coffer-position'], head);
});

test('a query parameter that a route does not know is a 400 and not ignored', async () => {
  for (const path of [
    '/users',
    '/assets',
    '/events',
    '/transactions',
    '/projections',
    '/audit/trial-balance',
  ]) {
    expectInvalid(await service.get(`${path}?colour=red&size=3`), path, ['colour', 'size']);
  }
});

test('a command with ?dryRun=true is never a real write by accident', async () => {
  const holder = await newHolder(service);
  const reply = await service.post('/transactions/topup?dryRun=true', { ...holder, amount: '5' });
  assert.equal(reply.status, 200, reply.text);
  for (const word of ['yes', '1', '', 'TRUE']) {
    const unclear = await service.post(`/transactions/topup?dryRun=${word}`, { ...holder, amount: '5' });
    expectInvalid(unclear, '/transactions/topup', ['dryRun']);
  }
  expectInvalid(await service.post('/users?dryRun=true', { email: 'a@example.com' }), '/users', ['dryRun']);
  const balance = await service.get(
    `/wallets/${holder.userId}/${holder.assetSlug}/balance?consistency=strong`,
  );
  assert.equal(balance.body.balance, '0');
  assert.equal((await topUp(service, holder, '5')).body.balanceAfter, '5');
});
