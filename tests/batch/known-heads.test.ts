/** What a batch may decide from without reading it: only ever what is still true when it is appended. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import type pg from 'pg';
import { createKnownHeads } from '../../src/commands/known-heads.ts';
import type { WalletState } from '../../src/events/state.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { failAppends } from '../support/faulty-database.ts';
import { assertLedgerIsSound, balanceOf, eventsWithKey } from '../support/ledger-facts.ts';
import {
  bodyOf,
  codeOf,
  freshName,
  newAsset,
  newUser,
  openWriteSide,
  requestOf,
  type WriteSide,
} from '../support/write-side.ts';

const wallet: WalletState = {
  id: '01998a6e-7c00-7abc-8000-000000000001',
  owner: { system: 'treasury' },
  assetId: '01998a6e-7c00-7abc-8000-000000000002',
  asset: 'gold',
  balance: -5n,
  held: 0n,
  floor: null,
  nextDueAt: null,
  seq: 1n,
  status: 'ACTIVE',
  limits: null,
};

function appendedAt(firstPosition: bigint, recordedAt = '2026-01-01T00:00:00.000Z', clock = recordedAt) {
  return { firstPosition, recordedAt, clock };
}

describe('What is known of the heads', () => {
  test('is nothing at first, then where the last batch left them', () => {
    const known = createKnownHeads(() => 0);
    assert.equal(known.head(), null);
    known.learn(appendedAt(7n), 3, [wallet]);
    assert.deepEqual(known.head(), { position: 9n, occurredAt: '2026-01-01T00:00:00.000Z' });
    assert.equal(known.wallet(wallet.id), wallet);
    known.forget();
    assert.equal(known.head(), null);
    assert.equal(known.wallet(wallet.id), undefined);
  });

  test('ages by its own clock from what the database said, and is of no use after 5 seconds', () => {
    let now = 1_000;
    const known = createKnownHeads(() => now);
    known.learn(appendedAt(1n), 1, [wallet]);
    now += 1_234.9;
    assert.equal(known.head()?.occurredAt, '2026-01-01T00:00:01.234Z');
    now += 4_000;
    assert.equal(known.head(), null);
  });

  test('never says a time before the last recorded event, nor runs ahead with one that was ahead', () => {
    let now = 0;
    const known = createKnownHeads(() => now);
    known.learn(appendedAt(1n, '2026-01-01T00:00:10.000Z', '2026-01-01T00:00:08.000Z'), 1, [wallet]);
    now = 1_500;
    assert.equal(known.head()?.occurredAt, '2026-01-01T00:00:10.000Z');
    now = 3_000;
    assert.equal(known.head()?.occurredAt, '2026-01-01T00:00:11.000Z');
  });

  test('is dropped when others have appended in between, and not tried again for a second', () => {
    let now = 0;
    const known = createKnownHeads(() => now);
    known.learn(appendedAt(1n), 1, [wallet]);
    const other = { ...wallet, id: '01998a6e-7c00-7abc-8000-000000000003' };
    known.learn(appendedAt(5n), 1, [other]);
    assert.equal(known.wallet(wallet.id), undefined);
    assert.equal(known.wallet(other.id), other);
    assert.equal(known.head(), null);
    now = 1_000;
    assert.equal(known.head()?.position, 5n);
  });
});

describe('What is expected of batches that are on their way', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const after = (balance: bigint): WalletState => ({ ...wallet, balance });
  const expected = (position: bigint, balance: bigint, occurredAt = at) => ({
    ...{ position, occurredAt, wallets: [after(balance)], keys: new Set([`key ${position}`]) },
  });

  function knownAfterOne() {
    const known = createKnownHeads(() => 0);
    known.learn(appendedAt(1n), 1, [wallet]);
    return known;
  }

  test('is what the next one is decided from, and never at an earlier time', () => {
    const known = knownAfterOne();
    known.expect(expected(3n, -7n, '2026-01-01T00:00:09.000Z'));
    assert.deepEqual(known.head(), { position: 3n, occurredAt: '2026-01-01T00:00:09.000Z' });
    assert.equal(known.wallet(wallet.id)?.balance, -7n);
    assert.deepEqual([known.isUnderWay('key 3'), known.isUnderWay('key 4')], [true, false]);
  });

  test('comes true with the commit, one after the other', () => {
    const known = knownAfterOne();
    const first = known.expect(expected(3n, -7n));
    const second = known.expect(expected(4n, -8n));
    known.learn(appendedAt(2n), 2, [after(-7n)], first);
    assert.equal(known.head()?.position, 4n);
    assert.equal(known.wallet(wallet.id)?.balance, -8n);
    assert.equal(known.isUnderWay('key 3'), false);
    known.learn(appendedAt(4n), 1, [after(-8n)], second);
    assert.equal(known.head()?.position, 4n);
    assert.equal(known.wallet(wallet.id)?.balance, -8n);
  });

  test('comes true as well when the second is heard of before the first', () => {
    const known = knownAfterOne();
    const other = { ...after(-1n), id: '01998a6e-7c00-7abc-8000-000000000003' };
    const first = known.expect({ ...expected(3n, -7n), wallets: [after(-7n), other] });
    const second = known.expect(expected(4n, -8n));
    known.learn(appendedAt(4n), 1, [after(-8n)], second);
    assert.equal(known.head()?.position, 4n);
    assert.equal(known.wallet(other.id)?.balance, -1n);
    known.learn(appendedAt(2n), 2, [after(-7n), other], first);
    assert.equal(known.head()?.position, 4n);
    assert.equal(known.wallet(wallet.id)?.balance, -8n);
  });

  test('is dropped when it does not come: what was true before is still known', () => {
    const known = knownAfterOne();
    known.expect(expected(3n, -7n));
    known.expectNothing();
    assert.equal(known.head()?.position, 1n);
    assert.equal(known.wallet(wallet.id)?.balance, -5n);
    assert.equal(known.isUnderWay('key 3'), false);
  });

  test('is dropped by a commit that nobody expected', () => {
    const known = knownAfterOne();
    known.expect(expected(3n, -7n));
    known.learn(appendedAt(2n), 1, [after(-6n)]);
    assert.equal(known.head()?.position, 2n);
    assert.equal(known.wallet(wallet.id)?.balance, -6n);
  });
});

describe('A batch of known wallets', () => {
  let database: TestDatabase;
  let owner: pg.Client;
  let proxy: DatabaseProxy;
  let side: WriteSide;
  let other: WriteSide;
  let assetSlug: string;
  let userId: string;
  let statements: string[];

  before(async () => {
    database = await createTestDatabase();
    owner = await database.connect();
    proxy = await openDatabaseProxy(database.url);
    other = openWriteSide(database.url);
  });

  after(async () => {
    await assertLedgerIsSound(owner);
    await side.close();
    await other.close();
    await proxy.close();
    await owner.end();
    await database.drop();
  });

  /** A write side that was the last to append, and knows one user's wallet and the treasury. */
  beforeEach(async () => {
    await side?.close();
    side = openWriteSide(proxy.url);
    assetSlug = await newAsset(side);
    userId = await newUser(side, { assetSlug, amount: '100' });
    statements = [];
    proxy.onStatement((statement) => {
      statements.push(statement);
      return 'forward';
    });
  });

  const spend = (amount: string) => ({ kind: 'spend', userId, assetSlug, amount }) as const;

  test('locks, appends and commits in one flight', async () => {
    assert.equal(bodyOf(await side.submit(spend('30'))).balanceAfter, '70');
    assert.deepEqual(statements, ['begin', 'lock-wallets', 'append', 'commit']);
  });

  test('reads under the locks when another process has appended: nothing is decided from what was', async () => {
    assert.equal(bodyOf(await other.submit(spend('90'))).balanceAfter, '10');
    assert.equal(codeOf(await side.submit(spend('30'))), 'insufficient_funds');
    assert.equal(await balanceOf(owner, userId, assetSlug), '10');
    assert.ok(statements.includes('read-under-locks'));
    assert.deepEqual(side.verdicts, [], 'no failure of anybody');
  });

  test('a key of another process is replayed, and so is one of its own', async () => {
    const foreign = randomUUID();
    bodyOf(await other.submit(spend('10'), foreign));
    const again = await side.submit(spend('10'), foreign);
    assert.deepEqual([again.replayed, bodyOf(again).balanceAfter], [true, '90']);
    const own = randomUUID();
    const first = await side.submit(spend('10'), own);
    const [replay, fresh] = await Promise.all([side.submit(spend('10'), own), side.submit(spend('10'))]);
    assert.deepEqual([first.replayed, replay.replayed, fresh.replayed], [false, true, false]);
    assert.deepEqual(bodyOf(replay), bodyOf(first));
    assert.equal(bodyOf(fresh).balanceAfter, '70');
    assert.equal(await eventsWithKey(owner, own), 1);
  });

  test('a key that is only looked up, beside one that is appended, is looked up', async () => {
    const slug = freshName('asset');
    const create = { kind: 'asset.create', slug } as const;
    const key = randomUUID();
    const first = await side.submit(create, key);
    assert.equal(bodyOf(await side.submit(spend('1'))).balanceAfter, '99');
    const [again, spent] = await Promise.all([side.submit(create, key), side.submit(spend('1'))]);
    assert.deepEqual([again.replayed, bodyOf(again)], [true, bodyOf(first)]);
    assert.equal(bodyOf(spent).balanceAfter, '98');
  });

  test('an atomic batch that was refused is refused again for the same, though now for another it would be', async () => {
    const requests = [requestOf(spend('40')), requestOf(spend('500'))];
    const first = await side.queue.submitAtomic(requests);
    assert.equal(first.kind === 'batch_refused' && first.index, 1);
    bodyOf(await side.submit(spend('90')));
    for (let time = 0; time < 2; time += 1) {
      const again = await side.queue.submitAtomic(requests);
      assert.ok(again.kind === 'batch_refused');
      assert.deepEqual([again.index, again.answer.replayed], [1, true]);
    }
  });

  test('a ban, a freeze and a new cap by another process hold at once', async () => {
    bodyOf(await other.submit({ kind: 'user.status', userId, status: 'BANNED' }));
    assert.equal(codeOf(await side.submit(spend('1'))), 'user_banned');
    bodyOf(await other.submit({ kind: 'user.status', userId, status: 'ACTIVE' }));
    bodyOf(await other.submit({ kind: 'asset.status', slug: assetSlug, status: 'FROZEN' }));
    assert.equal(codeOf(await side.submit(spend('1'))), 'asset_frozen');
  });

  test('a refusal by the database leaves nothing known: the next batch reads', async () => {
    await failAppends(owner, { correlationId: 'known_refused', sqlState: '22012', times: 1 });
    await assert.rejects(side.submit(spend('1'), randomUUID(), 'known_refused'));
    statements.length = 0;
    assert.equal(bodyOf(await side.submit(spend('1'))).balanceAfter, '99');
    assert.ok(statements.includes('read-under-locks'));
  });

  test('a user or an asset that nobody knows is looked up', async () => {
    const unknown = { kind: 'topup', userId: randomUUID(), assetSlug, amount: '1' } as const;
    assert.equal(codeOf(await side.submit(unknown)), 'user_not_found');
    const newcomer = await newUser(other);
    const answer = await side.submit({
      kind: 'transfer',
      fromUserId: userId,
      toUserId: newcomer,
      assetSlug,
      amount: '1',
    });
    assert.equal(bodyOf(answer).entries.length, 2);
    assert.equal(await balanceOf(owner, newcomer, assetSlug), '1');
  });
});
