import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { registerUser, startService, unique, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, topUp } from './payments.ts';

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

test('a registered user is answered as GET shows it, with its place in the log', async () => {
  const email = `${unique('alice')}@example.com`;
  const written = await service.post('/users', { email });
  assert.equal(written.status, 201);
  const { position, recordedAt, ...user } = written.body;
  assert.deepEqual(Object.keys(user), ['id', 'email', 'status', 'createdAt']);
  assert.equal(user.email, email);
  assert.equal(user.status, 'ACTIVE');
  assert.equal(written.headers['coffer-position'], position);
  assert.match(recordedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const shown = await service.get(`/users/${user.id}?atLeast=${position}`);
  assert.deepEqual(shown.body, user);
});

test('an e-mail is trimmed and lower-cased, and taken however it is written', async () => {
  const name = unique('Mixed');
  const first = await service.post('/users', { email: `  ${name}@Example.COM\t` });
  assert.equal(first.body.email, `${name.toLowerCase()}@example.com`);
  const second = await service.post('/users', { email: `${name.toUpperCase()}@EXAMPLE.com ` });
  expectProblem(second, 'email_taken', '/users');
  const at = first.body.position;
  const found = await service.get(`/users?email=${encodeURIComponent(` ${name}@EXAMPLE.COM`)}&atLeast=${at}`);
  assert.deepEqual(
    found.body.data.map(({ id }: { id: string }) => id),
    [first.body.id],
  );
});

test('a user may bring an id, which then is taken', async () => {
  const id = randomUUID();
  const first = await service.post('/users', { email: `${unique('own')}@example.com`, id: id.toUpperCase() });
  assert.equal(first.body.id, id);
  const second = await service.post('/users', { email: `${unique('own')}@example.com`, id });
  expectProblem(second, 'id_taken', '/users');
});

test('two who take one e-mail at the same moment: one gets it', async () => {
  const email = `${unique('race')}@example.com`;
  const replies = await Promise.all(Array.from({ length: 8 }, () => service.post('/users', { email })));
  const statuses = replies.map(({ status }) => status).sort((a, b) => a - b);
  assert.deepEqual(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
});

test('what is no e-mail is a 400', async () => {
  for (const email of ['', 'a', 'a@', '@b', 'a b@c', 'a@b@c', `${'x'.repeat(250)}@e.org`, null, 7]) {
    expectInvalid(await service.post('/users', { email }), '/users', ['email']);
  }
});

test('a user is banned and the ban lifted, each with the status it then has', async () => {
  const user = await registerUser(service);
  for (const status of ['BANNED', 'ACTIVE'] as const) {
    const written = await service.post(`/users/${user.id}/status`, { status, reason: 'because' });
    assert.equal(written.status, 201);
    const { position, recordedAt, ...body } = written.body;
    assert.ok(recordedAt);
    assert.deepEqual({ ...body, createdAt: '' }, { id: user.id, email: user.email, status, createdAt: '' });
    const shown = await service.get(`/users/${user.id}?atLeast=${position}`);
    assert.deepEqual(shown.body, body);
  }
  const path = `/users/${user.id}/status`;
  expectInvalid(await service.post(path, { status: 'FROZEN' }), path, ['status']);
  expectInvalid(await service.post(path, { status: 'banned' }), path, ['status']);
});

test('no e-mail finds nobody, and an unknown one neither', async () => {
  assert.deepEqual((await service.get('/users?email=nobody%40example.com')).body, {
    data: [],
    nextCursor: null,
  });
  assert.deepEqual((await service.get('/users?email=')).body, { data: [], nextCursor: null });
});

test("a user's wallets are listed in the order in which they were opened", async () => {
  const first = await newHolder(service);
  const second = await newHolder(service);
  const wallets = async (atLeast: string) =>
    (await service.get(`/users/${first.userId}/wallets?atLeast=${atLeast}`)).body;
  const { position } = (await service.get(`/users/${first.userId}`)).body;
  assert.equal(position, undefined);
  assert.deepEqual((await wallets('1')).data, []);
  await topUp(service, { ...first, assetSlug: second.assetSlug }, '5');
  const last = await topUp(service, first, '7');
  const { data, nextCursor } = await wallets(last.body.position);
  assert.equal(nextCursor, null);
  const shown = data.map((wallet: { asset: { slug: string }; balance: string }) => [
    wallet.asset.slug,
    wallet.balance,
  ]);
  assert.deepEqual(shown, [
    [second.assetSlug, '5'],
    [first.assetSlug, '7'],
  ]);
  const [, wallet] = data;
  assert.deepEqual(wallet, {
    id: last.body.entries[1].walletId,
    userId: first.userId,
    system: null,
    asset: { slug: first.assetSlug, name: first.assetSlug, scale: 0, status: 'ACTIVE' },
    balance: '7',
    held: '0',
    available: '7',
    status: 'ACTIVE',
  });
  assert.deepEqual((await service.get(`/wallets/${wallet.id}`)).body, wallet);
});
