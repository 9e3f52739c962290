/** How many commands wait and how long: both have a limit, and whoever meets it is told so with nothing done. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  assertLedgerIsSound,
  balanceOf,
  eventsWithKey,
  holdWallets,
  walletIdOf,
} from '../support/ledger-facts.ts';
import { untilWritersWait } from '../support/until.ts';
import { bodyOf, newAsset, newUser, openWriteSide } from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let holder: pg.Client;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  holder = await database.connect();
});

/** What a failed test holds must not stall the next one. */
afterEach(() => holder.query('rollback'));

after(async () => {
  await Promise.all([observer.end(), holder.end()]);
  await database.drop();
});

test('one command more than may wait is refused at once, and those that wait are served', async () => {
  const side = openWriteSide(database.url, { maxQueue: 3 });
  try {
    const assetSlug = await newAsset(side);
    const userId = await newUser(side, { assetSlug, amount: '1' });
    const topUp = { kind: 'topup', userId, assetSlug, amount: '1' } as const;
    await holdWallets(holder, await walletIdOf(observer, userId, assetSlug));
    const running = side.submit(topUp);
    await untilWritersWait(observer);
    const waiting = [side.submit(topUp), side.submit(topUp), side.submit(topUp)];
    const key = randomUUID();
    await assert.rejects(side.submit(topUp, key), { code: 'overloaded', retryAfterSeconds: 1 });
    assert.equal(side.queue.depth(), 3);
    await holder.query('commit');
    const answers = await Promise.all([running, ...waiting]);
    assert.deepEqual(
      answers.map((answer) => bodyOf(answer).balanceAfter),
      ['2', '3', '4', '5'],
    );
    assert.equal(await eventsWithKey(observer, key), 0);
    assert.equal(bodyOf(await side.submit(topUp, key)).balanceAfter, '6');
  } finally {
    await side.close();
  }
});

test('a command that waited too long to be started is refused, and never started', async () => {
  const side = openWriteSide(database.url, { maxWaitMs: 50 });
  try {
    const assetSlug = await newAsset(side);
    const userId = await newUser(side, { assetSlug, amount: '1' });
    const topUp = { kind: 'topup', userId, assetSlug, amount: '1' } as const;
    await holdWallets(holder, await walletIdOf(observer, userId, assetSlug));
    const running = side.submit(topUp);
    await untilWritersWait(observer);
    const key = randomUUID();
    await assert.rejects(side.submit(topUp, key), { code: 'database_unavailable' });
    await holder.query('commit');
    assert.equal(bodyOf(await running).balanceAfter, '2');
    assert.equal(await eventsWithKey(observer, key), 0);
    assert.equal(await balanceOf(observer, userId, assetSlug), '2');
  } finally {
    await side.close();
  }
});

test('recorded times never go back, even when the head was recorded in the future', async () => {
  const side = openWriteSide(database.url);
  try {
    const assetSlug = await newAsset(side);
    const userId = await newUser(side);
    const topUp = { kind: 'topup', userId, assetSlug, amount: '1' } as const;
    // As if the clock of the database had been an hour ahead until now.
    const { rows } = await holder.query<{ ahead: Date }>(`
update ledgers set head_recorded_at = now() + interval '1 hour' where id = 1 returning head_recorded_at as ahead`);
    const ahead = rows[0]!.ahead.toISOString();
    const answers = [await side.submit(topUp), await side.submit(topUp)];
    assert.deepEqual(
      answers.map((answer) => bodyOf(answer).recordedAt),
      [ahead, ahead],
    );
    const times = await observer.query<{ occurred_at: Date; recorded_at: Date }>(
      'select occurred_at, recorded_at from events where position = any ($1)',
      [answers.map(({ position }) => String(position))],
    );
    assert.equal(times.rows.length, 2);
    for (const { occurred_at: occurredAt, recorded_at: recordedAt } of times.rows) {
      assert.equal(occurredAt.toISOString(), ahead, 'a decision is never before what is recorded already');
      assert.equal(recordedAt.toISOString(), ahead);
    }
  } finally {
    await side.close();
  }
});

test('nor when it gets there while a batch that has decided waits for the head row', async () => {
  const side = openWriteSide(database.url);
  try {
    const assetSlug = await newAsset(side);
    const userId = await newUser(side);
    await holder.query('begin');
    const { rows } = await holder.query<{ ahead: Date }>(`
update ledgers set head_recorded_at = now() + interval '2 hours' where id = 1 returning head_recorded_at as ahead`);
    const answer = side.submit({ kind: 'topup', userId, assetSlug, amount: '1' });
    await untilWritersWait(observer);
    await holder.query('commit');
    assert.equal(bodyOf(await answer).recordedAt, rows[0]!.ahead.toISOString());
  } finally {
    await side.close();
  }
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
