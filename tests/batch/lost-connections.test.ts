/** The connection breaks before COMMIT, or there is none to be had: retried unseen, or said so, never half done. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { TestDatabase } from '../support/database.ts';
import type { DatabaseProxy } from '../support/database-proxy.ts';
import {
  assertLedgerIsSound,
  balanceOf,
  eventsWithKey,
  holdWallets,
  walletIdOf,
} from '../support/ledger-facts.ts';
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

test('a connection that breaks anywhere before COMMIT is replaced, and the caller does not notice', async () => {
  const userId = await newUser(side, { assetSlug, amount: '1' });
  for (const [index, statement] of ['begin', 'lock-wallets', 'read-under-locks'].entries()) {
    for (const reaction of ['lose', 'lose_answer'] as const) {
      // Its first batch has nothing to go by: it reads under the locks.
      const fresh = openWriteSide(proxy.url);
      const key = randomUUID();
      const lost = proxy.once(statement, reaction);
      const answer = await fresh.submit({ kind: 'topup', userId, assetSlug, amount: '1' }, key);
      await lost;
      const expected = 2 + 2 * index + (reaction === 'lose' ? 0 : 1);
      assert.deepEqual([bodyOf(answer).balanceAfter, answer.replayed], [String(expected), false]);
      assert.deepEqual(fresh.verdicts, ['transient']);
      assert.equal(await eventsWithKey(observer, key), 1);
      await fresh.close();
    }
  }
});

test('a connection that breaks anywhere in the one flight of a batch costs the caller a wait, nothing else', async () => {
  const userId = await newUser(side, { assetSlug, amount: '1' });
  let balance = 1;
  // The only one that appends: it decides from what its last batch left.
  const alone = openWriteSide(proxy.url);
  for (const statement of ['begin', 'lock-wallets', 'append', 'commit']) {
    for (const reaction of ['lose', 'lose_answer'] as const) {
      bodyOf(await alone.submit({ kind: 'topup', userId, assetSlug, amount: '1' }));
      const key = randomUUID();
      const lost = proxy.once(statement, reaction);
      const answer = await alone.submit({ kind: 'topup', userId, assetSlug, amount: '1' }, key);
      await lost;
      balance += 2;
      assert.deepEqual([bodyOf(answer).balanceAfter, answer.replayed], [String(balance), false]);
      assert.equal(alone.verdicts.at(-1), 'ambiguous');
      assert.equal(await eventsWithKey(observer, key), 1);
    }
  }
  await alone.close();
});

test('the same holds between the append of a user and the COMMIT after it', async () => {
  for (const statement of ['append', 'insert-user', 'insert-personal']) {
    const key = randomUUID();
    const email = `${freshName('user')}@example.com`;
    const lost = proxy.once(statement, 'lose');
    const answer = await side.submit({ kind: 'user.register', email }, key);
    await lost;
    assert.equal(bodyOf(answer).email, email);
    assert.equal(side.verdicts.at(-1), 'transient');
    assert.equal(await eventsWithKey(observer, key), 1);
  }
});

test('a session that an administrator ends while it waits for a wallet is replaced', async () => {
  const userId = await newUser(side, { assetSlug, amount: '1' });
  const holder = await database.connect();
  try {
    await holdWallets(holder, await walletIdOf(observer, userId, assetSlug));
    const answer = side.submit({ kind: 'topup', userId, assetSlug, amount: '5' });
    const [pid] = await untilWritersWait(observer);
    await observer.query('select pg_terminate_backend($1)', [pid]);
    await untilWritersWait(observer);
    await holder.query('commit');
    assert.equal(bodyOf(await answer).balanceAfter, '6');
    assert.equal(side.verdicts.at(-1), 'transient');
  } finally {
    await holder.end();
  }
});

test('a database that cannot be reached is said to be unavailable, and is used again when it is back', async () => {
  const userId = await newUser(side);
  const topUp = { kind: 'topup', userId, assetSlug, amount: '5' } as const;
  const key = randomUUID();
  proxy.cutOff();
  try {
    await assert.rejects(side.submit(topUp, key), { code: 'database_unavailable', retryAfterSeconds: 1 });
    await assert.rejects(side.submit(topUp, key), { code: 'database_unavailable' });
  } finally {
    proxy.restore();
  }
  const answer = await side.submit(topUp, key);
  assert.deepEqual([bodyOf(answer).balanceAfter, answer.replayed], ['5', false]);
});

test('a connection that broke while nobody used it costs no caller anything', async () => {
  const userId = await newUser(side);
  proxy.cutOff();
  proxy.restore();
  assert.equal(
    bodyOf(await side.submit({ kind: 'topup', userId, assetSlug, amount: '5' })).balanceAfter,
    '5',
  );
});

test('a database that falls silent is given up after a limit, and the commands run again', async () => {
  const hasty = openWriteSide(proxy.url, { silenceTimeoutMs: 2_000 });
  try {
    const userId = await newUser(hasty);
    const key = randomUUID();
    const swallowed = proxy.once('begin', 'swallow');
    const answer = await hasty.submit({ kind: 'topup', userId, assetSlug, amount: '5' }, key);
    await swallowed;
    assert.deepEqual([bodyOf(answer).balanceAfter, answer.replayed], ['5', false]);
    assert.equal(await eventsWithKey(observer, key), 1);
    assert.equal(await balanceOf(observer, userId, assetSlug), '5');
  } finally {
    await hasty.close();
  }
});

test('a database that stays silent is said to be unavailable, and nothing was done', async () => {
  const userId = await newUser(side);
  const hasty = openWriteSide(proxy.url, { silenceTimeoutMs: 1_000, batchDeadlineMs: 1 });
  const key = randomUUID();
  try {
    proxy.onStatement(() => 'swallow');
    const answer = hasty.submit({ kind: 'topup', userId, assetSlug, amount: '5' }, key);
    await assert.rejects(answer, { code: 'database_unavailable', retryAfterSeconds: 1 });
  } finally {
    proxy.onStatement(() => 'forward');
    await hasty.close();
  }
  assert.equal(await eventsWithKey(observer, key), 0);
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
