/** Time goes on: the clock of the service is moved, and what is due is ended, in the service and in the reference. */
import assert from 'node:assert/strict';
import { requestThatEnds } from '../../src/background.ts';
import type { RecordedEvent } from '../../src/events/catalog.ts';
import { dueItems } from '../../src/projections/due.ts';
import { moveClock } from '../support/moved-clock.ts';
import { learnIds } from './exchange.ts';
import { expireHold } from './reference-holds.ts';
import type { Command } from './reference-terms.ts';
import { askLater, cancel, dueIn, end, expirePot, run } from './reference-time.ts';
import { UNKNOWN_ID, inHttp, type World } from './world.ts';

/** By so many seconds; nothing is ended by that alone. */
export async function wait(world: World, seconds: number): Promise<void> {
  const { ledger } = world.reference;
  ledger.now = Date.parse(await moveClock(world.side.pool, seconds));
}

export async function exchangeLater(world: World, command: Command, seconds: number): Promise<void> {
  const { ledger } = world.reference;
  const { path, body } = inHttp(world, command);
  const executeAt = new Date(ledger.now + seconds * 1_000).toISOString();
  const reply = await world.service.post(path, { ...body, executeAt });
  const expected = askLater(ledger, command, seconds);
  if (typeof expected === 'number') {
    assert.equal(reply.status, 202, `${path} ${reply.text}`);
    world.scheduleIds[expected] = String(reply.body.scheduleId);
    return;
  }
  assert.ok(expected.kind === 'refused');
  assert.deepEqual(
    [reply.status, reply.body.code],
    [expected.status, expected.code],
    `${path} ${reply.text}`,
  );
}

export async function exchangeCancel(world: World, number: number): Promise<void> {
  const id = world.scheduleIds[number] ?? UNKNOWN_ID;
  const { status, body, text } = await world.service.post(`/scheduled/${id}/cancel`, {});
  const expected = cancel(world.reference.ledger, number);
  if (expected === 'cancelled') {
    assert.deepEqual([status, body.status], [201, 'cancelled'], text);
    return;
  }
  assert.deepEqual([status, body.code], [expected.status, expected.code], text);
  learnIds(world, expected, body);
}

/** All that is due, as the worker does it; the reference does the same in the order in which the log has it. */
export async function sweep(world: World): Promise<void> {
  const { side, service, replay } = world;
  for (;;) {
    await replay.catchUp();
    const { items } = await dueItems(side.pool, side.ledgerId, []);
    await Promise.all(items.map((item) => service.app.queue.submit(requestThatEnds(item))));
    const events = await replay.catchUp();
    for (const event of events) follow(world, event);
    if (events.length === 0) break;
  }
  const { ledger } = world.reference;
  for (const due of dueIn(ledger)) assert.equal(end(structuredClone(ledger), due), null, JSON.stringify(due));
}

/** Of other worlds nothing is known here. */
function follow(world: World, event: RecordedEvent): void {
  const { ledger } = world.reference;
  switch (event.type) {
    case 'hold.expired': {
      const number = world.holdIds.indexOf(event.data.hold.holdId);
      if (number !== -1) assert.ok(expireHold(ledger, number), `hold ${number} is not due`);
      return;
    }
    case 'transaction.posted': {
      const number = event.data.expires === undefined ? -1 : world.transactionIds.indexOf(event.data.expires);
      if (number === -1) return;
      const outcome = expirePot(ledger, number);
      assert.equal(outcome?.posted?.postings[0]?.amount.toString(), event.data.amount, `bonus ${number}`);
      learnIds(world, outcome, { transactionId: event.id });
      return;
    }
    case 'scheduled.executed': {
      const number = world.scheduleIds.indexOf(event.data.schedule.scheduleId);
      if (number === -1) return;
      const outcome = run(ledger, number);
      assert.ok(outcome !== null, `schedule ${number} is not due`);
      const { outcome: told, code, transactionId, holdId } = event.data;
      const declined = outcome.transaction === null ? 'failed' : 'rejected';
      assert.deepEqual(
        { told, code, transaction: transactionId !== null, hold: holdId !== null },
        {
          told: outcome.kind === 'done' ? 'posted' : declined,
          code: outcome.kind === 'done' ? null : outcome.code,
          transaction: outcome.transaction !== null,
          hold: outcome.kind === 'done' && outcome.hold !== null,
        },
      );
      learnIds(world, outcome, { transactionId, holdId });
      return;
    }
    default:
  }
}
