/** Requests that are submitted together and done each for itself: as few batches as may be, and none suffers from another. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import type pg from 'pg';
import type { Answer, Failed, Request } from '../../src/commands/submission.ts';
import { sqlState as sqlStateOf } from '../../src/db/failures.ts';
import type { TestDatabase } from '../support/database.ts';
import type { DatabaseProxy } from '../support/database-proxy.ts';
import { failAppends } from '../support/faulty-database.ts';
import { assertLedgerIsSound, eventsWithKey, holdWallets, walletIdOf } from '../support/ledger-facts.ts';
import { openProxiedSide, type ProxiedSide } from '../support/proxied-side.ts';
import { untilWritersWait } from '../support/until.ts';
import {
  bodyOf,
  codeOf,
  newUser,
  openWriteSide,
  requestOf,
  type WriteSide,
  type WriteSideOptions,
} from '../support/write-side.ts';

let opened: ProxiedSide;
let database: TestDatabase;
let observer: pg.Client;
let proxy: DatabaseProxy;
let side: WriteSide;
let assetSlug: string;

before(async () => {
  opened = await openProxiedSide();
  ({ database, observer, proxy, side, assetSlug } = opened);
});

after(() => opened.close());

const topUp = (userId: string, amount = '1') => ({ kind: 'topup', userId, assetSlug, amount }) as const;

const topUps = (userId: string, count: number): Request[] =>
  Array.from({ length: count }, () => requestOf(topUp(userId)));

function answered(one: Answer | Failed | undefined): Answer {
  assert.ok(one !== undefined && 'outcome' in one, inspect(one));
  return one;
}

function failureOf(one: Answer | Failed | undefined): Error & { code?: string } {
  assert.ok(one !== undefined && 'failed' in one && one.failed instanceof Error);
  return one.failed;
}

const balancesOf = (done: readonly (Answer | Failed)[]) =>
  done.map((one) => bodyOf(answered(one)).balanceAfter);

/** With one of its own; what was committed there, by batches. */
async function withSide(
  options: WriteSideOptions,
  work: (own: WriteSide, batches: () => readonly number[]) => Promise<void>,
): Promise<void> {
  const own = openWriteSide(database.url, options);
  try {
    const userId = await newUser(own);
    bodyOf(await own.submit(topUp(userId)));
    const from = own.batches.length;
    await work(own, () => own.batches.slice(from));
  } finally {
    await own.close();
  }
}

test('are one batch, cut where it would be too long, in their order', async () => {
  await withSide({ maxBatch: 4 }, async (own, batches) => {
    const userId = await newUser(own);
    const from = batches().length;
    const done = await own.queue.submitEach(topUps(userId, 10));
    assert.deepEqual(
      balancesOf(done),
      Array.from({ length: 10 }, (_none, index) => String(index + 1)),
    );
    assert.deepEqual(batches().slice(from), [4, 4, 2]);
  });
});

test('are cut by what they weigh: many postings are as much work as so many commands', async () => {
  await withSide({ maxBatch: 4 }, async (own, batches) => {
    const userId = await newUser(own);
    const posting = { from: { system: 'treasury' }, to: { userId }, assetSlug, amount: '1' } as const;
    const postings = (count: number) =>
      requestOf({ kind: 'postings', postings: Array.from({ length: count }, () => posting) });
    const from = batches().length;
    const done = await own.queue.submitEach([
      requestOf(topUp(userId)),
      ...[postings(3), postings(1), postings(9), requestOf(topUp(userId))],
    ]);
    assert.equal(done.length, 5);
    assert.equal(bodyOf(answered(done[4])).balanceAfter, '15');
    assert.deepEqual(batches().slice(from), [2, 1, 1, 1]);
  });
});

test('of none there is nothing to do', async () => {
  assert.deepEqual(await side.queue.submitEach([]), []);
});

test('a refusal, a key that comes twice and one that is known are answered in their places', async () => {
  const userId = await newUser(side);
  const [known, twice] = [requestOf(topUp(userId)), requestOf(topUp(userId))];
  const first = await side.queue.submitEach([known]);
  const done = await side.queue.submitEach([
    known,
    twice,
    requestOf({ kind: 'spend', userId, assetSlug, amount: '9' }),
    twice,
    requestOf(topUp(userId, '2'), known.idempotencyKey!),
  ]);
  assert.deepEqual(
    done.map((one) => answered(one).replayed),
    [true, false, false, true, false],
  );
  assert.deepEqual(answered(done[0]).outcome, answered(first[0]).outcome);
  assert.deepEqual(answered(done[3]).outcome, answered(done[1]).outcome);
  assert.deepEqual(
    [codeOf(answered(done[2])), codeOf(answered(done[4]))],
    ['insufficient_funds', 'idempotency_key_reused'],
  );
});

test('one that the database refuses fails alone, beside an atomic submission that is not taken apart', async () => {
  await failAppends(observer, { correlationId: 'guilty', sqlState: 'P0001' });
  const userId = await newUser(side);
  const guiltyKey = randomUUID();
  const from = side.batches.length;
  const each = side.queue.submitEach([
    ...topUps(userId, 2),
    requestOf(topUp(userId), guiltyKey, 'guilty'),
    ...topUps(userId, 1),
  ]);
  const atomic = side.queue.submitAtomic(topUps(userId, 2));
  const done = await each;
  assert.equal(sqlStateOf(failureOf(done[2]).cause), 'P0001');
  assert.deepEqual(balancesOf(done.toSpliced(2, 1)), ['1', '2', '3']);
  const settlement = await atomic;
  assert.ok(settlement.kind === 'answered');
  assert.deepEqual(balancesOf(settlement.answers), ['4', '5']);
  assert.deepEqual(side.batches.slice(from), [1, 1, 1, 2]);
  assert.equal(await eventsWithKey(observer, guiltyKey), 0);
});

test('run one by one, each is answered once: who hears of a commit and breaks takes no answer from another', async () => {
  await failAppends(observer, { correlationId: 'together', sqlState: 'P0001', times: 1 });
  const userId = await newUser(side);
  const onCommitted = (batches: number): void => {
    if (batches === 2) throw new Error('a listener broke');
  };
  const own = openWriteSide(database.url, { onCommitted });
  try {
    const requests = Array.from({ length: 4 }, () => requestOf(topUp(userId), undefined, 'together'));
    const done = await own.queue.submitEach(requests);
    assert.equal(done.length, 4);
    assert.equal(failureOf(done[1]).message, 'a listener broke');
    assert.deepEqual(balancesOf(done.toSpliced(1, 1)), ['1', '3', '4']);
    const again = await own.queue.submitEach(requests);
    assert.deepEqual(balancesOf(again), ['1', '2', '3', '4'], 'all of them were committed');
  } finally {
    await own.close();
  }
});

test('a commit of unknown fate is their own first answer, and no replay', async () => {
  const userId = await newUser(side);
  const requests = topUps(userId, 3);
  const lost = proxy.once('commit', 'lose_answer');
  const done = await side.queue.submitEach(requests);
  await lost;
  assert.deepEqual(balancesOf(done), ['1', '2', '3']);
  assert.ok(done.every((one) => !answered(one).replayed));
  const again = await side.queue.submitEach(requests);
  assert.ok(again.every((one) => answered(one).replayed));
  assert.deepEqual(balancesOf(again), ['1', '2', '3']);
});

test('where the queue has no room for all of them, none is done, however they would be cut', async () => {
  await withSide({ maxQueue: 6, maxBatch: 4 }, async (own) => {
    const userId = await newUser(own, { assetSlug, amount: '1' });
    const holder = await database.connect();
    try {
      await holdWallets(holder, await walletIdOf(observer, userId, assetSlug));
      const running = own.submit(topUp(userId));
      await untilWritersWait(observer);
      const waiting = own.queue.submitEach(topUps(userId, 4));
      // There would be room for the last one, whose answer depends on what the others do.
      const refused = [...topUps(userId, 4), requestOf({ kind: 'spend', userId, assetSlug, amount: '9' })];
      const codes = (await own.queue.submitEach(refused)).map((one) => failureOf(one).code);
      assert.deepEqual(
        codes,
        Array.from({ length: 5 }, () => 'overloaded'),
      );
      await holder.query('commit');
      assert.deepEqual(balancesOf([await running, ...(await waiting)]), ['2', '3', '4', '5', '6']);
      for (const { idempotencyKey } of refused)
        assert.equal(await eventsWithKey(observer, idempotencyKey!), 0);
    } finally {
      await holder.end();
    }
  });
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
