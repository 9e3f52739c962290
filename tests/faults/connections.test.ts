/** The way to the database is bad: connections are ended, dropped, delayed, halved, or swallow what they are given. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { killStarted, startCoffer, type Coffer } from '../support/coffer-process.ts';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { openDatabaseProxy, type DatabaseProxy, type Reaction } from '../support/database-proxy.ts';
import { assertAllIsWell, environmentOf } from './aftermath.ts';
import { createParties, openClientLedger, type Agreement, type Load, type Parties } from './client-ledger.ts';
import { openRoughProxy, type RoughProxy } from './rough-proxy.ts';
import { fewerRounds, rounds } from './rounds.ts';

const CLIENTS = 8;

let database: TestDatabase;
let observer: pg.Client;
let rough: RoughProxy;
let exact: DatabaseProxy;
/** In nearly every one it is a batch whose COMMIT is met. */
const COMMIT_ROUNDS = 10;

/** One of each has its own way to the database. */
let services: [Coffer, Coffer];
let parties: Parties;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  rough = await openRoughProxy(database.url);
  exact = await openDatabaseProxy(database.url);
  services = [
    await startCoffer(['serve'], { ...environmentOf(database.url), DATABASE_URL: rough.url }),
    await startCoffer(['api'], { ...environmentOf(database.url), DATABASE_URL: exact.url }),
  ];
  parties = await createParties(services[0]);
});

after(async () => {
  killStarted();
  await Promise.all([rough.close(), exact.close()]);
  await observer.end();
  await dropOnceFree(database);
});

/** Resolves to how the commands of all rounds had ended. */
async function strike(
  which: readonly Coffer[],
  times: readonly number[],
  disaster: (load: Load) => Promise<void> | void,
): Promise<Agreement> {
  const sum = { acknowledged: 0, unansweredButDone: 0, unansweredAndNotDone: 0 };
  for (const _ of times) {
    const ledger = openClientLedger(parties);
    const load = ledger.load(() => which, CLIENTS);
    await load.acknowledgedMore(randomInt(5, 40));
    await disaster(load);
    await load.acknowledgedMore(20);
    await load.stop();
    const found = await ledger.assertTruth(which[0]!, observer);
    sum.acknowledged += found.acknowledged;
    sum.unansweredButDone += found.unansweredButDone;
    sum.unansweredAndNotDone += found.unansweredAndNotDone;
  }
  return sum;
}

test('pg_terminate_backend of random connections, of whatever pool', async () => {
  await strike(services, rounds, async () => {
    const { rowCount } = await observer.query(
      `select pg_terminate_backend(pid)
         from (select pid
                 from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and random() < 0.7) chosen`,
    );
    assert.notEqual(rowCount, null);
  });
});

test('every connection dropped at once', async () => {
  await strike([services[0]], rounds, () => rough.drop());
});

test('messages cut in half, in either direction', async () => {
  await strike([services[0]], rounds, async () => {
    await rough.halve();
    rough.mend();
  });
});

test('every packet late: slow is not broken', async () => {
  const found = await strike([services[0]], [1], async (load) => {
    rough.delay(30);
    await load.acknowledgedMore(20);
    rough.mend();
  });
  assert.equal(found.unansweredAndNotDone + found.unansweredButDone, 0);
});

test('connections that swallow everything: the service gives them up, and new ones serve', async () => {
  await strike([services[0]], fewerRounds, () => rough.blackHole());
  rough.mend();
});

for (const reaction of ['lose', 'lose_answer', 'hang_up'] as const satisfies readonly Reaction[]) {
  test(`the connection breaks at COMMIT under load (${reaction}): nobody is told anything but the truth`, async () => {
    await strike([services[1]], rounds, () => exact.once('commit', reaction));
  });
}

test('COMMIT takes effect and the database stays away: 503 outcome_unknown, and the retry says that it is done', async () => {
  const codes = new Set<string>();
  let doneButUnanswered = 0;
  // Others than the batches commit as well: a round that cut off one of those says nothing.
  for (let round = 1; round <= COMMIT_ROUNDS && doneButUnanswered === 0; round += 1) {
    const ledger = openClientLedger(parties);
    const load = ledger.load(() => [services[1]], CLIENTS);
    await load.acknowledgedMore(10);
    exact.onStatement((statement) => {
      if (statement !== 'commit') return 'forward';
      exact.onStatement(() => 'lose');
      return 'lose_answer';
    });
    await ledger.someUnanswered();
    exact.onStatement(() => 'forward');
    await load.acknowledgedMore(10);
    await load.stop();
    doneButUnanswered += (await ledger.assertTruth(services[1], observer)).unansweredButDone;
    for (const { replies } of ledger.told) for (const { body } of replies) codes.add(body.code as string);
  }
  assert.ok(doneButUnanswered > 0, 'some were done though nobody was told');
  assert.ok(codes.has('outcome_unknown'), [...codes].join(', '));
});

test('after all of this, all is well', () =>
  assertAllIsWell(services[0], observer, environmentOf(database.url)));
