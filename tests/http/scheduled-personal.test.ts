/** What is personal of a command waits beside the log, comes back at its time, and is left out once it was erased. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { verifyAll } from '../audit/filled-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { expectProblem } from './expect-problem.ts';
import { newHolder, topUp } from './payments.ts';

let database: TestDatabase;
let service: Service;
let owner: pg.Client;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
});

after(async () => {
  await owner.end();
  await service.close();
  await database.drop();
});

const personal = {
  metadata: { z: 'plain', recipient: 'Alice Personal', email: 'alice-personal@example.com' },
  personalMetadata: ['recipient', 'email'],
};

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
async function schedule(aheadMs: number, key: string): Promise<{ body: any; sent: object }> {
  const holder = await newHolder(service);
  await topUp(service, holder, '100');
  const executeAt = new Date(Date.now() + aheadMs).toISOString();
  const sent = { ...holder, amount: '5', ...personal, executeAt };
  const reply = await service.post('/transactions/spend', sent, key);
  assert.equal(reply.status, 202, reply.text);
  assert.equal((await service.post('/transactions/spend', sent, key)).text, reply.text);
  return { body: reply.body, sent };
}

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
function executed(scheduleId: string): Promise<any> {
  return until('it is executed', async () => {
    const { body } = await service.get(`/scheduled/${scheduleId}`);
    return body.status === 'executed' && body;
  });
}

async function erase(userId: string): Promise<void> {
  const { rowCount } = await owner.query('delete from personal where subject_id = $1', [userId]);
  assert.ok(rowCount !== null && rowCount > 1);
}

async function logHolds(text: string): Promise<boolean> {
  const { rows } = await owner.query<{ found: boolean }>(
    'select exists (select from events where strpos(data::text, $1) > 0) as found',
    [text],
  );
  return rows[0]!.found;
}

test('the log has digests only, and the transaction the values', async () => {
  const { body } = await schedule(1_500, 'personal-1');
  assert.deepEqual(body.command.metadata, personal.metadata);
  assert.deepEqual(body.command.personalMetadata, ['email', 'recipient']);
  const { result, command } = await executed(body.scheduleId);
  assert.deepEqual(command, body.command);
  const { body: transaction } = await service.get(`/transactions/${result.transactionId}`);
  assert.deepEqual(transaction.metadata, personal.metadata);
  assert.equal(await logHolds('Alice Personal'), false);
  assert.equal(await logHolds('alice-personal'), false);
  assert.equal(await logHolds('plain'), true);
});

test('what was erased before its time is left out, and the rest is done', async () => {
  const { body, sent } = await schedule(1_500, 'personal-2');
  await erase(body.userId);
  const { body: shown } = await service.get(`/scheduled/${body.scheduleId}?atLeast=${body.position}`);
  assert.deepEqual(shown.command.metadata, { z: 'plain' });
  const { result } = await executed(body.scheduleId);
  const { body: transaction } = await service.get(`/transactions/${result.transactionId}`);
  assert.deepEqual([transaction.amount, transaction.metadata], ['5', { z: 'plain' }]);
  expectProblem(
    await service.post('/transactions/spend', sent, 'personal-2'),
    'subject_erased',
    '/transactions/spend',
  );
});

test('a schedule that was cancelled shows what it was, until that is erased', async () => {
  const { body } = await schedule(3_600_000, 'personal-3');
  const path = `/scheduled/${body.scheduleId}/cancel`;
  const first = await service.post(path, {}, 'personal-4');
  assert.equal(first.status, 201, first.text);
  assert.deepEqual(first.body.command, body.command);
  assert.equal((await service.post(path, {}, 'personal-4')).text, first.text);
  await erase(body.userId);
  expectProblem(await service.post(path, {}, 'personal-4'), 'subject_erased', path);
});

test('a schedule of a user who was erased can be cancelled, and the answer is without what was personal', async () => {
  const holder = await newHolder(service);
  const executeAt = new Date(Date.now() + 3_600_000).toISOString();
  const { body } = await service.post('/transactions/topup', {
    ...holder,
    amount: '5',
    ...personal,
    executeAt,
  });
  assert.equal((await service.post(`/users/${holder.userId}/erase`, {})).status, 201);
  const path = `/scheduled/${body.scheduleId}/cancel`;
  const first = await service.post(path, { reason: 'gone' }, 'personal-5');
  assert.equal(first.status, 201, first.text);
  const { status, command, reason } = first.body;
  assert.deepEqual([status, command.metadata, reason], ['cancelled', { z: 'plain' }, 'gone']);
  assert.ok(!('personalMetadata' in command));
  const again = await service.post(path, { reason: 'gone' }, 'personal-5');
  assert.deepEqual([again.status, again.text], [201, first.text]);
  const { rows } = await owner.query<{ data: string }>(
    "select data::text from events where related_id = $1 and type = 'scheduled.cancelled'",
    [body.scheduleId],
  );
  assert.equal(rows[0]!.data.includes('personalMetadata'), false, 'its digests are not written again');
  expectProblem(await service.post(path, {}, 'personal-6'), 'schedule_closed', path);
});

test('a command for a user who was erased by its time has failed, and the auditor has nothing to say', async () => {
  const holder = await newHolder(service);
  const executeAt = new Date(Date.now() + 1_500).toISOString();
  const sent = { ...holder, amount: '5', ...personal, executeAt };
  const { body } = await service.post('/transactions/topup', sent);
  assert.equal((await service.post(`/users/${holder.userId}/erase`, {})).status, 201);
  const ended = await until('it has failed', async () => {
    const reply = await service.get(`/scheduled/${body.scheduleId}`);
    return reply.body.status === 'failed' && reply.body;
  });
  assert.deepEqual([ended.result.outcome, ended.result.code], ['failed', 'subject_erased']);
  assert.deepEqual(ended.command.metadata, { z: 'plain' });
  // Values of others went without their users, in the tests above: that alone is found.
  const { findings } = await verifyAll(database.url);
  assert.deepEqual(
    findings.filter(({ check }) => check !== 'personal'),
    [],
  );
});
