/** given these events, when something is scheduled, run or cancelled, then these events follow. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { decide } from '../../src/commands/decide.ts';
import { scheduledFor, type SchedulableCommand } from '../../src/commands/schedule-schemas.ts';
import type { Schedule } from '../../src/events/catalog.ts';
import { evolve } from '../../src/events/evolve.ts';
import { NUMBER_FIELDS } from '../../src/events/schedule-resource.ts';
import { moneyRoutes } from '../../src/http/money-commands.ts';
import {
  alice,
  fact,
  funded,
  gold,
  issued,
  NOON,
  registered,
  stateAfter,
  uuid,
  type Happening,
} from '../events/facts.ts';
import { contextFrom, digestOf, drawn, given } from '../support/decision.ts';

const LATER = '2026-01-01T13:00:00.000Z';
const world: Happening[] = [registered(alice), ...issued(gold), ...funded(alice, gold, '100')];
const spend = { kind: 'spend', userId: alice.id, assetSlug: 'gold', amount: '30' } as const;
const scheduleId = uuid('e', 1);

function scheduling(executeAt: string, command: SchedulableCommand = spend) {
  return { kind: 'schedule.create', executeAt, command } as const;
}

function waiting(executeAt: string, more: Partial<Schedule> = {}): Happening {
  const { kind: type, ...command } = spend;
  const schedule = { scheduleId, type, executeAt, userId: alice.id, command, ...more };
  return fact('scheduled.created', { schedule });
}

const run = { kind: 'schedule.run', scheduleId, postings: 1 } as const;
const cancel = { kind: 'schedule.cancel', scheduleId } as const;

function decided(events: readonly Happening[], command: Parameters<typeof decide>[1], occurredAt = NOON) {
  return decide(stateAfter(events), command, { ...contextFrom(), occurredAt });
}

describe('Scheduling a command', () => {
  test('notes it, and does nothing of it', () => {
    const decision = decided(world, scheduling(LATER));
    assert.ok(decision.kind === 'events');
    assert.deepEqual(
      decision.events.map(({ type }) => type),
      ['scheduled.created'],
    );
    const [{ id, data }] = decision.events;
    const { kind: type, ...command } = spend;
    assert.deepEqual(data, {
      schedule: { scheduleId: id, type, executeAt: LATER, userId: alice.id, command },
    });
  });

  test('is possible for more than there is, and for a user who is banned: that is for its time to tell', () => {
    const banned = fact('user.status_changed', {
      userId: alice.id,
      status: 'BANNED',
      reason: null,
      createdAt: NOON,
    });
    for (const command of [{ ...spend, amount: '1000' }, spend])
      assert.equal(decided([...world, banned], scheduling(LATER, command)).kind, 'events');
  });

  test('for a user or an asset that does not exist is refused', () => {
    const nobody = { ...spend, userId: uuid('a', 9) };
    given(...world)
      .when(scheduling(LATER, nobody))
      .thenRefused('user_not_found', { userId: nobody.userId });
    given(...world)
      .when(scheduling(LATER, { ...spend, assetSlug: 'tin' }))
      .thenRefused('asset_not_found', { assetSlug: 'tin' });
  });

  test('for now, for earlier, or for more than 366 days from now is a fault of the request', () => {
    const times = [NOON, '2026-01-01T11:59:59.999Z', '2027-01-02T12:00:00.001Z'];
    for (const time of times) {
      const decision = decided(world, scheduling(time));
      assert.ok(decision.kind === 'invalid', time);
      assert.equal(decision.fault.path, 'executeAt');
    }
    for (const time of ['2026-01-01T12:00:00.001Z', '2027-01-02T12:00:00.000Z'])
      assert.equal(decided(world, scheduling(time)).kind, 'events', time);
  });

  test('keeps what is personal beside the log, under the name of the schedule', () => {
    const more = { metadata: { to: 'Alice', order: 'A-1' }, personalMetadata: ['to'] };
    const decision = decided(world, scheduling(LATER, { ...spend, ...more }));
    assert.ok(decision.kind === 'events');
    const [{ id, data, personal }] = decision.events;
    assert.ok('schedule' in data);
    assert.deepEqual(data.schedule.command['metadata'], { order: 'A-1' });
    assert.ok(!('personalMetadata' in data.schedule.command));
    assert.deepEqual(data.schedule.personalMetadata, { to: digestOf('Alice') });
    assert.deepEqual(
      personal.map(({ subjectId, field, value }) => [subjectId, field, value]),
      [[alice.id, `metadata:${id}:to`, 'Alice']],
    );
  });

  test('without a time is the command itself', () => {
    assert.equal(scheduledFor(undefined, spend), spend);
  });
});

describe('Running a schedule', () => {
  test('does what was asked, and says so right behind', () => {
    const decision = decided([...world, waiting(NOON)], run);
    assert.ok(decision.kind === 'events');
    assert.deepEqual(
      decision.events.map(({ type }) => type),
      ['transaction.posted', 'scheduled.executed'],
    );
    const [posted, executed] = decision.events;
    assert.ok(executed?.type === 'scheduled.executed');
    assert.equal(executed.relatedId, scheduleId);
    const { schedule, ...result } = executed.data;
    assert.equal(schedule.scheduleId, scheduleId);
    assert.deepEqual(result, {
      ...{ outcome: 'posted', transactionId: posted.id, holdId: null, code: null, detail: null },
    });
  });

  test('before its time, or once it has ended, does nothing', () => {
    assert.deepEqual(decided([...world, waiting(LATER)], run), { kind: 'nothing' });
    assert.equal(decided([...world, waiting(LATER)], run, LATER).kind, 'events');
    const state = stateAfter([...world, waiting(NOON)]);
    const first = decide(state, run, contextFrom());
    assert.ok(first.kind === 'events');
    for (const event of first.events) evolve(state, { ...event, occurredAt: NOON });
    assert.deepEqual(decide(state, run, contextFrom(50)), { kind: 'nothing' });
    assert.deepEqual(decided(world, run), { kind: 'nothing' });
  });

  test('for more than there is records both, that it was declined and why', () => {
    const { kind: type, ...command } = { ...spend, amount: '101' };
    const decision = decided([...world, waiting(NOON, { type, command })], run);
    assert.ok(decision.kind === 'events');
    const [rejected, executed] = decision.events;
    assert.ok(rejected.type === 'transaction.rejected' && executed?.type === 'scheduled.executed');
    const { outcome, transactionId, code, detail } = executed.data;
    assert.deepEqual([outcome, transactionId, code], ['rejected', rejected.id, 'insufficient_funds']);
    assert.equal(detail, rejected.data.detail);
  });

  test('of what is no longer there has failed, for what reason', () => {
    const command = { holdId: uuid('d', 9) };
    const decision = decided([...world, waiting(NOON, { type: 'release', command })], run);
    assert.ok(decision.kind === 'events');
    assert.equal(decision.events.length, 1);
    const [{ data }] = decision.events;
    assert.ok('outcome' in data);
    assert.deepEqual([data.outcome, data.code, data.transactionId], ['failed', 'hold_not_found', null]);
  });

  test('of a hold counts its expiry from then, as a number again', () => {
    const command = { userId: alice.id, assetSlug: 'gold', amount: '5', expiresInSeconds: '60' };
    const decision = decided([...world, waiting(LATER, { type: 'hold', command })], run, LATER);
    assert.ok(decision.kind === 'events');
    const [placed, executed] = decision.events;
    assert.ok(placed.type === 'hold.placed' && executed?.type === 'scheduled.executed');
    assert.equal(placed.data.hold.expiresAt, '2026-01-01T13:01:00.000Z');
    assert.deepEqual([executed.data.holdId, executed.data.transactionId], [placed.id, null]);
  });
});

describe('Cancelling a schedule', () => {
  test('ends it, also when its time has come', () => {
    for (const time of [LATER, NOON]) {
      const decision = decided([...world, waiting(time)], { ...cancel, reason: 'why not' });
      assert.ok(decision.kind === 'events');
      const [event] = decision.events;
      assert.ok(event.type === 'scheduled.cancelled');
      assert.deepEqual([event.relatedId, event.data.reason], [scheduleId, 'why not']);
      const state = stateAfter([...world, waiting(time)]);
      evolve(state, { ...event, occurredAt: NOON });
      assert.equal(state.schedules.get(scheduleId)?.status, 'cancelled');
    }
  });

  test('that has ended is declined, and that is remembered', () => {
    const state = stateAfter([...world, waiting(NOON)]);
    const first = decide(state, run, contextFrom());
    assert.ok(first.kind === 'events');
    for (const event of first.events) evolve(state, { ...event, occurredAt: NOON });
    const decision = decide(state, cancel, contextFrom(50));
    assert.ok(decision.kind === 'events');
    const [event] = decision.events;
    assert.ok(event.type === 'transaction.rejected');
    assert.deepEqual(
      [event.id, event.relatedId, event.data.type, event.data.code, event.data.figures['scheduleStatus']],
      [drawn(50), scheduleId, 'schedule.cancel', 'schedule_closed', 'executed'],
    );
  });

  test('that does not exist is refused', () => {
    given(...world)
      .when(cancel)
      .thenRefused('schedule_not_found', { scheduleId });
  });
});

test('every field of a command that is a number is one that the log knows how to keep', () => {
  const numbers = Object.values(moneyRoutes).flatMap(({ body }) => {
    const { properties = {} } = z.toJSONSchema(body as z.ZodType, { io: 'input', unrepresentable: 'any' });
    return Object.entries(properties).flatMap(([name, property]) =>
      typeof property === 'object' && ['integer', 'number'].includes(String(property.type)) ? [name] : [],
    );
  });
  assert.deepEqual(new Set(numbers), NUMBER_FIELDS);
});
