import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Reply, type Service } from '../support/service.ts';
import { expectInvalid } from './expect-problem.ts';
import { newHolder, spend, topUp, type Holder } from './payments.ts';

let database: TestDatabase;
let service: Service;
let holder: Holder;
let path: string;
/** A balance of 10, 25, 20. */
let steps: { position: string; recordedAt: string; balanceAfter: string }[];

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  holder = await newHolder(service);
  path = `/wallets/${holder.userId}/${holder.assetSlug}/balance`;
  steps = [];
  for (const [move, amount] of [
    [topUp, '10'],
    [topUp, '15'],
    [spend, '5'],
  ] as const) {
    const { body } = await move(service, holder, amount);
    steps.push(body);
    await untilLater(body.recordedAt);
  }
});

after(async () => {
  await service.close();
  await database.drop();
});

/** So that no two of the steps share a millisecond. */
async function untilLater(recordedAt: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while ((await service.get(`${path}?at=${later(recordedAt, 1)}`)).status === 400) {
    assert.ok(performance.now() < deadline, 'the clock of the database stands still');
  }
}

function later(time: string, milliseconds: number): string {
  return new Date(Date.parse(time) + milliseconds).toISOString();
}

function expectBalance(reply: Reply, balance: string): void {
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.body.balance, balance);
  assert.equal(reply.body.available, balance);
}

test('asOf shows the balance right after a position, and the position it is of', async () => {
  for (const { position, balanceAfter } of steps) {
    const reply = await service.get(`${path}?asOf=${position}`);
    expectBalance(reply, balanceAfter);
    assert.equal(reply.body.position, position);
    assert.ok(BigInt(String(reply.headers['coffer-position'])) >= BigInt(position));
  }
});

test('between two changes of a wallet the balance is that of the earlier one', async () => {
  const other = await newHolder(service);
  const { position } = (await topUp(service, other, '1')).body;
  expectBalance(await service.get(`${path}?asOf=${position}`), '20');
  const [first] = steps;
  // The event before the first top-up opened the wallet.
  expectBalance(await service.get(`${path}?asOf=${BigInt(first!.position) - 1n}`), '0');
});

test('before the first event every balance is 0', async () => {
  const reply = await service.get(`${path}?asOf=0`);
  expectBalance(reply, '0');
  assert.equal(reply.body.position, '0');
  const longAgo = await service.get(`${path}?at=1970-01-01T00:00:00Z`);
  expectBalance(longAgo, '0');
  assert.equal(longAgo.body.position, '0');
  for (const at of ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z']) {
    expectBalance(await service.get(`${path}?at=${at}`), '0');
  }
});

test('at includes what was recorded in that millisecond and leaves out what came a millisecond later', async () => {
  let earlier = '0';
  for (const { recordedAt, balanceAfter, position } of steps) {
    const exact = await service.get(`${path}?at=${recordedAt}`);
    expectBalance(exact, balanceAfter);
    assert.equal(exact.body.position, position);
    expectBalance(await service.get(`${path}?at=${later(recordedAt, -1)}`), earlier);
    expectBalance(await service.get(`${path}?at=${later(recordedAt, 1)}`), balanceAfter);
    earlier = balanceAfter;
  }
});

test('a time may be written with an offset and with more digits', async () => {
  const { recordedAt, balanceAfter } = steps[1]!;
  const inTokyo = later(recordedAt, 9 * 3_600_000).replace('Z', '+09:00');
  expectBalance(await service.get(`${path}?at=${encodeURIComponent(inTokyo)}`), balanceAfter);
  expectBalance(await service.get(`${path}?at=${recordedAt.replace('Z', '999Z')}`), balanceAfter);
});

test('the same question gets the same answer after more has happened', async () => {
  const { recordedAt } = steps[2]!;
  const first = await service.get(`${path}?at=${recordedAt}`);
  await topUp(service, holder, '1000');
  const second = await service.get(`${path}?at=${recordedAt}`);
  assert.deepEqual(second.body, first.body);
  await spend(service, holder, '1000');
});

test('a position beyond the head and a time in the future are 400', async () => {
  const head = BigInt(String((await service.get('/projections')).headers['coffer-position']));
  expectBalance(await service.get(`${path}?asOf=${head}`), '20');
  for (const asOf of [head + 1n, 2n ** 63n - 1n])
    expectInvalid(await service.get(`${path}?asOf=${asOf}`), path, ['asOf']);
  for (const at of [later(new Date().toISOString(), 3_600_000), '9999-12-31T23:59:59.999Z']) {
    expectInvalid(await service.get(`${path}?at=${at}`), path, ['at']);
  }
});

test('what is no position and what is no time are 400', async () => {
  for (const asOf of ['', '-1', '01', '1.5', 'x', '9223372036854775808', '1e3', '99999999999999999999']) {
    expectInvalid(await service.get(`${path}?asOf=${asOf}`), path, ['asOf']);
  }
  for (const at of [
    '',
    'now',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-02-30T00:00:00Z',
    '2026-01-01T25:00:00Z',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00%2B14:00',
    '9999-12-31T23:59:59-14:00',
    '1767225600000',
  ]) {
    expectInvalid(await service.get(`${path}?at=${at}`), path, ['at']);
  }
});

test('at and asOf exclude each other; atLeast and consistency may come along', async () => {
  expectInvalid(await service.get(`${path}?asOf=1&at=2026-01-01T00:00:00Z`), path, ['at']);
  const { position, balanceAfter } = steps[0]!;
  expectBalance(
    await service.get(`${path}?asOf=${position}&atLeast=${position}&consistency=strong`),
    balanceAfter,
  );
});

test('a user without a wallet in an asset has a balance of 0 at every time', async () => {
  const other = await newHolder(service);
  for (const query of ['', '?consistency=strong', '?asOf=1', '?at=2026-01-01T00:00:00Z']) {
    const { body } = await service.get(`/wallets/${other.userId}/${holder.assetSlug}/balance${query}`);
    const { userId, asset, balance, held, available, walletId } = body;
    assert.deepEqual(
      { userId, asset, balance, held, available, walletId },
      {
        userId: other.userId,
        asset: holder.assetSlug,
        balance: '0',
        held: '0',
        available: '0',
        walletId: null,
      },
    );
    assert.match(body.position, /^[0-9]+$/);
  }
});
