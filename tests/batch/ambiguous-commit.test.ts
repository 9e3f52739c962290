/** The connection breaks during COMMIT: callers are told what became of their commands, or that nobody knows. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { TestDatabase } from '../support/database.ts';
import type { DatabaseProxy } from '../support/database-proxy.ts';
import { stallCommits } from '../support/faulty-database.ts';
import { assertLedgerIsSound, balanceOf, eventsWithKey } from '../support/ledger-facts.ts';
import { openProxiedSide, type ProxiedSide } from '../support/proxied-side.ts';
import { untilWritersWait } from '../support/until.ts';
import { bodyOf, freshName, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

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

test('COMMIT arrived: the callers get their first answers, which are no replays, and each event is there once', async () => {
  const userId = await newUser(side);
  const topUp = { kind: 'topup', userId, assetSlug, amount: '5' } as const;
  const keys = [randomUUID(), randomUUID(), randomUUID()];
  const lost = proxy.once('commit', 'lose_answer');
  const answers = await Promise.all(keys.map((key) => side.submit(topUp, key)));
  await lost;
  assert.deepEqual(
    answers.map((answer) => bodyOf(answer).balanceAfter),
    ['5', '10', '15'],
  );
  assert.deepEqual(
    answers.map(({ replayed }) => replayed),
    [false, false, false],
  );
  assert.equal(side.verdicts.at(-1), 'ambiguous');
  for (const key of keys) assert.equal(await eventsWithKey(observer, key), 1);
  assert.equal(await balanceOf(observer, userId, assetSlug), '15');
  const again = await side.submit(topUp, keys[1]);
  assert.deepEqual([again.replayed, bodyOf(again)], [true, bodyOf(answers[1]!)]);
});

test('COMMIT never arrived: the commands run again, once', async () => {
  const userId = await newUser(side);
  const key = randomUUID();
  const lost = proxy.once('commit', 'lose');
  const answer = await side.submit({ kind: 'topup', userId, assetSlug, amount: '5' }, key);
  await lost;
  assert.deepEqual([bodyOf(answer).balanceAfter, answer.replayed], ['5', false]);
  assert.equal(side.verdicts.at(-1), 'ambiguous');
  assert.equal(await eventsWithKey(observer, key), 1);
  assert.equal(await balanceOf(observer, userId, assetSlug), '5');
});

test('the same holds for commands that write users, whose COMMIT leaves alone', async () => {
  for (const reaction of ['lose', 'lose_answer'] as const) {
    const key = randomUUID();
    const email = `${freshName('user')}@example.com`;
    const lost = proxy.once('commit', reaction);
    const answer = await side.submit({ kind: 'user.register', email }, key);
    await lost;
    assert.deepEqual([bodyOf(answer).email, answer.replayed], [email, false]);
    assert.equal(await eventsWithKey(observer, key), 1);
  }
});

test('a commit that is still under way is waited for: finding nothing proves nothing', async () => {
  const userId = await newUser(side, { assetSlug, amount: '1' });
  const owner = await database.connect();
  try {
    const stall = await stallCommits(owner);
    const key = randomUUID();
    const lost = proxy.once('commit', 'hang_up');
    let answered = false;
    const topUp = { kind: 'topup', userId, assetSlug, amount: '5' } as const;
    const answer = side.submit(topUp, key, stall.correlationId).finally(() => (answered = true));
    await lost;
    // The old session waits in its COMMIT, and a new one for the head row that the old one holds.
    await untilWritersWait(observer, 2);
    assert.equal(await eventsWithKey(observer, key), 0);
    assert.equal(answered, false);
    await stall.release();
    assert.deepEqual([bodyOf(await answer).balanceAfter, (await answer).replayed], ['6', false]);
    assert.equal(await eventsWithKey(observer, key), 1);
    assert.equal(await balanceOf(observer, userId, assetSlug), '6');
  } finally {
    await owner.end();
  }
});

test('a database that stays away after COMMIT leaves the outcome unknown, and the key tells it later', async () => {
  const hasty = openWriteSide(proxy.url, { batchDeadlineMs: 200 });
  try {
    for (const [reaction, landed] of [
      ['lose_answer', true],
      ['lose', false],
    ] as const) {
      const userId = await newUser(hasty);
      const topUp = { kind: 'topup', userId, assetSlug, amount: '5' } as const;
      const key = randomUUID();
      proxy.onStatement((statement) => {
        if (statement !== 'commit') return 'forward';
        proxy.onStatement(() => 'lose');
        return reaction;
      });
      await assert.rejects(hasty.submit(topUp, key), { code: 'outcome_unknown', retryAfterSeconds: 1 });
      proxy.onStatement(() => 'forward');
      assert.equal(await eventsWithKey(observer, key), landed ? 1 : 0);
      const answer = await hasty.submit(topUp, key);
      assert.deepEqual([bodyOf(answer).balanceAfter, answer.replayed], ['5', landed]);
      assert.equal(await balanceOf(observer, userId, assetSlug), '5');
    }
  } finally {
    await hasty.close();
  }
});

test('no deadline turns a commit of unknown fate into "nothing was written"', async () => {
  const overdue = openWriteSide(proxy.url, { batchDeadlineMs: 0 });
  try {
    const userId = await newUser(overdue);
    const key = randomUUID();
    const lost = proxy.once('commit', 'lose_answer');
    const answer = await overdue.submit({ kind: 'topup', userId, assetSlug, amount: '5' }, key);
    await lost;
    assert.deepEqual([bodyOf(answer).balanceAfter, answer.replayed], ['5', false]);
  } finally {
    await overdue.close();
  }
});

test('nor does a database that goes away between finding out and looking up', async () => {
  const userId = await newUser(side);
  const topUp = { kind: 'topup', userId, assetSlug, amount: '5' } as const;
  const key = randomUUID();
  const seen: string[] = [];
  proxy.onStatement((statement) => {
    seen.push(statement);
    if (statement === 'commit') return 'lose_answer';
    // The head row was waited for on a new connection; with the next attempt everything is gone.
    if (seen.includes('lock-head') && statement === 'begin') proxy.cutOff();
    return 'forward';
  });
  try {
    await assert.rejects(side.submit(topUp, key), { code: 'outcome_unknown' });
  } finally {
    proxy.onStatement(() => 'forward');
    proxy.restore();
  }
  assert.equal(await eventsWithKey(observer, key), 1);
  const answer = await side.submit(topUp, key);
  assert.deepEqual([bodyOf(answer).balanceAfter, answer.replayed], ['5', true]);
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
