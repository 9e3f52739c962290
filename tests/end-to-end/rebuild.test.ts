/** Rebuilds as an operator runs them: by command, beside a service under load, and killed in the middle. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createPool } from '../../src/db/pool.ts';
import { asRole } from '../../src/db/session.ts';
import { projections } from '../../src/projections/catalog.ts';
import { requestRebuild } from '../../src/projections/rebuild/request.ts';
import {
  killStarted,
  runCoffer,
  spawnCoffer,
  startCoffer,
  within,
  type Coffer,
  type CofferProcess,
} from '../support/coffer-process.ts';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { anyCommand, definite, newKeys, send } from '../support/load.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let observer: pg.Client;
let env: { DATABASE_URL: string; COFFER_SEED: string; LOG_LEVEL: string };
let api: Coffer;
let worker: CofferProcess;
const users: string[] = [];
const assetSlug = 'coins';

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  env = { DATABASE_URL: database.url, COFFER_SEED: 'none', LOG_LEVEL: 'info' };
  worker = spawnCoffer(['worker'], env);
  api = await startCoffer(['api'], env);
  await api.post('/assets', { slug: assetSlug });
  for (const name of ['a', 'b', 'c', 'd'])
    users.push(String((await api.post('/users', { email: `${name}@example.com` })).body.id));
  await write(600);
});

after(async () => {
  killStarted();
  await observer.end();
  await dropOnceFree(database);
});

async function write(commands: number): Promise<void> {
  const keys = newKeys(commands, () => anyCommand(users, assetSlug));
  await send(api, keys, 16);
  for (const told of keys) assert.ok(definite(told).length === 1, `${told.replies[0]?.status}`);
}

async function states(): Promise<string[]> {
  const { rows } = await observer.query<{ found: string }>(
    `select projection || ' ' || generation || ' ' || state as found from read.generations order by 1`,
  );
  return rows.map(({ found }) => found);
}

/** What each of these queries answers, and that none of them ever fails or goes back, until told to stop. */
function readContinuously(): { stop(): Promise<number> } {
  let stopped = false;
  const paths = [
    `/wallets/${users[0]}/${assetSlug}/balance`,
    `/transactions?type=topup&limit=5`,
    `/users/${users[1]}`,
    '/assets',
    '/audit/trial-balance',
    '/projections',
  ];
  const readers = paths.map(async (path) => {
    let reads = 0;
    let last = 0n;
    while (!stopped) {
      const reply = await api.get(path);
      assert.equal(reply.status, 200, `${path}: ${reply.text}`);
      const position = BigInt(reply.headers.get('coffer-position') ?? '-1');
      assert.ok(position >= last, `${path} went back from ${last} to ${position}`);
      last = position;
      reads += 1;
    }
    return reads;
  });
  const all = Promise.all(readers);
  // An assertion that fails while nobody awaits it yet is still reported by stop().
  all.catch(() => undefined);
  return {
    async stop() {
      stopped = true;
      return (await all).reduce((sum, reads) => sum + reads, 0);
    },
  };
}

test('under load, queries and commands go on through rebuilds of everything, and nothing goes back', async () => {
  const reading = readContinuously();
  let writing = true;
  const load = (async () => {
    while (writing) await write(100);
  })();
  // What a user has just written is seen by the user's next query, whichever generation answers it.
  const ownWrites = (async () => {
    let seen = 0;
    while (writing) {
      const { body } = await api.post('/transactions/topup', { userId: users[3], assetSlug, amount: '1' });
      const reply = await api.get(`/transactions/${body.transactionId}?atLeast=${body.position}`);
      assert.equal(reply.status, 200, reply.text);
      const listed = await api.get(
        `/transactions?userId=${users[3]}&type=topup&limit=1&atLeast=${body.position}`,
      );
      assert.ok(BigInt(listed.body.data[0].position) >= BigInt(body.position), listed.text);
      seen += 1;
    }
    return seen;
  })();
  try {
    for (let round = 0; round < 3; round += 1) {
      const { code, output } = await runCoffer(['projections', 'rebuild'], env);
      assert.equal(code, 0, output);
      for (const { name } of projections)
        assert.match(output, new RegExp(`${name}: generation ${round + 2} is live after .* no difference`));
    }
  } finally {
    writing = false;
  }
  await load;
  assert.ok((await ownWrites) > 5);
  const reads = await reading.stop();
  assert.ok(reads > 100, `${reads} reads`);
});

test('a worker goes on by itself after the command was killed', async () => {
  const before = await states();
  await observer.query('begin');
  // Whoever works needs this lock to swap: the command is killed while the rebuild is under way for certain.
  await observer.query(
    `select from read.checkpoints where projection = 'wallet_balances' and live for update`,
  );
  const command = spawnCoffer(['projections', 'rebuild', 'wallet_balances'], env);
  const underWay = `select from read.generations where state in ('building', 'catching_up', 'following')`;
  await until('it is under way', async () => (await observer.query(underWay)).rowCount === 1);
  command.signal('SIGKILL');
  assert.equal((await command.exited).signal, 'SIGKILL');
  await observer.query('rollback');
  await until('it is over', async () => (await observer.query(underWay)).rowCount === 0, 60_000);
  const now = await states();
  assert.equal(now.length, before.length + 1);
  assert.ok(now.includes('wallet_balances 5 live'), now.join());
});

test('rollback and prune do what they say, and a dry run that finds a difference ends with 1', async () => {
  const back = await runCoffer(['projections', 'rollback', 'transactions'], env);
  assert.equal(back.code, 0, back.output);
  assert.match(back.output, /transactions: generation 3 is live after/);
  const pruned = await runCoffer(['projections', 'prune'], env);
  assert.match(pruned.output, /transactions: generation 4 is gone/);
  assert.equal((await states()).length, projections.length);
  const none = await runCoffer(['projections', 'rollback'], env);
  assert.equal(none.code, 2, none.output);
  assert.match(none.output, /has no generation to go back to\.\n$/);
  await observer.query(`update read.wallet_balances_5 set balance = balance + 1 where owner = $1`, [
    users[0],
  ]);
  const dry = await runCoffer(['projections', 'rebuild', 'wallet_balances', '--dry-run'], env);
  assert.equal(dry.code, 1, dry.output);
  assert.match(dry.output, /generation 6 was built, compared and dropped after .* 5 rows compared, 1 differ/);
  assert.match(dry.output, /live    \{.*\n    rebuilt \{/);
  const unknown = await runCoffer(['projections', 'rebuild', 'balances'], env);
  assert.equal(unknown.code, 2);
  assert.match(unknown.output, /unknown: balances\. There are: transactions, /);
  const healed = await runCoffer(['projections', 'rebuild', 'wallet_balances'], env);
  assert.equal(healed.code, 0, healed.output);
  assert.match(healed.output, /1 differ, saved in read\.rebuild_differences/);
});

test('without a worker the command does all of it, and killed in the middle it goes on from there', async () => {
  worker.signal('SIGTERM');
  await worker.exited;
  await write(50);
  const pool = createPool({
    ...{
      url: asRole(database.url, 'coffer_service'),
      name: 'test',
      max: 1,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 10_000,
    },
    ...{ lockTimeoutMs: 10_000, idleInTransactionTimeoutMs: 10_000, onIdleError: () => undefined },
  });
  const [requested] = await requestRebuild(
    pool,
    projections.filter(({ name }) => name === 'transactions'),
    { dryRun: false, partEvents: 40n },
  );
  await pool.end();
  const parts = `select from_position, done_at::text from read.rebuild_parts
    where projection = 'transactions' and generation = ${requested!.generation} order by from_position`;
  // One part seems to be under way elsewhere, so the command cannot come to an end.
  await observer.query('begin');
  await observer.query(`${parts} limit 1 for update`);
  const command = spawnCoffer(['projections', 'rebuild', 'transactions'], env);
  const done = async () =>
    (await observer.query<{ from_position: string; done_at: string | null }>(parts)).rows.filter(
      ({ done_at: doneAt }) => doneAt !== null,
    );
  const total = (await observer.query(parts)).rowCount!;
  await until('all parts but one are done', async () => (await done()).length === total - 1, 60_000);
  command.signal('SIGKILL');
  await command.exited;
  await observer.query('rollback');
  const before = await done();
  const again = await runCoffer(['projections', 'rebuild', 'transactions'], env);
  assert.equal(again.code, 0, again.output);
  assert.match(again.output, /transactions: generation \d+ is under way already, joining it/);
  assert.match(again.output, /is live after .*no difference/);
  assert.deepEqual((await done()).slice(1), before, 'no part was filled twice');
  const status = (await api.get('/projections')).body.data.find(
    (each: { name: string }) => each.name === 'transactions',
  );
  assert.deepEqual([status.lagEvents, status.rebuild], ['0', null]);
});

test('a rebuild that a prune has ended under way says so, and ends with 2', async () => {
  const wanted = projections.filter(({ name }) => name === 'transactions');
  const pool = createPool({
    ...{
      url: asRole(database.url, 'coffer_service'),
      name: 'test',
      max: 1,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 10_000,
    },
    ...{ lockTimeoutMs: 10_000, idleInTransactionTimeoutMs: 10_000, onIdleError: () => undefined },
  });
  const [requested] = await requestRebuild(pool, wanted, { dryRun: false });
  const { generation } = requested!;
  const own = `projection = 'transactions' and generation = ${generation}`;
  // Its parts seem to be under way elsewhere, so the command can only wait.
  await observer.query('begin');
  await observer.query(`select from read.rebuild_parts where ${own} for update`);
  const command = spawnCoffer(['projections', 'rebuild', 'transactions'], env);
  await until('it has joined', () => command.output().includes('joining it'), 60_000);
  // What a prune does, which would wait for the parts.
  await observer.query(`delete from read.generations where ${own}`);
  await observer.query(`delete from read.rebuild_parts where ${own}`);
  await observer.query('commit');
  await pool.end();
  const { code } = await within(60_000, 'it ends', command.exited);
  assert.equal(code, 2, command.output());
  const told = `transactions: generation ${generation} is gone: a prune has ended it\n`;
  assert.ok(command.output().endsWith(told), command.output());
});

test('at the end the ledger is sound', async () => {
  await assertLedgerIsSound(observer);
  api.signal('SIGTERM');
  assert.deepEqual(await within(10_000, 'it stops', api.exited), { code: 0, signal: null });
});
