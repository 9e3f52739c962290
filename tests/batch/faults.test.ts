/** The database refuses or does not get on: what passes is tried again, what concerns all is said to all. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import type pg from 'pg';
import { sqlState as sqlStateOf } from '../../src/db/failures.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { failAppends, slowDownAppends } from '../support/faulty-database.ts';
import {
  assertLedgerIsSound,
  eventsWithKey,
  headPosition,
  holdWallets,
  walletIdOf,
} from '../support/ledger-facts.ts';
import { until, untilWritersWait } from '../support/until.ts';
import { bodyOf, newAsset, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let owner: pg.Client;
let side: WriteSide;
let assetSlug: string;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  owner = await database.connect();
  side = openWriteSide(database.url, { settings: { deadlock_timeout: '50ms' } });
  assetSlug = await newAsset(side);
});

/** What a failed test holds must not stall the next one. */
afterEach(() => owner.query('rollback; select pg_advisory_unlock_all()'));

after(async () => {
  await side.close();
  await Promise.all([observer.end(), owner.end()]);
  await database.drop();
});

test('a batch that is chosen as the victim of a deadlock runs again', async () => {
  const users = [];
  for (let count = 0; count < 3; count += 1) users.push(await newUser(side, { assetSlug, amount: '9' }));
  const byWallet = new Map<string, string>();
  for (const userId of users) byWallet.set(await walletIdOf(observer, userId, assetSlug), userId);
  const [low, middle, high] = [...byWallet.keys()].toSorted();
  const holder = await database.connect();
  try {
    await owner.query("set deadlock_timeout = '60s'");
    await holdWallets(owner, high!);
    await holdWallets(holder, middle!);
    const spends = users.map((userId) => side.submit({ kind: 'spend', userId, assetSlug, amount: '4' }));
    const [pid] = await untilWritersWait(observer);
    // Against the order that the service keeps; the batch closes the circle, and so it is the one to notice.
    const lock = owner.query('select id from wallets where id = $1 for update', [low]);
    await until('the owner waits for the batch', async () => {
      const { rows } = await observer.query(
        'select 1 from pg_stat_activity where pid <> $1 and $1 = any (pg_blocking_pids(pid))',
        [pid],
      );
      return rows.length > 0;
    });
    await holder.query('commit');
    await lock;
    await owner.query('commit');
    for (const answer of await Promise.all(spends)) assert.equal(bodyOf(answer).balanceAfter, '5');
    assert.equal(side.verdicts.at(-1), 'transient');
  } finally {
    await holder.end();
  }
});

test('serialization failures and deadlocks are tried again as often as it takes, within bounds', async () => {
  const userId = await newUser(side);
  for (const [index, sqlState] of ['40001', '40P01'].entries()) {
    const correlationId = `passing_${sqlState.toLowerCase()}`;
    await failAppends(owner, { correlationId, sqlState, times: 3 });
    const before = side.verdicts.length;
    const answer = await side.submit(
      { kind: 'topup', userId, assetSlug, amount: '5' },
      undefined,
      correlationId,
    );
    assert.equal(bodyOf(answer).balanceAfter, String(5 * (index + 1)));
    assert.deepEqual(side.verdicts.slice(before), ['transient', 'transient', 'transient']);
  }
});

test('who meets conflicts without end is told to come back, and nothing is written', async () => {
  const userId = await newUser(side);
  await failAppends(owner, { correlationId: 'endless', sqlState: '40001' });
  const key = randomUUID();
  const head = await headPosition(observer);
  const topUp = { kind: 'topup', userId, assetSlug, amount: '5' } as const;
  await assert.rejects(side.submit(topUp, key, 'endless'), { code: 'overloaded', retryAfterSeconds: 1 });
  assert.equal(await headPosition(observer), head);
  assert.equal(bodyOf(await side.submit(topUp, key)).balanceAfter, '5');
});

test('a wallet that stays locked fails its whole batch with nothing written; the same keys work later', async () => {
  const patient = openWriteSide(database.url, { lockTimeoutMs: 100 });
  const holder = await database.connect();
  try {
    const [userId, neighbour] = [await newUser(patient, { assetSlug, amount: '1' }), await newUser(patient)];
    const head = await headPosition(observer);
    const keys = [randomUUID(), randomUUID()] as const;
    const submitBoth = () => [
      patient.submit({ kind: 'topup', userId, assetSlug, amount: '5' }, keys[0]),
      patient.submit({ kind: 'topup', userId: neighbour, assetSlug, amount: '5' }, keys[1]),
    ];
    await holdWallets(holder, await walletIdOf(observer, userId, assetSlug));
    const refused = { code: 'database_unavailable', retryAfterSeconds: 1 };
    await Promise.all(submitBoth().map((submitted) => assert.rejects(submitted, refused)));
    assert.equal(await headPosition(observer), head);
    await holder.query('rollback');
    const answers = await Promise.all(submitBoth());
    assert.deepEqual(
      answers.map((answer) => bodyOf(answer).balanceAfter),
      ['6', '5'],
    );
    assert.deepEqual(
      answers.map(({ replayed }) => replayed),
      [false, false],
    );
  } finally {
    await holder.end();
    await patient.close();
  }
});

test('a statement that takes too long fails its batch with nothing written; the same key works later', async () => {
  const hasty = openWriteSide(database.url, { statementTimeoutMs: 1_000 });
  try {
    const userId = await newUser(hasty);
    const key = randomUUID();
    const topUp = { kind: 'topup', userId, assetSlug, amount: '5' } as const;
    await slowDownAppends(owner, { correlationId: 'slow', seconds: 30 });
    await assert.rejects(hasty.submit(topUp, key, 'slow'), { code: 'database_unavailable' });
    assert.equal(await eventsWithKey(observer, key), 0);
    assert.equal(bodyOf(await hasty.submit(topUp, key, 'slow')).balanceAfter, '5');
  } finally {
    await hasty.close();
  }
});

test('a full disk, too many connections and a read-only server concern all: said so, and not tried again', async () => {
  const userId = await newUser(side);
  for (const sqlState of ['53100', '53300', '25006']) {
    const correlationId = `unavailable_${sqlState}`;
    await failAppends(owner, { correlationId, sqlState });
    const [before, key] = [side.verdicts.length, randomUUID()];
    const topUp = { kind: 'topup', userId, assetSlug, amount: '5' } as const;
    await assert.rejects(side.submit(topUp, key, correlationId), { code: 'database_unavailable' });
    assert.deepEqual(side.verdicts.slice(before), ['unavailable']);
    assert.equal(await eventsWithKey(observer, key), 0);
  }
});

for (const sqlState of ['P0001', '22003', '23514']) {
  test(`a command whose data the database refuses (${sqlState}) fails alone: its batch is split`, async () => {
    const correlationId = `guilty_${sqlState.toLowerCase()}`;
    await failAppends(owner, { correlationId, sqlState });
    const userId = await newUser(side);
    const topUp = { kind: 'topup', userId, assetSlug, amount: '1' } as const;
    const guiltyKey = randomUUID();
    const before = side.batches.length;
    const ahead = [side.submit(topUp), side.submit(topUp)];
    const guilty = side.submit(topUp, guiltyKey, correlationId);
    const behind = [side.submit(topUp), side.submit(topUp)];
    await assert.rejects(guilty, (error: Error) => sqlStateOf(error.cause) === sqlState);
    const answers = await Promise.all([...ahead, ...behind]);
    assert.deepEqual(side.batches.slice(before), [1, 1, 1, 1]);
    assert.deepEqual(
      answers.map((answer) => bodyOf(answer).balanceAfter),
      ['1', '2', '3', '4'],
    );
    // The first one also opened the wallet, at the position before its own.
    const first = answers[0]!.position!;
    assert.deepEqual(
      answers.map(({ position }) => position! - first),
      [0n, 1n, 2n, 3n],
    );
    assert.equal(await eventsWithKey(observer, guiltyKey), 0);
  });
}

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
