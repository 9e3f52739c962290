/** Any command that moves money can be asked for later: it waits, is done at its time by the worker, once, or is cancelled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unique } from '../support/service.ts';
import { expectProblem } from './expect-problem.ts';
import { newHolder, spend, topUp } from './payments.ts';
import { openedSchedules, tomorrow, type Any } from './schedule-holder.ts';

const NOBODY = '01998a6e-7c00-7abc-8000-00000000dead';
const at = openedSchedules();
const { scheduled, cancel, ended, balance } = at;

test('a command with executeAt is accepted, and nothing is done yet', async () => {
  const executeAt = tomorrow();
  const command = { ...at.holder, amount: '500', reference: 'rent', metadata: { month: '12' } };
  const reply = await at.service.post('/transactions/spend', { ...command, executeAt });
  assert.equal(reply.status, 202, reply.text);
  const { scheduleId, position, recordedAt, ...rest } = reply.body;
  assert.equal(reply.headers['coffer-position'], position);
  assert.ok(recordedAt);
  assert.deepEqual(rest, {
    ...{ status: 'scheduled', type: 'spend', executeAt, userId: at.holder.userId, command },
    ...{ result: null, reason: null },
  });
  assert.equal(await balance(at.holder), '100, 0 held');
  const { body: found } = await at.service.get(`/scheduled/${scheduleId}?atLeast=${position}`);
  assert.deepEqual(found, { scheduleId, ...rest });
});

test('at its time it is done, and each leads to the other', async () => {
  const before = Date.now();
  const { scheduleId, executeAt } = await scheduled('/transactions/spend', { ...at.holder, amount: '30' });
  const { status, result } = await ended(scheduleId);
  assert.equal(status, 'executed');
  const { outcome, transactionId, position, recordedAt, ...nothing } = result;
  assert.deepEqual([outcome, nothing], ['posted', { holdId: null, code: null, detail: null }]);
  assert.ok(recordedAt >= executeAt && Date.parse(recordedAt) - Date.parse(executeAt) < 3_000, recordedAt);
  assert.ok(Date.parse(recordedAt) > before);
  assert.equal(await balance(at.holder), '70, 0 held');
  const { body: transaction } = await at.service.get(`/transactions/${transactionId}`);
  assert.deepEqual(
    [transaction.type, transaction.amount, transaction.scheduleId],
    ['spend', '30', scheduleId],
  );
  assert.equal(BigInt(position), BigInt(transaction.position) + 1n);
  const { body: alone } = await at.service.get(
    `/transactions/${(await spend(at.service, at.holder, '1')).body.transactionId}`,
  );
  assert.ok(!('scheduleId' in alone));
});

test('every command that moves money can wait', async () => {
  const other = await newHolder(at.service, at.holder.assetSlug);
  const { body: original } = await topUp(at.service, at.holder, '5');
  const toAsset = (await newHolder(at.service)).assetSlug;
  const hold = async (): Promise<string> =>
    (await at.service.post('/holds', { ...at.holder, amount: '10' })).body.holdId;
  const [captured, released] = [await hold(), await hold()];
  const { userId, assetSlug } = at.holder;
  const postings = [{ from: { userId }, to: { system: unique('fees') }, assetSlug, amount: '3' }];
  const commands: [string, object, string, object][] = [
    [
      '/transactions/exchange',
      { userId, fromAsset: assetSlug, toAsset, amount: '7', rate: '2' },
      'exchange',
      {},
    ],
    ['/transactions/bonus', { ...at.holder, amount: '9', expiresInDays: 3 }, 'bonus', {}],
    ['/transactions/topup', { ...at.holder, amount: '1' }, 'topup', {}],
    ['/transactions/bonus', { ...at.holder, amount: '2' }, 'bonus', {}],
    ['/transactions/spend', { ...at.holder, amount: '4' }, 'spend', {}],
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
    ['/holds', { ...at.holder, amount: '20', expiresInSeconds: 900 }, 'hold', {}],
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
  assert.equal(await balance(at.holder), '84, 20 held');
  assert.equal(await balance({ userId, assetSlug: toAsset }), '14, 0 held');
  assert.equal(await balance(other), '8, 0 held');
  const { body: placed } = await at.service.get(`/holds/${results[8].result.holdId}`);
  const run = (await at.service.get(`/events?after=${BigInt(results[8].result.position) - 1n}&limit=1`)).body
    .data[0];
  assert.equal(
    Date.parse(placed.expiresAt) - Date.parse(run.occurredAt),
    900_000,
    'it counts from its own time',
  );
});

test('what is declined at its time has failed, with the declined attempt beside it, and is not tried again', async () => {
  const { scheduleId } = await scheduled('/transactions/spend', { ...at.holder, amount: '101' });
  const { status, result } = await ended(scheduleId);
  assert.deepEqual([status, result.outcome, result.code], ['failed', 'rejected', 'insufficient_funds']);
  assert.equal(result.detail, 'The wallet has 100 available, 101 are required.');
  const { body } = await at.service.get(`/transactions/${result.transactionId}`);
  assert.deepEqual(
    [body.status, body.rejection.code, body.scheduleId],
    ['rejected', 'insufficient_funds', scheduleId],
  );
  assert.deepEqual([body.rejection.figures.available, body.rejection.figures.required], ['100', '101']);
});

test('a hold that was closed in the meantime is declined like any other', async () => {
  const { holdId } = (await at.service.post('/holds', { ...at.holder, amount: '10' })).body;
  const { scheduleId } = await scheduled(`/holds/${holdId}/capture`, {});
  await at.service.post(`/holds/${holdId}/release`, {});
  const { status, result } = await ended(scheduleId);
  assert.deepEqual([status, result.outcome, result.code], ['failed', 'rejected', 'hold_closed']);
});

test('what waits can be cancelled, once, and is then never done', async () => {
  const { scheduleId, command } = await scheduled('/transactions/spend', { ...at.holder, amount: '10' });
  const reply = await cancel(scheduleId, { reason: 'changed my mind' }, 'cancel-1');
  assert.equal(reply.status, 201, reply.text);
  const { position, recordedAt: _at, ...schedule } = reply.body;
  assert.deepEqual(
    [schedule.status, schedule.reason, schedule.result],
    ['cancelled', 'changed my mind', null],
  );
  assert.deepEqual(schedule.command, command);
  assert.deepEqual((await at.service.get(`/scheduled/${scheduleId}?atLeast=${position}`)).body, schedule);
  const again = await cancel(scheduleId, { reason: 'changed my mind' }, 'cancel-1');
  assert.deepEqual([again.text, again.headers['idempotent-replayed']], [reply.text, 'true']);
  const closed = await cancel(scheduleId, {}, 'cancel-2');
  expectProblem(closed, 'schedule_closed', `/scheduled/${scheduleId}/cancel`);
  assert.equal(closed.body.scheduleStatus, 'cancelled');
  assert.equal((await cancel(scheduleId, {}, 'cancel-2')).text, closed.text, 'the refusal is remembered');
  const { body: remembered } = await at.service.get('/idempotency-keys/cancel-2');
  assert.deepEqual([remembered.status, remembered.outcome], [422, closed.body]);
  const { body: declined } = await at.service.get(`/transactions/${closed.body.transactionId}`);
  assert.deepEqual(
    [declined.type, declined.status, declined.scheduleId],
    ['schedule.cancel', 'rejected', scheduleId],
  );
  const reused = await cancel(scheduleId, { reason: 'other' }, 'cancel-2');
  expectProblem(reused, 'idempotency_key_reused', `/scheduled/${scheduleId}/cancel`);
  assert.deepEqual(reused.body.differs, ['reason']);
  // Whatever was due after it is done; so it was looked at, if it ever would be.
  const later = await scheduled('/transactions/spend', { ...at.holder, amount: '1' });
  await ended(later.scheduleId);
  assert.equal(await balance(at.holder), '99, 0 held');
});

test('what was done cannot be cancelled', async () => {
  const done = await scheduled('/transactions/spend', { ...at.holder, amount: '10' });
  const failed = await scheduled('/transactions/spend', { ...at.holder, amount: '1000' });
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
  expectProblem(await at.service.get(`/scheduled/${NOBODY}`), 'schedule_not_found', `/scheduled/${NOBODY}`);
});

test('schedules are listed, newest first, by user and status, in pages', async () => {
  const ids: string[] = [];
  for (const amount of ['1', '2', '3']) {
    const { body } = await at.service.post('/transactions/spend', {
      ...at.holder,
      amount,
      executeAt: tomorrow(),
    });
    ids.unshift(body.scheduleId);
  }
  const { body: last } = await cancel(ids[0]!);
  const list = async (query: string): Promise<Any> =>
    (await at.service.get(`/scheduled?userId=${at.holder.userId}&atLeast=${last.position}${query}`)).body;
  const idsOf = ({ data }: Any): string[] => data.map(({ scheduleId }: Any) => scheduleId);
  assert.deepEqual(idsOf(await list('')), ids);
  assert.deepEqual(idsOf(await list('&status=scheduled')), ids.slice(1));
  assert.deepEqual(idsOf(await list('&status=cancelled')), ids.slice(0, 1));
  const first = await list('&limit=2');
  assert.deepEqual(idsOf(first), ids.slice(0, 2));
  const second = await list(`&limit=2&cursor=${first.nextCursor}`);
  assert.deepEqual([idsOf(second), second.nextCursor], [ids.slice(2), null]);
  assert.deepEqual(idsOf((await at.service.get(`/scheduled?userId=${NOBODY}`)).body), []);
});
