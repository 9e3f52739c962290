/** Any command that moves money can be asked for later: it waits, is done at its time by the worker, once, or is cancelled. */
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
const DAY_MS = 24 * 3_600 * 1_000;

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

/** Far enough ahead that the command is not refused, near enough to wait for. */
const soon = (): string => new Date(Date.now() + 1_500).toISOString();
const tomorrow = (): string => new Date(Date.now() + DAY_MS).toISOString();

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
type Any = any;

async function scheduled(path: string, body: object, key?: string): Promise<Any> {
  const reply = await service.post(path, { executeAt: soon(), ...body }, key);
  assert.equal(reply.status, 202, reply.text);
  return reply.body;
}

function cancel(scheduleId: string, body: object = {}, key?: string): Promise<Reply> {
  return service.post(`/scheduled/${scheduleId}/cancel`, body, key);
}

function ended(scheduleId: string): Promise<Any> {
  return until('the schedule has ended', async () => {
    const { body } = await service.get(`/scheduled/${scheduleId}`);
    return body.status !== 'scheduled' && body;
  });
}

async function balance({ userId, assetSlug }: Holder): Promise<string> {
  const { body } = await service.get(`/wallets/${userId}/${assetSlug}/balance?consistency=strong`);
  return `${body.balance}, ${body.held} held`;
}

test('a command with executeAt is accepted, and nothing is done yet', async () => {
  const executeAt = tomorrow();
  const command = { ...holder, amount: '500', reference: 'rent', metadata: { month: '12' } };
  const reply = await service.post('/transactions/spend', { ...command, executeAt });
  assert.equal(reply.status, 202, reply.text);
  const { scheduleId, position, recordedAt, ...rest } = reply.body;
  assert.equal(reply.headers['coffer-position'], position);
  assert.ok(recordedAt);
  assert.deepEqual(rest, {
    ...{ status: 'scheduled', type: 'spend', executeAt, userId: holder.userId, command },
    ...{ result: null, reason: null },
  });
  assert.equal(await balance(holder), '100, 0 held');
  const { body: found } = await service.get(`/scheduled/${scheduleId}?atLeast=${position}`);
  assert.deepEqual(found, { scheduleId, ...rest });
});

test('at its time it is done, and each leads to the other', async () => {
  const before = Date.now();
  const { scheduleId, executeAt } = await scheduled('/transactions/spend', { ...holder, amount: '30' });
  const { status, result } = await ended(scheduleId);
  assert.equal(status, 'executed');
  const { outcome, transactionId, position, recordedAt, ...nothing } = result;
  assert.deepEqual([outcome, nothing], ['posted', { holdId: null, code: null, detail: null }]);
  assert.ok(recordedAt >= executeAt && Date.parse(recordedAt) - Date.parse(executeAt) < 3_000, recordedAt);
  assert.ok(Date.parse(recordedAt) > before);
  assert.equal(await balance(holder), '70, 0 held');
  const { body: transaction } = await service.get(`/transactions/${transactionId}`);
  assert.deepEqual(
    [transaction.type, transaction.amount, transaction.scheduleId],
    ['spend', '30', scheduleId],
  );
  assert.equal(BigInt(position), BigInt(transaction.position) + 1n);
  const { body: alone } = await service.get(
    `/transactions/${(await spend(service, holder, '1')).body.transactionId}`,
  );
  assert.ok(!('scheduleId' in alone));
});

test('every command that moves money can wait', async () => {
  const other = await newHolder(service, holder.assetSlug);
  const { body: original } = await topUp(service, holder, '5');
  const toAsset = (await newHolder(service)).assetSlug;
  const hold = async (): Promise<string> =>
    (await service.post('/holds', { ...holder, amount: '10' })).body.holdId;
  const [captured, released] = [await hold(), await hold()];
  const { userId, assetSlug } = holder;
  const postings = [{ from: { userId }, to: { system: unique('fees') }, assetSlug, amount: '3' }];
  const commands: [string, object, string, object][] = [
    [
      '/transactions/exchange',
      { userId, fromAsset: assetSlug, toAsset, amount: '7', rate: '2' },
      'exchange',
      {},
    ],
    ['/transactions/bonus', { ...holder, amount: '9', expiresInDays: 3 }, 'bonus', {}],
    ['/transactions/topup', { ...holder, amount: '1' }, 'topup', {}],
    ['/transactions/bonus', { ...holder, amount: '2' }, 'bonus', {}],
    ['/transactions/spend', { ...holder, amount: '4' }, 'spend', {}],
    [
      '/transactions/transfer',
      { fromUserId: userId, toUserId: other.userId, assetSlug, amount: '8' },
      'transfer',
      {},
    ],
    ['/transactions', { postings, type: 'fee' }, 'postings', {}],
    [
      `/transactions/${original.transactionId}/reverse`,
      { amount: '5' },
      'reversal',
      { transactionId: original.transactionId },
    ],
    ['/holds', { ...holder, amount: '20', expiresInSeconds: 900 }, 'hold', {}],
    [`/holds/${captured}/capture`, { amount: '6' }, 'capture', { holdId: captured }],
    [`/holds/${released}/release`, {}, 'release', { holdId: released }],
  ];
  const waiting = await Promise.all(
    commands.map(async ([path, body, type, named]) => {
      const schedule = await scheduled(path, body);
      assert.deepEqual([schedule.type, schedule.command], [type, { ...body, ...named }]);
      return schedule.scheduleId;
    }),
  );
  const results = await Promise.all(waiting.map(ended));
  assert.deepEqual(
    results.map(({ status }) => status),
    commands.map(() => 'executed'),
  );
  for (const { type, result } of results) {
    assert.equal(result.holdId !== null, ['hold', 'capture', 'release'].includes(type), type);
    assert.equal(result.transactionId !== null, !['hold', 'release'].includes(type), type);
  }
  // 100 + 5 - 7 + 9 + 1 + 2 - 4 - 8 - 3 - 5 - 6, and of the holds only the new one is left.
  assert.equal(await balance(holder), '84, 20 held');
  assert.equal(await balance({ userId, assetSlug: toAsset }), '14, 0 held');
  assert.equal(await balance(other), '8, 0 held');
  const { body: placed } = await service.get(`/holds/${results[8].result.holdId}`);
  const run = (await service.get(`/events?after=${BigInt(results[8].result.position) - 1n}&limit=1`)).body
    .data[0];
  assert.equal(
    Date.parse(placed.expiresAt) - Date.parse(run.occurredAt),
    900_000,
    'it counts from its own time',
  );
});

test('a time that has come, is too far ahead or is none is a 400, and nothing is written', async () => {
  const head = await headPosition(owner);
  const path = '/transactions/spend';
  const times = [
    new Date(Date.now() - 1_000).toISOString(),
    '1970-01-01T00:00:00Z',
    new Date(Date.now() + 367 * DAY_MS).toISOString(),
    '9999-12-31T23:59:59.999Z',
    'tomorrow',
    '2030-01-01',
    '2030-01-01T00:00:00+01:00',
    '2030-02-30T00:00:00Z',
    null,
    1_900_000_000_000,
  ];
  for (const executeAt of times) {
    const reply = await service.post(path, { ...holder, amount: '1', executeAt });
    expectInvalid(reply, path, ['executeAt']);
  }
  expectInvalid(await service.post(path, { ...holder, amount: '0', executeAt: tomorrow() }), path, [
    'amount',
  ]);
  assert.equal(await headPosition(owner), head);
  const almost = new Date(Date.now() + 366 * DAY_MS - 5_000).toISOString();
  assert.equal((await service.post(path, { ...holder, amount: '1', executeAt: almost })).status, 202);
});

test('what it names must exist when it is scheduled; whether it can be paid is for its time', async () => {
  const later = { executeAt: tomorrow() };
  const nobody = { ...holder, userId: NOBODY, amount: '1', ...later };
  expectProblem(await service.post('/transactions/spend', nobody), 'user_not_found', '/transactions/spend');
  expectProblem(await service.post('/holds', nobody), 'user_not_found', '/holds');
  const nothing = { ...holder, assetSlug: 'nope', amount: '1', ...later };
  expectProblem(await service.post('/transactions/topup', nothing), 'asset_not_found', '/transactions/topup');
  for (const [path, code] of [
    [`/holds/${NOBODY}/capture`, 'hold_not_found'],
    [`/holds/${NOBODY}/release`, 'hold_not_found'],
    [`/transactions/${NOBODY}/reverse`, 'transaction_not_found'],
  ] as const)
    expectProblem(await service.post(path, later), code, path);
  const { holdId } = (await service.post('/holds', { ...holder, amount: '1' })).body;
  const { body } = await service.post('/transactions/spend', { ...holder, amount: '1000000', ...later });
  assert.equal(body.status, 'scheduled');
  // A schedule is neither a hold nor a transaction.
  expectProblem(
    await service.post(`/transactions/${body.scheduleId}/reverse`, {}),
    'transaction_not_found',
    `/transactions/${body.scheduleId}/reverse`,
  );
  expectProblem(await cancel(holdId), 'schedule_not_found', `/scheduled/${holdId}/cancel`);
});

test('what is declined at its time has failed, with the declined attempt beside it, and is not tried again', async () => {
  const { scheduleId } = await scheduled('/transactions/spend', { ...holder, amount: '101' });
  const { status, result } = await ended(scheduleId);
  assert.deepEqual([status, result.outcome, result.code], ['failed', 'rejected', 'insufficient_funds']);
  assert.equal(result.detail, 'The wallet has 100 available, 101 are required.');
  const { body } = await service.get(`/transactions/${result.transactionId}`);
  assert.deepEqual(
    [body.status, body.rejection.code, body.scheduleId],
    ['rejected', 'insufficient_funds', scheduleId],
  );
  assert.deepEqual([body.rejection.figures.available, body.rejection.figures.required], ['100', '101']);
});

test('a hold that was closed in the meantime is declined like any other', async () => {
  const { holdId } = (await service.post('/holds', { ...holder, amount: '10' })).body;
  const { scheduleId } = await scheduled(`/holds/${holdId}/capture`, {});
  await service.post(`/holds/${holdId}/release`, {});
  const { status, result } = await ended(scheduleId);
  assert.deepEqual([status, result.outcome, result.code], ['failed', 'rejected', 'hold_closed']);
});

test('the same key answers the same bytes, before and after it was done', async () => {
  const body = { ...holder, amount: '7', executeAt: soon() };
  const first = await service.post('/transactions/spend', body, 'scheduled-1');
  const again = await service.post('/transactions/spend', body, 'scheduled-1');
  assert.deepEqual([again.status, again.text], [202, first.text]);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  await ended(first.body.scheduleId);
  assert.equal((await service.post('/transactions/spend', body, 'scheduled-1')).text, first.text);
  const { body: remembered } = await service.get('/idempotency-keys/scheduled-1');
  assert.deepEqual([remembered.status, JSON.stringify(remembered.outcome)], [202, first.text]);
  assert.equal(await balance(holder), '93, 0 held');
});

test('another request under the key names what differs', async () => {
  const spendAt = { ...holder, amount: '7', executeAt: tomorrow() };
  const path = '/transactions/spend';
  await service.post(path, spendAt, 'scheduled-2');
  const differing = async (body: object): Promise<string[]> => {
    const reply = await service.post(path, body, 'scheduled-2');
    expectProblem(reply, 'idempotency_key_reused', path);
    return reply.body.differs;
  };
  assert.deepEqual(await differing({ ...spendAt, amount: '8' }), ['amount']);
  assert.deepEqual(await differing({ ...holder, amount: '7' }), ['executeAt']);
  assert.deepEqual(
    await differing({ ...spendAt, executeAt: new Date(Date.now() + 9_999_999).toISOString() }),
    ['executeAt'],
  );
});

test('in a batch it is a 202 in its place', async () => {
  const money = { ...holder, amount: '10' };
  const executeAt = soon();
  const commands = [
    { idempotencyKey: unique('b'), type: 'spend', ...money },
    { idempotencyKey: unique('b'), type: 'topup', ...money, executeAt },
    { idempotencyKey: unique('b'), type: 'topup', ...money, executeAt: '1999-01-01T00:00:00Z' },
  ];
  const { body } = await service.post('/transactions/batch', { commands });
  assert.deepEqual(
    body.results.map(({ status }: Any) => status),
    [201, 202, 400],
  );
  assert.equal(await balance(holder), '90, 0 held');
  // The same request whichever way it comes.
  const { idempotencyKey, type: _type, ...alone } = commands[1]!;
  const replayed = await service.post('/transactions/topup', alone, idempotencyKey);
  assert.deepEqual([replayed.status, replayed.body], [202, body.results[1].body]);
  await ended(body.results[1].body.scheduleId);
  assert.equal(await balance(holder), '100, 0 held');
});

test('an atomic batch schedules all or nothing', async () => {
  const head = await headPosition(owner);
  const later = { idempotencyKey: unique('a'), type: 'spend', ...holder, amount: '1', executeAt: tomorrow() };
  const declined = { idempotencyKey: unique('a'), type: 'spend', ...holder, amount: '1000' };
  const refused = await service.post('/transactions/batch', { commands: [later, declined], atomic: true });
  assert.deepEqual([refused.status, refused.body.code, refused.body.index], [422, 'batch_refused', 1]);
  assert.equal(await headPosition(owner), head + 1n, 'only the refusal is kept');
  const fresh = { ...later, idempotencyKey: unique('a') };
  const done = await service.post('/transactions/batch', { commands: [fresh], atomic: true });
  assert.deepEqual([done.status, done.body.results[0].status], [200, 202]);
});

test('a dry run says that it would be scheduled, and schedules nothing', async () => {
  const head = await headPosition(owner);
  const command = { ...holder, amount: '1000' };
  const executeAt = tomorrow();
  const reply = await service.post('/transactions/spend?dryRun=true', { ...command, executeAt }, '');
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(reply.body, {
    ...{ scheduleId: null, status: 'scheduled', type: 'spend', executeAt, userId: holder.userId, command },
    ...{ result: null, reason: null, position: null, recordedAt: null, dryRun: true },
  });
  const past = { ...command, executeAt: '1999-01-01T00:00:00Z' };
  expectInvalid(await service.post('/transactions/spend?dryRun=true', past, ''), '/transactions/spend', [
    'executeAt',
  ]);
  assert.equal(await headPosition(owner), head);
});

test('what waits can be cancelled, once, and is then never done', async () => {
  const { scheduleId, command } = await scheduled('/transactions/spend', { ...holder, amount: '10' });
  const reply = await cancel(scheduleId, { reason: 'changed my mind' }, 'cancel-1');
  assert.equal(reply.status, 201, reply.text);
  const { position, recordedAt: _at, ...schedule } = reply.body;
  assert.deepEqual(
    [schedule.status, schedule.reason, schedule.result],
    ['cancelled', 'changed my mind', null],
  );
  assert.deepEqual(schedule.command, command);
  assert.deepEqual((await service.get(`/scheduled/${scheduleId}?atLeast=${position}`)).body, schedule);
  const again = await cancel(scheduleId, { reason: 'changed my mind' }, 'cancel-1');
  assert.deepEqual([again.text, again.headers['idempotent-replayed']], [reply.text, 'true']);
  const closed = await cancel(scheduleId, {}, 'cancel-2');
  expectProblem(closed, 'schedule_closed', `/scheduled/${scheduleId}/cancel`);
  assert.equal(closed.body.scheduleStatus, 'cancelled');
  assert.equal((await cancel(scheduleId, {}, 'cancel-2')).text, closed.text, 'the refusal is remembered');
  const { body: remembered } = await service.get('/idempotency-keys/cancel-2');
  assert.deepEqual([remembered.status, remembered.outcome], [422, closed.body]);
  const { body: declined } = await service.get(`/transactions/${closed.body.transactionId}`);
  assert.deepEqual(
    [declined.type, declined.status, declined.scheduleId],
    ['schedule.cancel', 'rejected', scheduleId],
  );
  const reused = await cancel(scheduleId, { reason: 'other' }, 'cancel-2');
  expectProblem(reused, 'idempotency_key_reused', `/scheduled/${scheduleId}/cancel`);
  assert.deepEqual(reused.body.differs, ['reason']);
  // Whatever was due after it is done; so it was looked at, if it ever would be.
  const later = await scheduled('/transactions/spend', { ...holder, amount: '1' });
  await ended(later.scheduleId);
  assert.equal(await balance(holder), '99, 0 held');
});

test('what was done cannot be cancelled', async () => {
  const done = await scheduled('/transactions/spend', { ...holder, amount: '10' });
  const failed = await scheduled('/transactions/spend', { ...holder, amount: '1000' });
  for (const [{ scheduleId }, status] of [
    [done, 'executed'],
    [failed, 'failed'],
  ] as const) {
    await ended(scheduleId);
    const reply = await cancel(scheduleId);
    expectProblem(reply, 'schedule_closed', `/scheduled/${scheduleId}/cancel`);
    assert.equal(reply.body.scheduleStatus, status);
  }
  expectProblem(await cancel(NOBODY), 'schedule_not_found', `/scheduled/${NOBODY}/cancel`);
  expectProblem(await service.get(`/scheduled/${NOBODY}`), 'schedule_not_found', `/scheduled/${NOBODY}`);
});

test('schedules are listed, newest first, by user and status, in pages', async () => {
  const ids: string[] = [];
  for (const amount of ['1', '2', '3']) {
    const { body } = await service.post('/transactions/spend', { ...holder, amount, executeAt: tomorrow() });
    ids.unshift(body.scheduleId);
  }
  const { body: last } = await cancel(ids[0]!);
  const list = async (query: string): Promise<Any> =>
    (await service.get(`/scheduled?userId=${holder.userId}&atLeast=${last.position}${query}`)).body;
  const idsOf = ({ data }: Any): string[] => data.map(({ scheduleId }: Any) => scheduleId);
  assert.deepEqual(idsOf(await list('')), ids);
  assert.deepEqual(idsOf(await list('&status=scheduled')), ids.slice(1));
  assert.deepEqual(idsOf(await list('&status=cancelled')), ids.slice(0, 1));
  const first = await list('&limit=2');
  assert.deepEqual(idsOf(first), ids.slice(0, 2));
  const second = await list(`&limit=2&cursor=${first.nextCursor}`);
  assert.deepEqual([idsOf(second), second.nextCursor], [ids.slice(2), null]);
  assert.deepEqual(idsOf((await service.get(`/scheduled?userId=${NOBODY}`)).body), []);
});
