/** Somebody is erased while others pay them: one of the two happens, and no money is ever left with nobody. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import type pg from 'pg';
import type { Command } from '../../src/commands/schemas.ts';
import type { Answer } from '../../src/commands/submission.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { stallCommits } from '../support/faulty-database.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { untilWritersWait } from '../support/until.ts';
import {
  bodyOf,
  codeOf,
  freshName,
  newAsset,
  newUser,
  openWriteSide,
  type WriteSide,
} from '../support/write-side.ts';

let database: TestDatabase;
let observer: pg.Client;
let owner: pg.Client;
let first: WriteSide;
let second: WriteSide;
let assetSlug: string;
let payer: string;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  owner = await database.connect();
  first = openWriteSide(database.url);
  second = openWriteSide(database.url);
  assetSlug = await newAsset(first);
  payer = await newUser(first, { assetSlug, amount: '100000' });
});

/** What a failed test holds must not stall the next one. */
afterEach(() => owner.query('rollback; select pg_advisory_unlock_all()'));

after(async () => {
  await Promise.all([first.close(), second.close()]);
  await Promise.all([observer.end(), owner.end()]);
  await database.drop();
});

type Credit = { readonly what: string; readonly to: (userId: string) => Command };

const credits: readonly Credit[] = [
  { what: 'a top-up', to: (userId) => ({ kind: 'topup', userId, assetSlug, amount: '5' }) },
  {
    what: 'a transfer',
    to: (toUserId) => ({ kind: 'transfer', fromUserId: payer, toUserId, assetSlug, amount: '5' }),
  },
];

const users = [
  { who: 'with an empty wallet', make: newWithWallet },
  { who: 'without a wallet', make: () => newUser(second) },
];

/** Known to both processes, with a wallet that is empty. */
async function newWithWallet(): Promise<string> {
  const userId = await newUser(second, { assetSlug, amount: '3' });
  bodyOf(await first.submit({ kind: 'spend', userId, assetSlug, amount: '3' }));
  return userId;
}

/** `behind` decides while `ahead` has appended and is not seen yet. */
async function race(ahead: Command, behind: Command): Promise<[Answer, Answer]> {
  const stall = await stallCommits(owner);
  const leading = first.submit(ahead, undefined, stall.correlationId);
  await untilWritersWait(observer, 1);
  const following = second.submit(behind);
  await untilWritersWait(observer, 2);
  await stall.release();
  return Promise.all([leading, following]);
}

async function moneyOfErased(): Promise<unknown[]> {
  const { rows } = await observer.query(`
select u.id, w.balance, w.held
  from users u
  join wallets w on w.owner = u.id::text
 where u.status = 'ERASED'
   and (w.balance <> 0 or w.held <> 0)`);
  return rows;
}

describe('Two processes', () => {
  for (const { what, to } of credits) {
    for (const { who, make } of users) {
      test(`${what} to a user ${who} comes first: the erasure sees the money and is refused`, async () => {
        const userId = await make();
        const [credit, erasure] = await race(to(userId), { kind: 'user.erase', userId });
        bodyOf(credit);
        assert.equal(codeOf(erasure), 'user_not_empty');
        assert.ok(erasure.outcome.kind === 'refused');
        assert.deepEqual(erasure.outcome.refusal.figures['balances'], ['5']);
      });

      test(`the erasure of a user ${who} comes first: ${what} finds nobody to pay`, async () => {
        const userId = await make();
        const [erasure, credit] = await race({ kind: 'user.erase', userId }, to(userId));
        assert.equal(bodyOf(erasure).status, 'ERASED');
        assert.equal(codeOf(credit), 'subject_erased');
        assert.equal(credit.position, null);
        assert.deepEqual(await moneyOfErased(), []);
      });
    }
  }

  test('a wallet that is opened while the erasure waits makes it start again', async () => {
    const userId = await newUser(second);
    const before = second.verdicts.length;
    await race({ kind: 'topup', userId, assetSlug, amount: '5' }, { kind: 'user.erase', userId });
    assert.deepEqual(second.verdicts.slice(before), ['wallet_appeared']);
  });

  test('a wallet of another asset that is opened meanwhile is seen as well', async () => {
    const userId = await newWithWallet();
    const other = await newAsset(first);
    const [, erasure] = await race(
      { kind: 'topup', userId, assetSlug: other, amount: '7' },
      { kind: 'user.erase', userId },
    );
    assert.ok(erasure.outcome.kind === 'refused');
    const { assets, balances } = erasure.outcome.refusal.figures;
    assert.deepEqual([assets, balances], [[other], ['7']]);
  });

  test('a hold that is placed meanwhile is seen', async () => {
    const userId = await newUser(first, { assetSlug, amount: '5' });
    const [, erasure] = await race(
      { kind: 'hold', userId, assetSlug, amount: '5' },
      { kind: 'user.erase', userId },
    );
    assert.ok(erasure.outcome.kind === 'refused');
    assert.deepEqual(erasure.outcome.refusal.figures['held'], ['5']);
  });

  test('one user, two erasures: one does it, the other finds it done; under one key both are told the same', async () => {
    const userId = await newWithWallet();
    const [one, other] = await race({ kind: 'user.erase', userId }, { kind: 'user.erase', userId });
    assert.equal(bodyOf(one).status, 'ERASED');
    assert.equal(codeOf(other), 'subject_erased');
    const key = randomUUID();
    const again = await newWithWallet();
    const answers = await Promise.all(
      [first, second].map((side) => side.submit({ kind: 'user.erase', userId: again }, key)),
    );
    assert.deepEqual(bodyOf(answers[0]!), bodyOf(answers[1]!));
    assert.deepEqual(new Set(answers.map(({ replayed }) => replayed)), new Set([false, true]));
  });

  test('many at once: each user was paid or erased, never both', async () => {
    for (let round = 0; round < 8; round += 1) {
      const ids = await Promise.all(
        Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? newUser(first) : newWithWallet())),
      );
      const told = await Promise.all(
        ids.flatMap((userId, n) => {
          const [one, other] = (n + round) % 2 === 0 ? [first, second] : [second, first];
          const credit = credits[n % credits.length]!.to(userId);
          return [one.submit(credit), other.submit({ kind: 'user.erase', userId })];
        }),
      );
      for (const [n, userId] of ids.entries()) {
        const [credit, erasure] = [told[2 * n]!, told[2 * n + 1]!];
        const paid = credit.outcome.kind === 'accepted';
        const { rows } = await observer.query<{ status: string }>('select status from users where id = $1', [
          userId,
        ]);
        assert.equal(rows[0]!.status, paid ? 'ACTIVE' : 'ERASED');
        assert.equal(codeOf(paid ? erasure : credit), paid ? 'user_not_empty' : 'subject_erased');
      }
    }
    assert.deepEqual(await moneyOfErased(), []);
  });
});

describe('In one batch', () => {
  /** Submitted in one turn of the event loop, so that they are one batch. */
  async function together(...asked: (readonly [Command, string?])[]): Promise<Answer[]> {
    const before = second.batches.length;
    const answers = await Promise.all(asked.map(([command, key]) => second.submit(command, key)));
    assert.deepEqual(second.batches.slice(before), [asked.length]);
    return answers;
  }

  test('who is paid and then erased is not erased; who is erased is not paid', async () => {
    const [one, other] = [await newUser(second), await newWithWallet()];
    const [paid, refused, erased, late] = await together(
      [{ kind: 'topup', userId: one, assetSlug, amount: '5' }],
      [{ kind: 'user.erase', userId: one }],
      [{ kind: 'user.erase', userId: other }],
      [{ kind: 'topup', userId: other, assetSlug, amount: '5' }],
    );
    bodyOf(paid!);
    assert.equal(codeOf(refused!), 'user_not_empty');
    assert.equal(bodyOf(erased!).status, 'ERASED');
    assert.equal(codeOf(late!), 'subject_erased');
  });

  test('the last money may go, and then its owner', async () => {
    const userId = await newUser(second, { assetSlug, amount: '5' });
    const [spent, erased] = await together(
      [{ kind: 'spend', userId, assetSlug, amount: '5' }],
      [{ kind: 'user.erase', userId }],
    );
    assert.equal(bodyOf(spent!).balanceAfter, '0');
    assert.equal(bodyOf(erased!).status, 'ERASED');
  });

  test('the e-mail is free right after, and the registration that had it is told to nobody', async () => {
    const email = `${freshName('user')}@example.com`;
    const register = { kind: 'user.register', email } as const;
    const userId = String(bodyOf(await second.submit(register, 'first-registration')).id);
    const [before, , after, again] = await together(
      [register, 'first-registration'],
      [{ kind: 'user.erase', userId }],
      [register, 'first-registration'],
      [register],
    );
    assert.equal(bodyOf(before!).email, email);
    assert.equal(after!.outcome.kind, 'erased');
    assert.notEqual(bodyOf(again!).id, userId);
    assert.equal(bodyOf(again!).email, email);
    const { rows } = await observer.query('select subject_id as id from personal where value = $1', [email]);
    assert.deepEqual(rows, [{ id: bodyOf(again!).id }]);
  });
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
