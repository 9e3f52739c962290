/** The read model of schedules: a row for each, which its later events end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dueItems } from '../../src/projections/due.ts';
import { scheduled } from '../../src/projections/scheduled.ts';
import { createAsset, registerUser } from '../support/service.ts';
import { openReadSide, type ReadSide, type Row } from './read-side.ts';

let side: ReadSide;
let money: { userId: string; assetSlug: string; amount: string };

before(async () => {
  side = await openReadSide();
  const { id: userId } = await registerUser(side.service);
  money = { userId, assetSlug: await createAsset(side.service), amount: '5' };
  await side.service.post('/transactions/topup', money);
  await side.catchUp(scheduled);
});

after(() => side.close());

/** From the time of the database, which these tests move on. */
async function schedule(
  seconds: number,
  path = '/transactions/spend',
  body: object = money,
): Promise<string> {
  const [row] = await side.rows(
    `select (greatest(head_recorded_at, clock_timestamp()) + $2 * interval '1 second')::timestamptz(3) as at from ledgers where id = $1`,
    [seconds],
  );
  const reply = await side.service.post(path, { ...body, executeAt: new Date(row!['at']).toISOString() });
  assert.equal(reply.status, 202, reply.text);
  return reply.body.scheduleId;
}

async function run(scheduleId: string): Promise<void> {
  await side.rows(`update ledgers set head_recorded_at = head_recorded_at + interval '1 hour' where id = $1`);
  await side.service.app.queue.submit({
    ...{
      command: { kind: 'schedule.run', scheduleId, postings: 1 },
      idempotencyKey: null,
      canonicalRequest: '',
    },
    ...{ actor: 'worker', correlationId: null },
  });
}

async function row(scheduleId: string): Promise<Row> {
  await side.catchUp(scheduled);
  const [found] = await side.rows('select * from read.scheduled where ledger_id = $1 and id = $2', [
    scheduleId,
  ]);
  return found!;
}

test('what was created waits', async () => {
  const id = await schedule(3_600);
  const { status, type, user_id: userId, position, ended_position: ended } = await row(id);
  assert.deepEqual([status, type, userId, ended], ['scheduled', 'spend', money.userId, null]);
  assert.equal(position, await side.head());
});

test('what was executed has ended, whether that came in the range in which it began or later', async () => {
  const together = await schedule(60);
  await run(together);
  const first = await row(together);
  assert.deepEqual([first['status'], first['ended_position']], ['executed', await side.head()]);
  assert.equal(first['position'], first['ended_position'] - 2n, 'the transaction is between them');
  const apart = await schedule(60);
  assert.equal((await row(apart))['status'], 'scheduled');
  await run(apart);
  // There were 5: this one finds nothing left.
  const second = await row(apart);
  assert.deepEqual([second['status'], second['ended_position']], ['failed', await side.head()]);
});

test('what was cancelled has ended', async () => {
  const id = await schedule(3_600);
  await side.service.post(`/scheduled/${id}/cancel`, {});
  const { status, ended_position: ended } = await row(id);
  assert.deepEqual([status, ended], ['cancelled', await side.head()]);
  // A cancel that is declined changes nothing.
  await side.service.post(`/scheduled/${id}/cancel`, {});
  assert.equal((await row(id))['ended_position'], ended);
});

test('what is due is a list of all kinds, the most overdue first, but for what is left out', async () => {
  const { items } = await dueItems(side.pool, side.ledgerId, []);
  const waiting = items.map(({ id }) => id);
  const { userId, assetSlug } = money;
  await side.service.post('/transactions/topup', { ...money, amount: '100' });
  const posting = { from: { userId }, to: { system: 'fees' }, assetSlug, amount: '1' };
  const several = await schedule(30, '/transactions', { postings: [posting, posting, posting] });
  const one = await schedule(10);
  const { body: hold } = await side.service.post('/holds', { ...money, amount: '1', expiresInSeconds: 1 });
  // As if some time had gone by; the hold ends between the two.
  await side.rows(
    `update schedules set execute_at = now() - interval '3 hours' where ledger_id = $1 and id = $2`,
    [several],
  );
  await side.rows(
    `update holds set expires_at = now() - interval '2 hours' where ledger_id = $1 and id = $2`,
    [hold.holdId],
  );
  await side.rows(
    `update schedules set execute_at = now() - interval '1 hour' where ledger_id = $1 and id = $2`,
    [one],
  );
  const due = await dueItems(side.pool, side.ledgerId, waiting);
  assert.deepEqual(due, {
    items: [
      { kind: 'schedule', id: several, postings: 3 },
      { kind: 'hold', id: hold.holdId },
      { kind: 'schedule', id: one, postings: 1 },
    ],
    more: false,
  });
  const others = await dueItems(side.pool, side.ledgerId, [...waiting, several, hold.holdId]);
  assert.deepEqual(
    others.items.map(({ id }) => id),
    [one],
  );
});
