/** What is asked for later, as a request: its time, its key, in a batch, and as a dry run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headPosition } from '../support/ledger-facts.ts';
import { unique } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { openedSchedules, DAY_MS, soon, tomorrow, type Any } from './schedule-holder.ts';

const NOBODY = '01998a6e-7c00-7abc-8000-00000000dead';
const at = openedSchedules();
const { cancel, ended, balance } = at;

test('a time that has come, is too far ahead or is none is a 400, and nothing is written', async () => {
  const head = await headPosition(at.owner);
  const path = '/transactions/spend';
  const times = [
    new Date(Date.now() - 1_000).toISOString(),
    '1970-01-01T00:00:00Z',
    new Date(Date.now() + 367 * DAY_MS).toISOString(),
    '9999-12-31T23:59:59.999Z',
    'tomorrow',
    '2030-01-01',
    '2030-02-30T00:00:00Z',
    null,
    1_900_000_000_000,
  ];
  for (const executeAt of times) {
    const reply = await at.service.post(path, { ...at.holder, amount: '1', executeAt });
    expectInvalid(reply, path, ['executeAt']);
  }
  expectInvalid(await at.service.post(path, { ...at.holder, amount: '0', executeAt: tomorrow() }), path, [
    'amount',
  ]);
  assert.equal(await headPosition(at.owner), head);
  const almost = new Date(Date.now() + 366 * DAY_MS - 5_000).toISOString();
  assert.equal((await at.service.post(path, { ...at.holder, amount: '1', executeAt: almost })).status, 202);
});

test('a time may have an offset, and is shown in UTC', async () => {
  const [day] = tomorrow().split('T');
  const executeAt = `${day}T01:30:00.1234+01:30`;
  const reply = await at.service.post('/transactions/spend', { ...at.holder, amount: '1', executeAt });
  assert.deepEqual([reply.status, reply.body.executeAt], [202, `${day}T00:00:00.123Z`], reply.text);
});

test('a hold that was scheduled names its schedule', async () => {
  const reply = await at.service.post('/holds', { ...at.holder, amount: '5', executeAt: soon() });
  const { result } = await ended(reply.body.scheduleId);
  const { body: plain } = await at.service.post('/holds', { ...at.holder, amount: '5' });
  const { body: hold } = await at.service.get(`/holds/${result.holdId}?atLeast=${plain.position}`);
  assert.equal(hold.scheduleId, reply.body.scheduleId);
  const { body: page } = await at.service.get(`/holds?userId=${at.holder.userId}`);
  assert.deepEqual(
    page.data.map(({ scheduleId }: Any) => scheduleId),
    [undefined, reply.body.scheduleId],
  );
});

test('a bonus that would be over when it is given is a 400, and nothing is written', async () => {
  const head = await headPosition(at.owner);
  const path = '/transactions/bonus';
  const executeAt = tomorrow();
  const bonus = { ...at.holder, amount: '1', executeAt };
  const before = new Date(Date.parse(executeAt) - 1).toISOString();
  for (const expiresAt of [before, executeAt])
    expectInvalid(await at.service.post(path, { ...bonus, expiresAt }), path, ['expiresAt']);
  assert.equal(await headPosition(at.owner), head);
  const after = new Date(Date.parse(executeAt) + 1).toISOString();
  assert.equal((await at.service.post(path, { ...bonus, expiresAt: after })).status, 202);
});

test('what it names must exist when it is scheduled; whether it can be paid is for its time', async () => {
  const later = { executeAt: tomorrow() };
  const nobody = { ...at.holder, userId: NOBODY, amount: '1', ...later };
  expectProblem(
    await at.service.post('/transactions/spend', nobody),
    'user_not_found',
    '/transactions/spend',
  );
  expectProblem(await at.service.post('/holds', nobody), 'user_not_found', '/holds');
  const nothing = { ...at.holder, assetSlug: 'nope', amount: '1', ...later };
  expectProblem(
    await at.service.post('/transactions/topup', nothing),
    'asset_not_found',
    '/transactions/topup',
  );
  for (const [path, code] of [
    [`/holds/${NOBODY}/capture`, 'hold_not_found'],
    [`/holds/${NOBODY}/release`, 'hold_not_found'],
    [`/transactions/${NOBODY}/reverse`, 'transaction_not_found'],
  ] as const)
    expectProblem(await at.service.post(path, later), code, path);
  const { holdId } = (await at.service.post('/holds', { ...at.holder, amount: '1' })).body;
  const { body } = await at.service.post('/transactions/spend', {
    ...at.holder,
    amount: '1000000',
    ...later,
  });
  assert.equal(body.status, 'scheduled');
  // A schedule is neither a hold nor a transaction.
  expectProblem(
    await at.service.post(`/transactions/${body.scheduleId}/reverse`, {}),
    'transaction_not_found',
    `/transactions/${body.scheduleId}/reverse`,
  );
  expectProblem(await cancel(holdId), 'schedule_not_found', `/scheduled/${holdId}/cancel`);
});

test('the same key answers the same bytes, before and after it was done', async () => {
  const body = { ...at.holder, amount: '7', executeAt: soon() };
  const first = await at.service.post('/transactions/spend', body, 'scheduled-1');
  const again = await at.service.post('/transactions/spend', body, 'scheduled-1');
  assert.deepEqual([again.status, again.text], [202, first.text]);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  await ended(first.body.scheduleId);
  assert.equal((await at.service.post('/transactions/spend', body, 'scheduled-1')).text, first.text);
  const { body: remembered } = await at.service.get('/idempotency-keys/scheduled-1');
  assert.deepEqual([remembered.status, JSON.stringify(remembered.outcome)], [202, first.text]);
  assert.equal(await balance(at.holder), '93, 0 held');
});

test('another request under the key names what differs', async () => {
  const spendAt = { ...at.holder, amount: '7', executeAt: tomorrow() };
  const path = '/transactions/spend';
  await at.service.post(path, spendAt, 'scheduled-2');
  const differing = async (body: object): Promise<string[]> => {
    const reply = await at.service.post(path, body, 'scheduled-2');
    expectProblem(reply, 'idempotency_key_reused', path);
    return reply.body.differs;
  };
  assert.deepEqual(await differing({ ...spendAt, amount: '8' }), ['amount']);
  assert.deepEqual(await differing({ ...at.holder, amount: '7' }), ['executeAt']);
  assert.deepEqual(
    await differing({ ...spendAt, executeAt: new Date(Date.now() + 9_999_999).toISOString() }),
    ['executeAt'],
  );
});

test('in a batch it is a 202 in its place', async () => {
  const money = { ...at.holder, amount: '10' };
  const executeAt = soon();
  const commands = [
    { idempotencyKey: unique('b'), type: 'spend', ...money },
    { idempotencyKey: unique('b'), type: 'topup', ...money, executeAt },
    { idempotencyKey: unique('b'), type: 'topup', ...money, executeAt: '1999-01-01T00:00:00Z' },
  ];
  const { body } = await at.service.post('/transactions/batch', { commands });
  assert.deepEqual(
    body.results.map(({ status }: Any) => status),
    [201, 202, 400],
  );
  assert.equal(await balance(at.holder), '90, 0 held');
  // The same request whichever way it comes.
  const { idempotencyKey, type: _type, ...alone } = commands[1]!;
  const replayed = await at.service.post('/transactions/topup', alone, idempotencyKey);
  assert.deepEqual([replayed.status, replayed.body], [202, body.results[1].body]);
  await ended(body.results[1].body.scheduleId);
  assert.equal(await balance(at.holder), '100, 0 held');
});

test('an atomic batch schedules all or nothing', async () => {
  const head = await headPosition(at.owner);
  const later = {
    idempotencyKey: unique('a'),
    type: 'spend',
    ...at.holder,
    amount: '1',
    executeAt: tomorrow(),
  };
  const declined = { idempotencyKey: unique('a'), type: 'spend', ...at.holder, amount: '1000' };
  const refused = await at.service.post('/transactions/batch', { commands: [later, declined], atomic: true });
  assert.deepEqual([refused.status, refused.body.code, refused.body.index], [422, 'batch_refused', 1]);
  assert.equal(await headPosition(at.owner), head + 1n, 'only the refusal is kept');
  const fresh = { ...later, idempotencyKey: unique('a') };
  const done = await at.service.post('/transactions/batch', { commands: [fresh], atomic: true });
  assert.deepEqual([done.status, done.body.results[0].status], [200, 202]);
});

test('a dry run says that it would be scheduled, and schedules nothing', async () => {
  const head = await headPosition(at.owner);
  const command = { ...at.holder, amount: '1000' };
  const executeAt = tomorrow();
  const reply = await at.service.post('/transactions/spend?dryRun=true', { ...command, executeAt }, '');
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(reply.body, {
    ...{ scheduleId: null, status: 'scheduled', type: 'spend', executeAt, userId: at.holder.userId, command },
    ...{ result: null, reason: null, position: null, recordedAt: null, dryRun: true },
  });
  const past = { ...command, executeAt: '1999-01-01T00:00:00Z' };
  expectInvalid(await at.service.post('/transactions/spend?dryRun=true', past, ''), '/transactions/spend', [
    'executeAt',
  ]);
  assert.equal(await headPosition(at.owner), head);
});
