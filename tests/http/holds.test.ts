/** Holds: part of a balance is reserved, paid out, released, or given back when its time has come. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, headPosition } from '../support/ledger-facts.ts';
import { startService, unique, type Reply, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, spend, topUp, type Holder } from './payments.ts';

const NOBODY = '01998a6e-7c00-7abc-8000-00000000dead';

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let holder: Holder;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
});

beforeEach(async () => {
  holder = await newHolder(service);
  await topUp(service, holder, '100');
});

after(async () => {
  await assertLedgerIsSound(owner);
  await owner.end();
  await service.close();
  await database.drop();
});

async function place(amount: string, more: object = {}): Promise<Reply> {
  return service.post('/holds', { ...holder, amount, ...more });
}

async function placed(amount: string, more: object = {}): Promise<string> {
  const reply = await place(amount, more);
  assert.equal(reply.status, 201, reply.text);
  return reply.body.holdId;
}

function capture(holdId: string, body: object = {}): Promise<Reply> {
  return service.post(`/holds/${holdId}/capture`, body);
}

function release(holdId: string): Promise<Reply> {
  return service.post(`/holds/${holdId}/release`, {});
}

async function expectBalance(balance: string, held: string): Promise<void> {
  const path = `/wallets/${holder.userId}/${holder.assetSlug}/balance`;
  const { body } = await service.get(`${path}?consistency=strong`);
  const available = (BigInt(balance) - BigInt(held)).toString();
  assert.deepEqual([body.balance, body.held, body.available], [balance, held, available]);
  const projected = await service.get(`${path}?atLeast=${body.position}`);
  assert.deepEqual([projected.body.balance, projected.body.held], [balance, held]);
}

test('a hold takes from what is available, and from nothing else', async () => {
  const reply = await place('60', { reference: 'booking-7', expiresInSeconds: 900 });
  assert.equal(reply.status, 201, reply.text);
  const { position, recordedAt, ...hold } = reply.body;
  assert.deepEqual(Object.keys(hold), [
    ...['holdId', 'walletId', 'userId', 'asset', 'amount', 'captured', 'remaining', 'status', 'expiresAt'],
    'reference',
  ]);
  assert.deepEqual(
    [hold.captured, hold.remaining, hold.status, hold.reference],
    ['0', '60', 'open', 'booking-7'],
  );
  const seconds = (Date.parse(hold.expiresAt) - Date.parse(recordedAt)) / 1_000;
  assert.ok(seconds > 890 && seconds <= 900, `${seconds}`);
  await expectBalance('100', '60');
  assert.deepEqual((await service.get(`/holds/${hold.holdId}?atLeast=${position}`)).body, hold);
  const declined = await spend(service, holder, '41');
  expectProblem(declined, 'insufficient_funds', '/transactions/spend');
  assert.deepEqual([declined.body.available, declined.body.required], ['40', '41']);
  expectProblem(await place('41'), 'insufficient_funds', '/holds');
  assert.equal((await spend(service, holder, '40')).status, 201);
});

test('captures take their part one after the other, never more than is left, and the last one ends it', async () => {
  const holdId = await placed('60');
  const first = await capture(holdId, { amount: '20', final: false });
  assert.equal(first.status, 201, first.text);
  assert.deepEqual([first.body.captured, first.body.remaining, first.body.status], ['20', '40', 'open']);
  await expectBalance('80', '40');
  const tooMuch = await capture(holdId, { amount: '41', final: false });
  expectProblem(tooMuch, 'hold_exceeded', `/holds/${holdId}/capture`);
  assert.deepEqual([tooMuch.body.remaining, tooMuch.body.required], ['40', '41']);
  const last = await capture(holdId, { amount: '15' });
  assert.deepEqual([last.body.captured, last.body.remaining, last.body.status], ['35', '0', 'captured']);
  await expectBalance('65', '0');
  for (const reply of [await capture(holdId), await release(holdId)])
    assert.equal(reply.body.code, 'hold_closed');
  const moved = await service.get(`/transactions/${first.body.transactionId}`);
  assert.deepEqual([moved.body.type, moved.body.amount, moved.body.holdId], ['capture', '20', holdId]);
  assert.equal(moved.body.balanceAfter, '80');
});

test('a capture of all that is left ends the hold even when it is not the final one', async () => {
  const holdId = await placed('60');
  assert.equal((await capture(holdId, { amount: '60', final: false })).body.status, 'captured');
  await expectBalance('40', '0');
});

test('a capture pays the treasury, or whom it says', async () => {
  const other = await newHolder(service, holder.assetSlug);
  const revenue = unique('revenue');
  const holdId = await placed('60');
  await capture(holdId, { amount: '10', final: false, to: { userId: other.userId } });
  const { body } = await capture(holdId, { amount: '20', final: false, to: { system: revenue } });
  const { body: paid } = await service.get(`/wallets?system=${revenue}&atLeast=${body.position}`);
  assert.equal(paid.data[0].balance, '20');
  const { body: got } = await service.get(
    `/wallets/${other.userId}/${holder.assetSlug}/balance?consistency=strong`,
  );
  assert.equal(got.balance, '10');
  expectInvalid(await capture(holdId, { to: { userId: holder.userId } }), `/holds/${holdId}/capture`, ['to']);
  assert.equal((await capture(holdId, { to: { userId: NOBODY } })).body.code, 'user_not_found');
});

test('a release gives back what is left, once', async () => {
  const holdId = await placed('60');
  const released = await release(holdId);
  assert.deepEqual([released.status, released.body.status, released.body.remaining], [201, 'released', '0']);
  await expectBalance('100', '0');
  const declined = await release(holdId);
  expectProblem(declined, 'hold_closed', `/holds/${holdId}/release`);
  const { body } = await service.get(`/transactions/${declined.body.transactionId}`);
  assert.deepEqual([body.type, body.status, body.holdId], ['release', 'rejected', holdId]);
});

test('a hold whose time has come is given back by itself, and cannot be captured', async () => {
  const holdId = await placed('60', { expiresInSeconds: 1 });
  const before = performance.now();
  await until(
    'it has expired',
    async () => (await service.get(`/holds/${holdId}`)).body.status === 'expired',
  );
  assert.ok(performance.now() - before < 4_000, 'within 3 s of its time');
  await expectBalance('100', '0');
  for (const reply of [await capture(holdId), await release(holdId)]) {
    assert.equal(reply.body.code, 'hold_closed');
    assert.equal(reply.body.holdStatus, 'expired');
  }
  const { body } = await service.get(`/holds?userId=${holder.userId}&status=expired`);
  assert.equal(body.data.length, 1);
});

test('what is not there, or cannot be meant, changes nothing', async () => {
  const head = await headPosition(owner);
  expectProblem(await capture(NOBODY), 'hold_not_found', `/holds/${NOBODY}/capture`);
  expectProblem(await release(NOBODY), 'hold_not_found', `/holds/${NOBODY}/release`);
  expectProblem(await service.get(`/holds/${NOBODY}`), 'hold_not_found', `/holds/${NOBODY}`);
  expectProblem(
    await service.post('/holds', { ...holder, userId: NOBODY, amount: '1' }),
    'user_not_found',
    '/holds',
  );
  for (const [more, path] of [
    [{ amount: '0' }, 'amount'],
    [{ amount: 5 }, 'amount'],
    [{ expiresInSeconds: 0 }, 'expiresInSeconds'],
    [{ expiresInSeconds: 1.5 }, 'expiresInSeconds'],
    [{ expiresInSeconds: '60' }, 'expiresInSeconds'],
    [{ until: 'noon' }, 'until'],
  ] as const)
    expectInvalid(await place('1', more), '/holds', [path]);
  expectInvalid(await service.get('/holds?status=gone'), '/holds', ['status']);
  assert.equal(await headPosition(owner), head);
});

test('a banned user can neither hold nor be captured from, but a release is no movement', async () => {
  const holdId = await placed('10');
  await service.post(`/users/${holder.userId}/status`, { status: 'BANNED' });
  expectProblem(await place('1'), 'user_banned', '/holds');
  expectProblem(await capture(holdId), 'user_banned', `/holds/${holdId}/capture`);
  assert.equal((await release(holdId)).status, 201);
});

test('history shows what a hold did only when it is asked to', async () => {
  const holdId = await placed('60');
  const { body } = await capture(holdId, { amount: '10' });
  const path = `/wallets/${body.walletId}/history`;
  const types = async (query: string) =>
    (await service.get(`${path}?${query}`)).body.data.map((line: { type: string }) => line.type);
  assert.deepEqual(await types(''), ['capture', 'topup']);
  assert.deepEqual(await types('holds=true'), ['capture', 'hold', 'topup']);
  assert.deepEqual(await types('holds=true&type=hold'), ['hold']);
  assert.deepEqual(await types('type=hold'), []);
  assert.deepEqual(await types(`type=capture&atLeast=${body.position}`), ['capture']);
});

test('a key stands for one capture: the same again is the first answer, another is refused', async () => {
  const holdId = await placed('60');
  const path = `/holds/${holdId}/capture`;
  const body = { amount: '10', final: false };
  const first = await service.post(path, body, 'capture-key');
  const again = await service.post(path, body, 'capture-key');
  assert.deepEqual(
    [again.status, again.text, again.headers['idempotent-replayed']],
    [201, first.text, 'true'],
  );
  const other = await service.post(path, { amount: '11', final: false }, 'capture-key');
  expectProblem(other, 'idempotency_key_reused', path);
  assert.deepEqual(other.body.differs, ['amount']);
  await expectBalance('90', '50');
});

test('of captures, releases and the expiry that race for one hold, exactly one wins', async () => {
  const second = await startService(database, { worker: false });
  try {
    for (const expiresInSeconds of [undefined, 1]) {
      const reply = await place('60', expiresInSeconds === undefined ? {} : { expiresInSeconds });
      const { holdId, expiresAt } = reply.body;
      if (expiresAt !== null)
        await until('it is about to expire', () => Date.now() >= Date.parse(expiresAt) - 20);
      const racing = Array.from({ length: 24 }, (_, index) => {
        const side = index % 2 === 0 ? service : second;
        const path = index % 3 === 0 ? 'release' : 'capture';
        return side.post(`/holds/${holdId}/${path}`, {});
      });
      const replies = await Promise.all(racing);
      const won = replies.filter(({ status }) => status === 201);
      const { body: hold } = await until('it is closed', async () => {
        const now = await service.get(`/holds/${holdId}`);
        return now.body.status !== 'open' && now;
      });
      assert.equal(
        won.length + (hold.status === 'expired' ? 1 : 0),
        1,
        JSON.stringify(replies.map((r) => r.body)),
      );
      for (const { status, body } of replies)
        assert.ok(status === 201 || body.code === 'hold_closed', JSON.stringify(body));
      const left = hold.status === 'captured' ? '40' : '100';
      await expectBalance(left, '0');
      if (hold.status === 'captured') await topUp(service, holder, '60');
    }
  } finally {
    await second.close();
  }
});

test('captures in parts that race never take more than there is', async () => {
  const second = await startService(database, { worker: false });
  try {
    const holdId = await placed('60');
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? service : second).post(`/holds/${holdId}/capture`, { amount: '7', final: false }),
      ),
    );
    assert.equal(replies.filter(({ status }) => status === 201).length, 8);
    for (const { status, body } of replies) assert.ok(status === 201 || body.code === 'hold_exceeded');
    await expectBalance('44', '4');
  } finally {
    await second.close();
  }
});
