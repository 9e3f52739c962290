/**
 * kill -9 of the API, of the worker and of PostgreSQL, at random moments under load. FAULT_ROUNDS says how often;
 * `npm run faults` takes 20 rounds of each.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import {
  killStarted,
  spawnCoffer,
  startCoffer,
  type Coffer,
  type CofferProcess,
  type Environment,
} from '../support/coffer-process.ts';
import { assertAllIsWell, environmentOf, untilCaughtUp } from './aftermath.ts';
import { createParties, openClientLedger, type Load, type Parties } from './client-ledger.ts';
import { openOwnPostgres, type OwnPostgres } from './own-postgres.ts';
import { rounds } from './rounds.ts';

const CLIENTS = 8;

let postgres: OwnPostgres;
let env: Environment;
let apis: [Coffer, Coffer];
let worker: CofferProcess;
let parties: Parties;

before(async () => {
  postgres = await openOwnPostgres();
  env = environmentOf(postgres.url);
  worker = spawnCoffer(['worker'], env);
  apis = await Promise.all([startCoffer(['api'], env), startCoffer(['api'], env)]);
  parties = await createParties(apis[0]);
});

after(async () => {
  killStarted();
  await postgres.close();
});

async function withObserver(work: (observer: pg.Client) => Promise<void>): Promise<void> {
  const observer = await postgres.connect();
  try {
    await work(observer);
  } finally {
    await observer.end();
  }
}

/** Rounds of a disaster under load, after each of which the client's books and the log agree. */
async function strike(disaster: (load: Load) => Promise<void>): Promise<void> {
  for (const _ of rounds) {
    const ledger = openClientLedger(parties);
    const load = ledger.load(() => apis, CLIENTS);
    await load.acknowledgedMore(randomInt(10, 60));
    await disaster(load);
    await load.acknowledgedMore(30);
    await load.stop();
    // A worker that is still starting would end with its database, as it should.
    await untilCaughtUp(apis[0]);
    await withObserver(async (observer) => {
      const agreement = await ledger.assertTruth(apis[0], observer);
      assert.equal(agreement.acknowledged, ledger.acknowledged());
    });
  }
}

test('kill -9 of an API process: what it acknowledged is there, its neighbour serves, its successor knows all', () =>
  strike(async () => {
    const victim = randomInt(2);
    apis[victim]!.signal('SIGKILL');
    await apis[victim]!.exited;
    apis[victim] = await startCoffer(['api'], env);
  }));

test('kill -9 of the worker: writes go on, and the next one goes on where it was', () =>
  strike(async () => {
    worker.signal('SIGKILL');
    await worker.exited;
    worker = spawnCoffer(['worker'], env);
  }));

test('a worker that stands still (SIGSTOP): writes go on, and it goes on where it was once it moves', () =>
  strike(async (load) => {
    worker.signal('SIGSTOP');
    await load.acknowledgedMore(60);
    const head = (await apis[1].get('/projections')).body.data as {
      position: string;
      headPosition: string;
    }[];
    for (const { position, headPosition } of head)
      assert.ok(
        BigInt(headPosition) - BigInt(position) >= 60n,
        `nobody reads: ${position} of ${headPosition}`,
      );
    worker.signal('SIGCONT');
  }));

// One that starts while its database goes away ends, and is somebody else's to start again.
test('the new worker is at work', () => untilCaughtUp(apis[0]));

test('kill -9 of PostgreSQL: every process outlives it and goes on when it is back', () =>
  strike(async () => {
    await postgres.kill();
    await postgres.isBack();
  }));

test('kill -9 of one session of PostgreSQL, which then ends all others and recovers', () =>
  strike(async () => {
    const sessions = await postgres.connect();
    const { rows } = await sessions.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'coffer write' order by random() limit 1`,
    );
    postgres.killSession(rows[0]!.pid);
    await sessions.end().catch(() => undefined);
    await postgres.isBack();
  }));

test('after all of this, all is well', () =>
  withObserver((observer) => assertAllIsWell(apis[0], observer, env)));

test('each process still ends in order', async () => {
  for (const running of [...apis, worker]) {
    running.signal('SIGTERM');
    assert.deepEqual(await running.exited, { code: 0, signal: null }, running.output());
  }
});
