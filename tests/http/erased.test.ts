/** What is answered about somebody who was erased, to whoever asks again and to whoever asks anew. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { registerUser, startService, unique, type Reply, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { pagesOf } from './pages-of.ts';
import { newHolder, spend, topUp, transfer, walletOf, type Holder } from './payments.ts';

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

function tryErase(userId: string, key?: string, body: unknown = {}): Promise<Reply> {
  return service.post(`/users/${userId}/erase`, body, key);
}

async function erase(userId: string): Promise<Reply> {
  const erased = await tryErase(userId);
  assert.equal(erased.status, 201, erased.text);
  return erased;
}

async function head(): Promise<string> {
  return String((await service.get('/events?limit=1')).headers['coffer-position']);
}

test('an erasure is answered with the user as it then is, and again with the same bytes', async () => {
  const { body: user } = await service.post('/users', { email: `${unique('gone')}@example.com` });
  const first = await tryErase(user.id, 'erase-1', { reason: 'request 4711' });
  assert.equal(first.status, 201, first.text);
  const { position, recordedAt } = first.body;
  const { id, createdAt } = user;
  assert.deepEqual(first.body, { id, email: null, status: 'ERASED', createdAt, position, recordedAt });
  assert.equal(first.headers['coffer-position'], position);

  const again = await tryErase(user.id, 'erase-1', { reason: 'request 4711' });
  assert.deepEqual([again.status, again.text], [201, first.text]);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  const { body: kept } = await service.get('/idempotency-keys/erase-1');
  assert.deepEqual(kept, { status: 201, position, outcome: first.body });
  const other = await tryErase(user.id, 'erase-1', { reason: 'other' });
  expectProblem(other, 'idempotency_key_reused', `/users/${id}/erase`);
  assert.deepEqual(other.body.differs, ['reason']);
});

test('a body is not needed, and an unknown field or user is refused', async () => {
  const { id } = await registerUser(service);
  expectInvalid(await tryErase(id, undefined, { email: 'x' }), `/users/${id}/erase`, ['email']);
  expectInvalid(await tryErase('nobody'), '/users/nobody/erase', ['userId']);
  const nobody = '01998a6e-7c00-7000-8000-00000000dead';
  expectProblem(await tryErase(nobody), 'user_not_found', `/users/${nobody}/erase`);
  const bare = await service.http.inject({
    ...{ method: 'POST', url: `/users/${id}/erase`, headers: { 'idempotency-key': unique('bare') } },
  });
  assert.equal(bare.statusCode, 201, bare.payload);
});

test('a user with a balance or a hold is not erased, with the figures, and is told so again', async () => {
  const holder = await newHolder(service);
  await topUp(service, holder, '10');
  const { body: hold } = await service.post('/holds', { ...holder, amount: '4' });
  const refused = await tryErase(holder.userId, 'erase-full');
  expectProblem(refused, 'user_not_empty', `/users/${holder.userId}/erase`);
  const { userId, wallets, assets, balances, held, transactionId } = refused.body;
  assert.deepEqual(
    { userId, wallets, assets, balances, held },
    { userId: holder.userId, wallets: '1', assets: [holder.assetSlug], balances: ['10'], held: ['4'] },
  );
  // Neither does it help to have nothing but what is held.
  await spend(service, holder, '6');
  const onlyHeld = await tryErase(holder.userId);
  assert.deepEqual([onlyHeld.body.balances, onlyHeld.body.held], [['4'], ['4']]);

  await service.post(`/holds/${hold.holdId}/capture`, {});
  const again = await tryErase(holder.userId, 'erase-full');
  assert.deepEqual([again.status, again.text], [422, refused.text]);
  const { body: kept } = await service.get('/idempotency-keys/erase-full');
  assert.deepEqual(kept.outcome, refused.body);
  const { body: declined } = await service.get(`/transactions/${transactionId}`);
  assert.deepEqual(
    [declined.type, declined.status, declined.userId, declined.rejection.code],
    ['user.erase', 'rejected', holder.userId, 'user_not_empty'],
  );
  await erase(holder.userId);
});

test('whoever was erased is not shown, at once', async () => {
  const email = `${unique('shown')}@example.com`;
  const { body: user } = await service.post('/users', { email });
  await service.get(`/users/${user.id}?atLeast=${user.position}`);
  const { body } = await erase(user.id);
  for (const query of ['', `?atLeast=${body.position}`]) {
    for (const path of [`/users/${user.id}`, `/users/${user.id}/wallets`]) {
      const shown = await service.get(`${path}${query}`);
      expectProblem(shown, 'subject_erased', path);
      assert.equal(shown.body.userId, user.id);
    }
    const found = await service.get(`/users?email=${email}${query.replace('?', '&')}`);
    assert.deepEqual(found.body.data, []);
  }
});

test('a list of users leaves out those who were erased, page by page', async () => {
  const all = [];
  for (let count = 0; count < 6; count += 1) all.push((await registerUser(service)).id);
  const gone = [all[0]!, all[2]!, all[3]!];
  for (const id of gone) await erase(id);
  const { items } = await pagesOf(service, `/users?atLeast=${await head()}`, 2);
  const listed = items.map(({ id }) => String(id));
  assert.deepEqual(
    all.filter((id) => listed.includes(id)),
    all.filter((id) => !gone.includes(id)),
  );
});

test('no command names them any more, and nothing is written', async () => {
  const other = await newHolder(service);
  await topUp(service, other, '10');
  const gone: Holder = { ...other, userId: (await registerUser(service)).id };
  const funded = await topUp(service, gone, '3');
  const spent = await spend(service, gone, '3');
  await erase(gone.userId);
  const before = await head();
  const parties = { from: { userId: other.userId }, to: { userId: gone.userId } };
  const reverse = (reply: Reply) => `/transactions/${reply.body.transactionId}/reverse`;
  const status = `/users/${gone.userId}/status`;
  const posting = { ...parties, assetSlug: other.assetSlug, amount: '1' };
  const answers: [string, Reply][] = [
    ['/transactions/topup', await topUp(service, gone, '1')],
    ['/transactions/spend', await spend(service, gone, '1', { key: 'to-the-erased' })],
    ['/transactions/transfer', await transfer(service, { from: gone, to: other }, '1')],
    ['/transactions/transfer', await transfer(service, { from: other, to: gone }, '1')],
    ['/transactions', await service.post('/transactions', { postings: [posting] })],
    ['/holds', await service.post('/holds', { ...gone, amount: '1' })],
    [status, await service.post(status, { status: 'BANNED' })],
    [`/users/${gone.userId}/erase`, await tryErase(gone.userId)],
    [reverse(funded), await service.post(reverse(funded), { force: true })],
    [reverse(spent), await service.post(reverse(spent), {})],
  ];
  for (const [what, body] of [
    ['status', { status: 'FROZEN' }],
    ['limits', { day: '1' }],
    ['overdraft', { limit: '1' }],
  ] as const) {
    const path = `/wallets/${walletOf(funded)}/${what}`;
    answers.push([path, await service.post(path, body)]);
  }
  for (const [path, reply] of answers) {
    expectProblem(reply, 'subject_erased', path);
    assert.equal(reply.body.userId, gone.userId);
  }
  const dryRun = await service.post('/transactions/topup?dryRun=true', { ...gone, amount: '1' });
  expectProblem(dryRun, 'subject_erased', '/transactions/topup');
  const batch = await service.post('/transactions/batch', {
    commands: [{ idempotencyKey: unique('batch'), type: 'topup', ...gone, amount: '1' }],
    atomic: true,
  });
  expectProblem(batch, 'batch_refused', '/transactions/batch');
  assert.equal(batch.body.cause.code, 'subject_erased');
  assert.equal(await head(), before);
  const key = await service.get('/idempotency-keys/to-the-erased');
  expectProblem(key, 'idempotency_key_unknown', '/idempotency-keys/to-the-erased');
});

test('a hold of somebody else is not captured to them', async () => {
  const other = await newHolder(service);
  await topUp(service, other, '10');
  const { body: hold } = await service.post('/holds', { ...other, amount: '5' });
  const { id } = await registerUser(service);
  await erase(id);
  const path = `/holds/${hold.holdId}/capture`;
  expectProblem(await service.post(path, { to: { userId: id } }), 'subject_erased', path);
  assert.equal((await service.post(path, {})).status, 201);
});

test('a replay that would show what was erased is a 410, and so is its key', async () => {
  const email = `${unique('forgotten')}@example.com`;
  const { body } = await service.post('/users', { email }, 'erased-1');
  const path = `/users/${body.id}/status`;
  await service.post(path, { status: 'BANNED' }, 'erased-3');
  await erase(body.id);
  // The same request is no new user either.
  for (let count = 0; count < 2; count += 1)
    expectProblem(await service.post('/users', { email }, 'erased-1'), 'subject_erased', '/users');
  expectProblem(await service.post(path, { status: 'BANNED' }, 'erased-3'), 'subject_erased', path);
  for (const key of ['erased-1', 'erased-3'])
    expectProblem(
      await service.get(`/idempotency-keys/${key}`),
      'subject_erased',
      `/idempotency-keys/${key}`,
    );
});

test('a transaction of someone erased is still there, without what was personal', async () => {
  const holder = await newHolder(service);
  const more = {
    key: 'erased-2',
    metadata: { recipient: 'Alice', order: 'A-1' },
    personalMetadata: ['recipient'],
  };
  const posted = await topUp(service, holder, '5', more);
  const spent = await spend(service, holder, '5');
  await erase(holder.userId);
  const { transactionId } = posted.body;
  const expected = { ...posted.body, metadata: { order: 'A-1' } };
  assert.deepEqual((await service.get(`/transactions/${transactionId}`)).body, expected);
  const listed = await service.get(`/transactions?userId=${holder.userId}&atLeast=${await head()}`);
  assert.deepEqual(listed.body.data, [spent.body, expected]);
  const history = await service.get(`/wallets/${walletOf(posted)}/history`);
  assert.deepEqual(history.body.data[1].metadata, { order: 'A-1' });
  expectProblem(await topUp(service, holder, '5', more), 'subject_erased', '/transactions/topup');
  // What showed nothing personal is shown as ever.
  const balance = `/wallets/${holder.userId}/${holder.assetSlug}/balance`;
  assert.equal((await service.get(balance)).body.balance, '0');
  assert.equal((await service.get(`/wallets/${walletOf(posted)}`)).body.userId, holder.userId);
});

test('an e-mail that was erased is free for somebody new', async () => {
  const email = `${unique('again')}@example.com`;
  const { body } = await service.post('/users', { email });
  await erase(body.id);
  const second = await service.post('/users', { email });
  assert.equal(second.status, 201);
  assert.notEqual(second.body.id, body.id);
  const taken = await service.post('/users', { id: body.id, email: `${unique('id')}@example.com` });
  expectProblem(taken, 'id_taken', '/users');
});
