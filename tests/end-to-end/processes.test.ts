/** Two API processes and a worker on one database, and clients that send the same keys to both. */
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { evolve } from '../../src/events/evolve.ts';
import { emptyState, type LedgerState } from '../../src/events/state.ts';
import {
  groupIsGone,
  killStarted,
  runCoffer,
  spawnCoffer,
  startCoffer,
  within,
  type Coffer,
  type CofferProcess,
} from '../support/coffer-process.ts';
import { createTestDatabase, databaseUrl, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, eventsWithKey } from '../support/ledger-facts.ts';
import { anyCommand, definite, newKeys, send, type Told } from '../support/load.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let observer: pg.Client;
let apis: [Coffer, Coffer];
let worker: CofferProcess;
const sent: Told[] = [];

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  const env = { DATABASE_URL: database.url, COFFER_SEED: 'none' };
  worker = spawnCoffer(['worker'], env);
  apis = await Promise.all([startCoffer(['api'], env), startCoffer(['api'], env)]);
});

after(async () => {
  killStarted();
  await observer.end();
  await dropOnceFree(database);
});

test('API and worker run as processes of their own, on a ledger that nobody has seeded', async () => {
  const feed = await apis[0].get('/events');
  assert.deepEqual(feed.body.data, []);
  assert.equal((await apis[1].get('/users')).body.data.length, 0);
});

test('keys sent to both processes by many clients are done once, and every answer to a key is the same', async () => {
  const assetSlug = String((await apis[0].post('/assets', { slug: 'coins' })).body.slug);
  const users: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) {
    users.push(String((await apis[1].post('/users', { email: `${name}@example.com` })).body.id));
  }
  for (let round = 0; round < 4; round += 1) {
    const keys = newKeys(150, () => anyCommand(users, assetSlug));
    await Promise.all([send(apis[0], keys, 12), send(apis[1], keys.toReversed(), 12)]);
    sent.push(...keys);
  }
  for (const told of sent) {
    const [one, other] = definite(told);
    assert.ok(one !== undefined && other !== undefined, 'both were answered');
    assert.equal(other.text, one.text);
    assert.equal(other.status, one.status);
    assert.equal(other.headers.get('coffer-position'), one.headers.get('coffer-position'));
    const replays = [one, other].filter(({ headers }) => headers.get('idempotent-replayed') === 'true');
    assert.equal(replays.length, 1, 'one of the two is the original');
    assert.equal(await eventsWithKey(observer, told.key), 1);
  }
  assert.ok(
    sent.some((told) => definite(told)[0]!.status === 422),
    'some lacked funds',
  );
});

test('GET /idempotency-keys says of every key what its client was told', async () => {
  for (const told of sent.slice(0, 200)) {
    const [reply] = definite(told);
    const { body } = await apis[1].get(`/idempotency-keys/${told.key}`);
    assert.equal(body.status, reply!.status);
    assert.equal(body.position, reply!.headers.get('coffer-position'));
    assert.deepEqual(body.outcome, reply!.body);
  }
});

/** The state that the events alone give, folded as they stream in. */
async function foldFeed(): Promise<{ state: LedgerState; events: number }> {
  const response = await fetch(`${apis[0].url}/events`, { headers: { accept: 'application/x-ndjson' } });
  const state = emptyState();
  let events = 0;
  for await (const line of createInterface(Readable.fromWeb(response.body!))) {
    const event = JSON.parse(line) as Parameters<typeof evolve>[1] & { position: string };
    events += 1;
    assert.equal(event.position, String(events), 'positions have no gaps');
    evolve(state, event);
  }
  return { state, events };
}

test('the balances of the worker are those that the log folds to, and none is negative', async () => {
  const { state, events } = await foldFeed();
  await until('the read models have caught up', async () => {
    const { body } = await apis[0].get('/projections');
    return body.data.every((each: { position: string }) => each.position === String(events));
  });
  const { rows } = await observer.query<{ id: string; balance: string; held: string; is_system: boolean }>(
    'select wallet_id as id, balance::text as balance, held::text as held, is_system from read.wallet_balances',
  );
  assert.equal(rows.length, state.wallets.size);
  assert.equal(rows.length, 5);
  let total = 0n;
  for (const { id, balance, held, is_system: isSystem } of rows) {
    const folded = state.wallets.get(id)!;
    assert.deepEqual([BigInt(balance), BigInt(held)], [folded.balance, folded.held]);
    assert.ok(isSystem || BigInt(balance) >= 0n);
    total += BigInt(balance);
  }
  assert.equal(total, 0n);
  const trial = await apis[1].get('/audit/trial-balance');
  assert.deepEqual(
    trial.body.assets.map((each: { sum: string }) => each.sum),
    ['0'],
  );
});

test('a rebuild gives the same balances again', async () => {
  const balances = 'select * from read.wallet_balances order by wallet_id';
  const before = await observer.query(balances);
  const rebuilt = await runCoffer(['projections', 'rebuild'], { DATABASE_URL: database.url });
  assert.equal(rebuilt.code, 0, rebuilt.output);
  assert.deepEqual((await observer.query(balances)).rows, before.rows);
});

test('each of the processes stops by itself when told to', async () => {
  for (const coffer of [...apis, worker]) {
    coffer.signal('SIGTERM');
    const ended = await within(10_000, 'it stops in time', coffer.exited);
    assert.deepEqual(ended, { code: 0, signal: null }, coffer.output());
    assert.ok(groupIsGone(coffer.pid));
  }
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));

test('on a database that nobody migrated they end with a sentence that says what to do', async () => {
  const empty = `coffer_unmigrated_${process.pid}`;
  await observer.query(`create database ${empty}`);
  try {
    const env = { DATABASE_URL: databaseUrl(database.url, empty) };
    for (const command of ['api', 'worker']) {
      const { code, output } = await runCoffer([command], env);
      assert.equal(code, 1, output);
      assert.match(output, /The database is not up to date: .*0001_ledger.* Run `coffer migrate` first\./);
      assert.doesNotMatch(output, /at .*\.ts:/, 'no stack');
    }
  } finally {
    await observer.query(`drop database ${empty}`);
  }
});
