/** Under load a batch is decided and sent while the one before it commits: from what that one will leave, if it does. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type pg from 'pg';
import type { Answer } from '../../src/commands/submission.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { slowDownAppends, stallCommits, type Stall } from '../support/faulty-database.ts';
import { assertLedgerIsSound, balanceOf, eventsWithKey } from '../support/ledger-facts.ts';
import { until, untilWritersWait } from '../support/until.ts';
import { bodyOf, codeOf, newAsset, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

/** So many do not wait for the batch before them. */
const MANY = 64;

let database: TestDatabase;
let owner: pg.Client;
let proxy: DatabaseProxy;
let side: WriteSide;
let stall: Stall;
let assetSlug: string;
let userId: string;
let statements: string[];

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  proxy = await openDatabaseProxy(database.url);
  stall = await stallCommits(owner);
});

beforeEach(() => openSide());

afterEach(async () => {
  await side.close();
  await stall.again();
});

after(async () => {
  await assertLedgerIsSound(owner);
  await proxy.close();
  await owner.end();
  await database.drop();
});

/** A write side that knows one user's wallet, with 100 in it, and the treasury. */
async function openSide(options: { lockTimeoutMs?: number } = {}): Promise<void> {
  side = openWriteSide(proxy.url, options);
  assetSlug = await newAsset(side);
  userId = await newUser(side, { assetSlug, amount: '100' });
  statements = [];
  proxy.onStatement((statement) => {
    statements.push(statement);
    return 'forward';
  });
}

const spend = (amount: string) => ({ kind: 'spend', userId, assetSlug, amount }) as const;

async function commitsThatStall(): Promise<number[]> {
  const { rows } = await owner.query<{ pid: number }>(
    `select pid from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory' and datname = current_database()`,
  );
  return rows.map(({ pid }) => pid);
}

async function untilStalled(): Promise<number> {
  return until('a commit stalls', async () => (await commitsThatStall())[0] ?? false);
}

/** One command whose commit stalls, and many behind it that were sent before it ends. */
async function stalled(
  first: { amount: string; key?: string },
  keys: readonly string[] = Array.from({ length: MANY }, () => randomUUID()),
): Promise<{ pid: number; one: Promise<Answer>; many: Promise<Answer[]> }> {
  const one = side.submit(spend(first.amount), first.key ?? randomUUID(), stall.correlationId);
  const pid = await untilStalled();
  const many = Promise.all(keys.map((key) => side.submit(spend('1'), key)));
  return { pid, one, many };
}

test('it is sent before that one is committed, and decided from what that one leaves', async () => {
  const { one, many } = await stalled({ amount: '90' });
  await until('the second batch was sent', () => statements.filter((name) => name === 'commit').length === 2);
  await stall.release();
  assert.equal(bodyOf(await one).balanceAfter, '10');
  const outcomes = (await many).map((answer) =>
    answer.outcome.kind === 'accepted' ? String(bodyOf(answer).balanceAfter) : codeOf(answer),
  );
  const tenTimes = ['9', '8', '7', '6', '5', '4', '3', '2', '1', '0'];
  assert.deepEqual(outcomes, [...tenTimes, ...Array.from({ length: MANY - 10 }, () => 'insufficient_funds')]);
  const flight = ['begin', 'lock-wallets', 'append', 'commit'];
  assert.deepEqual(statements, [...flight, ...flight]);
  assert.deepEqual(side.batches.slice(-2), [1, MANY]);
});

test('it is not decided before that one has its locks, which it could come to first otherwise', async (t) => {
  const other = await database.connect();
  t.after(() => other.end());
  await other.query('begin');
  await other.query('select from wallets where is_system for update');
  const one = side.submit(spend('1'));
  await untilWritersWait(owner);
  const many = Array.from({ length: MANY }, () => side.submit(spend('1')));
  assert.equal(side.queue.depth(), MANY);
  assert.equal(statements.filter((name) => name === 'commit').length, 1);
  await other.query('rollback');
  assert.equal(bodyOf(await one).balanceAfter, '99');
  assert.equal(bodyOf(await many.at(-1)!).balanceAfter, (99 - MANY).toString());
  assert.deepEqual(side.batches.slice(-2), [1, MANY]);
  assert.ok(!statements.includes('read-under-locks'), 'none was decided in vain');
});

test('when that one is not committed, it is decided anew from what is there', async () => {
  const key = randomUUID();
  const { pid, one, many } = await stalled({ amount: '90', key });
  await until('the second batch was sent', () => statements.filter((name) => name === 'commit').length === 2);
  await owner.query('select pg_terminate_backend($1)', [pid]);
  await until('it tries again', () => side.verdicts.includes('ambiguous'));
  await stall.release();
  const answers = [await one, ...(await many)];
  // Whichever of them came first: what was there was spent, and no more.
  const spent = answers.filter(({ outcome }) => outcome.kind === 'accepted').map(bodyOf);
  const sum = spent.reduce((total: bigint, { amount }) => total + BigInt(String(amount)), 0n);
  assert.equal(await balanceOf(owner, userId, assetSlug), (100n - sum).toString());
  assert.equal(await eventsWithKey(owner, key), 1);
  assert.ok(statements.includes('read-under-locks'));
});

test('a key that the one before it carries is answered from that, once it is known', async () => {
  const key = randomUUID();
  const keys = Array.from({ length: MANY - 1 }, () => randomUUID());
  const { one, many } = await stalled({ amount: '1', key }, [...keys, key]);
  await stall.release();
  const first = await one;
  const again = (await many).at(-1)!;
  assert.deepEqual([first.replayed, again.replayed], [false, true]);
  assert.deepEqual(bodyOf(again), bodyOf(first));
  assert.equal(await eventsWithKey(owner, key), 1);
  assert.equal(await balanceOf(owner, userId, assetSlug), (100 - MANY).toString());
});

test('a lock that it does not get in time is no failure: it waits for the one before it', async () => {
  await side.close();
  await openSide({ lockTimeoutMs: 100 });
  await slowDownAppends(owner, { correlationId: 'slow', seconds: 1 });
  const one = side.submit(spend('1'), randomUUID(), 'slow');
  await until('the first batch was sent', () => statements.includes('commit'));
  const many = await Promise.all(Array.from({ length: MANY }, () => side.submit(spend('1'))));
  assert.equal(bodyOf(await one).balanceAfter, '99');
  assert.equal(bodyOf(many.at(-1)!).balanceAfter, (99 - MANY).toString());
  assert.ok(statements.includes('read-under-locks'), 'it was decided again');
  assert.deepEqual(side.verdicts, []);
});
