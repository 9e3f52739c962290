/** Two processes want the same unique value: one gets it, the other decides anew, and no caller sees an error. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import type pg from 'pg';
import { attemptBatch } from '../../src/commands/attempt.ts';
import { contextFor } from '../../src/commands/decision-context.ts';
import { createDirectoryCache } from '../../src/commands/directory-cache.ts';
import { createKnownHeads } from '../../src/commands/known-heads.ts';
import type { Command } from '../../src/commands/schemas.ts';
import type { Answer } from '../../src/commands/submission.ts';
import { keyHash } from '../../src/events/key-hash.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { stallCommits } from '../support/faulty-database.ts';
import {
  assertLedgerIsSound,
  balanceOf,
  eventsWithKey,
  headPosition,
  holdWallets,
  walletIdOf,
} from '../support/ledger-facts.ts';
import { untilWritersWait } from '../support/until.ts';
import {
  LEDGER_ID,
  bodyOf,
  codeOf,
  freshName,
  newAsset,
  newUser,
  openWritePool,
  openWriteSide,
  requestOf,
  type WriteSide,
} from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let owner: pg.Client;
let first: WriteSide;
let second: WriteSide;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  owner = await database.connect();
  first = openWriteSide(database.url);
  second = openWriteSide(database.url);
});

/** What a failed test holds must not stall the next one. */
afterEach(() => owner.query('rollback; select pg_advisory_unlock_all()'));

after(async () => {
  await Promise.all([first.close(), second.close()]);
  await Promise.all([observer.end(), owner.end()]);
  await database.drop();
});

/** The second process decides and waits to append while the first one has decided, appended, but not committed. */
async function race(
  firstCommand: Command,
  secondCommands: readonly Command[],
  key: string = randomUUID(),
): Promise<[Answer, ...Answer[]]> {
  const stall = await stallCommits(owner);
  const ahead = first.submit(firstCommand, key, stall.correlationId);
  await untilWritersWait(observer, 1);
  const behind = secondCommands.map((command, index) =>
    second.submit(command, index === 0 ? key : undefined),
  );
  await untilWritersWait(observer, 2);
  await stall.release();
  return Promise.all([ahead, ...behind]);
}

test('one e-mail, two processes: one user, and one is told that it is taken', async () => {
  const register = { kind: 'user.register', email: `${freshName('user')}@example.com` } as const;
  const stall = await stallCommits(owner);
  const ahead = first.submit(register, undefined, stall.correlationId);
  await untilWritersWait(observer, 1);
  const behind = second.submit(register);
  await untilWritersWait(observer, 2);
  await stall.release();
  bodyOf(await ahead);
  assert.equal(codeOf(await behind), 'email_taken');
  assert.equal(second.verdicts.at(-1), 'conflict');
});

test('one slug, two processes: one asset with one treasury', async () => {
  const slug = freshName('asset');
  const stall = await stallCommits(owner);
  const ahead = first.submit({ kind: 'asset.create', slug }, undefined, stall.correlationId);
  await untilWritersWait(observer, 1);
  const behind = second.submit({ kind: 'asset.create', slug });
  await untilWritersWait(observer, 2);
  await stall.release();
  bodyOf(await ahead);
  assert.equal(codeOf(await behind), 'slug_taken');
  assert.equal(second.verdicts.at(-1), 'conflict');
});

test('one given id, two processes: one user', async () => {
  const id = randomUUID();
  const register = () => ({ kind: 'user.register', id, email: `${freshName('user')}@example.com` }) as const;
  const stall = await stallCommits(owner);
  const ahead = first.submit(register(), undefined, stall.correlationId);
  await untilWritersWait(observer, 1);
  const behind = second.submit(register());
  await untilWritersWait(observer, 2);
  await stall.release();
  assert.equal(bodyOf(await ahead).id, id);
  assert.equal(codeOf(await behind), 'id_taken');
});

test('one key, two processes: one event, equal answers, and only the later one is a replay', async () => {
  const register = { kind: 'user.register', email: `${freshName('user')}@example.com` } as const;
  const key = randomUUID();
  const [ahead, behind] = await race(register, [register], key);
  assert.deepEqual([ahead.replayed, behind!.replayed], [false, true]);
  assert.deepEqual(bodyOf(behind!), bodyOf(ahead));
  assert.equal(behind!.position, ahead.position);
  assert.equal(await eventsWithKey(observer, key), 1);
});

test('one key for two requests, two processes: the later one is refused', async () => {
  const register = () => ({ kind: 'user.register', email: `${freshName('user')}@example.com` }) as const;
  const [ahead, behind] = await race(register(), [register()]);
  bodyOf(ahead);
  assert.equal(codeOf(behind!), 'idempotency_key_reused');
});

test('who loses a race runs again whole: the neighbours in its batch stay in order', async () => {
  const assetSlug = await newAsset(first);
  const userId = await newUser(second, { assetSlug, amount: '10' });
  const register = { kind: 'user.register', email: `${freshName('user')}@example.com` } as const;
  const spend = { kind: 'spend', userId, assetSlug, amount: '1' } as const;
  const before = second.batches.length;
  const [ahead, replay, ...spends] = await race(register, [register, spend, spend, spend]);
  assert.equal(replay!.replayed, true);
  assert.deepEqual(
    spends.map((answer) => bodyOf(answer).balanceAfter),
    ['9', '8', '7'],
  );
  assert.deepEqual(
    spends.map(({ position }) => position! - ahead.position!),
    [1n, 2n, 3n],
  );
  assert.deepEqual(second.batches.slice(before), [4]);
});

test('a wallet opened by another process between look-up and append is found by the second run', async () => {
  const assetSlug = await newAsset(first);
  const sender = await newUser(first, { assetSlug, amount: '100' });
  const receiver = await newUser(first);
  await holdWallets(owner, await walletIdOf(observer, 'treasury', assetSlug));
  const toppedUp = second.submit({ kind: 'topup', userId: receiver, assetSlug, amount: '5' });
  await untilWritersWait(observer, 1);
  bodyOf(
    await first.submit({ kind: 'transfer', fromUserId: sender, toUserId: receiver, assetSlug, amount: '30' }),
  );
  await owner.query('commit');
  assert.equal(bodyOf(await toppedUp).balanceAfter, '35');
  assert.equal(second.verdicts.at(-1), 'conflict');
  assert.equal(await balanceOf(observer, receiver, assetSlug), '35');
});

test('a wallet that appears while the second run waits is not locked late: the run starts again', async () => {
  const assetSlug = await newAsset(first);
  const sender = await newUser(first, { assetSlug, amount: '100' });
  const receiver = await newUser(first);
  const pool = openWritePool(database.url);
  const client = await pool.connect();
  try {
    await holdWallets(owner, await walletIdOf(observer, 'treasury', assetSlug));
    const request = requestOf({ kind: 'topup', userId: receiver, assetSlug, amount: '5' });
    const submission = {
      requests: [request],
      atomic: false,
      attemptedEventIds: [],
      settle: () => undefined,
      fail: () => undefined,
    };
    const attempt = attemptBatch(client, {
      ledgerId: LEDGER_ID,
      cache: createDirectoryCache(LEDGER_ID),
      known: createKnownHeads(),
      contextFor,
      batch: [{ submission, keyHashes: [keyHash(request.idempotencyKey ?? '')] }],
      headFirst: true,
      turn: { before: null, departed: () => undefined },
    });
    const rejected = assert.rejects(attempt, { name: 'AttemptError', reason: 'wallet_appeared' });
    await untilWritersWait(observer, 1);
    bodyOf(
      await first.submit({
        kind: 'transfer',
        fromUserId: sender,
        toUserId: receiver,
        assetSlug,
        amount: '30',
      }),
    );
    const head = await headPosition(observer);
    await owner.query('commit');
    await rejected;
    assert.equal(await headPosition(observer), head);
    const { rows } = await client.query<{ open: boolean }>('select now() < statement_timestamp() as open');
    assert.equal(rows[0]!.open, false, 'no transaction is left open');
  } finally {
    client.release();
    await pool.end();
  }
});

test('two processes that open the wallets of many fresh users at once answer every caller', async () => {
  const assetSlug = await newAsset(first);
  const payer = await newUser(first, { assetSlug, amount: '1000' });
  for (let round = 0; round < 5; round += 1) {
    const receivers = await Promise.all(Array.from({ length: 10 }, () => newUser(first)));
    const answers = await Promise.all(
      receivers.flatMap((userId, index) => {
        const [one, other] = index % 2 === 0 ? [first, second] : [second, first];
        return [
          one.submit({ kind: 'topup', userId, assetSlug, amount: '3' }),
          other.submit({ kind: 'transfer', fromUserId: payer, toUserId: userId, assetSlug, amount: '4' }),
        ];
      }),
    );
    for (const answer of answers) bodyOf(answer);
    for (const userId of receivers) assert.equal(await balanceOf(observer, userId, assetSlug), '7');
  }
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
