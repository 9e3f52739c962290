/**
 * Two batches of two processes, stepped through lock, look-up, append and commit in every order there is (70), and
 * three in a sample of theirs: whatever the order, the end is one that some order of whole commands gives.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { Answer } from '../../src/commands/submission.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf, eventsWithKey, walletIdOf } from '../support/ledger-facts.ts';
import {
  bodyOf,
  codeOf,
  freshName,
  newAsset,
  newUser,
  openWriteSide,
  type WriteSide,
} from '../support/write-side.ts';
import { sampleOf } from './rounds.ts';
import { everyOrder, openStepper, type Planned, type Stepper } from './stepped-batches.ts';

/** Of three batches there are 34,650 orders: one in so many is taken. */
const EVERY = 331;

let database: TestDatabase;
let observer: pg.Client;
let side: WriteSide;
let stepper: Stepper;
let assetSlug: string;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  side = openWriteSide(database.url);
  stepper = openStepper(database.url, observer, 3);
  assetSlug = await newAsset(side);
});

after(async () => {
  await stepper.close();
  await side.close();
  await observer.end();
  await database.drop();
});

const allOfTwo = everyOrder(2);
/** In `npm run faults` all of them. */
const ordersOfTwo = sampleOf(allOfTwo, 6);

/** Everything anew for each order; a failure names it. */
async function inEveryOrder(
  orders: readonly (readonly number[])[],
  attempt: (run: (...plans: Planned[]) => Promise<Answer[]>) => Promise<void>,
): Promise<void> {
  for (const order of orders) {
    try {
      await attempt((...plans) => stepper.run(plans, order));
    } catch (error) {
      throw new Error(`in the order ${order.join('')}`, { cause: error });
    }
  }
}

function isAccepted({ outcome }: Answer): boolean {
  return outcome.kind === 'accepted';
}

test('there are 70 orders of two batches', () => assert.equal(allOfTwo.length, 70));

test('one wallet, two spends, funds for one: one is done, the other is told what was left', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side, { assetSlug, amount: '100' });
    const spend = { command: { kind: 'spend', userId, assetSlug, amount: '60' } } as const;
    const answers = await run(spend, spend);
    assert.equal(answers.filter(isAccepted).length, 1);
    const refused = answers.find((answer) => !isAccepted(answer))!;
    assert.ok(refused.outcome.kind === 'refused');
    assert.equal(refused.outcome.refusal.code, 'insufficient_funds');
    assert.equal(refused.outcome.refusal.figures['available'], '40');
    assert.equal(await balanceOf(observer, userId, assetSlug), '40');
  }));

test('the same where one process decides from what it knows of its last batch, without reading', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side, { assetSlug, amount: '100' });
    const spend = { kind: 'spend', userId, assetSlug, amount: '60' } as const;
    const warmUp = { kind: 'topup', userId, assetSlug, amount: '1' } as const;
    const answers = await run({ command: spend, warmUp }, { command: spend });
    assert.equal(answers.filter(isAccepted).length, 1);
    assert.equal(codeOf(answers.find((answer) => !isAccepted(answer))!), 'insufficient_funds');
    assert.equal(await balanceOf(observer, userId, assetSlug), '41');
  }));

test('one key, the same request twice: one event, two equal answers, one of them a replay', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side, { assetSlug, amount: '100' });
    const plan = { command: { kind: 'spend', userId, assetSlug, amount: '60' }, key: randomUUID() } as const;
    const [one, other] = await run(plan, plan);
    assert.deepEqual(bodyOf(one!), bodyOf(other!));
    assert.equal(one!.position, other!.position);
    assert.notEqual(one!.replayed, other!.replayed, 'one of the two is the original');
    assert.equal(await eventsWithKey(observer, plan.key), 1);
    assert.equal(await balanceOf(observer, userId, assetSlug), '40');
  }));

test('one key, two requests: one is done, the other is refused', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side, { assetSlug, amount: '100' });
    const key = randomUUID();
    const plans = ['10', '20'].map((amount) => ({
      command: { kind: 'spend', userId, assetSlug, amount } as const,
      key,
    }));
    const answers = await run(...plans);
    const done = answers.findIndex(isAccepted);
    assert.equal(codeOf(answers[1 - done]!), 'idempotency_key_reused');
    assert.equal(await balanceOf(observer, userId, assetSlug), done === 0 ? '90' : '80');
  }));

test('one wallet that neither of them finds: it is opened once and has both amounts', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side);
    const plans = ['5', '7'].map((amount) => ({
      command: { kind: 'topup', userId, assetSlug, amount } as const,
    }));
    for (const answer of await run(...plans)) bodyOf(answer);
    assert.equal(await balanceOf(observer, userId, assetSlug), '12');
  }));

test('a ban and a spend: who comes first in the log decides', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side, { assetSlug, amount: '100' });
    const [banned, spent] = await run(
      { command: { kind: 'user.status', userId, status: 'BANNED' } },
      { command: { kind: 'spend', userId, assetSlug, amount: '60' } },
    );
    bodyOf(banned!);
    if (spent!.position! > banned!.position!) assert.equal(codeOf(spent!), 'user_banned');
    else bodyOf(spent!);
    assert.equal(await balanceOf(observer, userId, assetSlug), isAccepted(spent!) ? '40' : '100');
  }));

test('a frozen wallet and a spend: who comes first in the log decides', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side, { assetSlug, amount: '100' });
    const walletId = await walletIdOf(observer, userId, assetSlug);
    const [frozen, spent] = await run(
      { command: { kind: 'wallet.status', walletId, status: 'FROZEN' } },
      { command: { kind: 'spend', userId, assetSlug, amount: '60' } },
    );
    bodyOf(frozen!);
    if (spent!.position! > frozen!.position!) assert.equal(codeOf(spent!), 'wallet_frozen');
    else bodyOf(spent!);
  }));

test('two transfers that cross: both are done, without a deadlock', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const [one, other] = [
      await newUser(side, { assetSlug, amount: '100' }),
      await newUser(side, { assetSlug, amount: '100' }),
    ];
    const answers = await run(
      { command: { kind: 'transfer', fromUserId: one, toUserId: other, assetSlug, amount: '30' } },
      { command: { kind: 'transfer', fromUserId: other, toUserId: one, assetSlug, amount: '50' } },
    );
    for (const answer of answers) bodyOf(answer);
    assert.equal(await balanceOf(observer, one, assetSlug), '120');
    assert.equal(await balanceOf(observer, other, assetSlug), '80');
  }));

async function holdOf(userId: string, amount: string): Promise<string> {
  const placed = await side.submit({ kind: 'hold', userId, assetSlug, amount });
  return String(bodyOf(placed).holdId);
}

test('a capture and a release of one hold: one of them ends it, the other is told that it is closed', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side, { assetSlug, amount: '100' });
    const holdId = await holdOf(userId, '80');
    const answers = await run(
      { command: { kind: 'capture', holdId } },
      { command: { kind: 'release', holdId } },
    );
    const done = answers.findIndex(isAccepted);
    assert.equal(codeOf(answers[1 - done]!), 'hold_closed');
    assert.equal(await balanceOf(observer, userId, assetSlug), done === 0 ? '20' : '100');
  }));

test('a new hold and a capture: what is held is never given away, what is free is free', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const userId = await newUser(side, { assetSlug, amount: '100' });
    const holdId = await holdOf(userId, '80');
    const [placed, captured] = await run(
      { command: { kind: 'hold', userId, assetSlug, amount: '30' } },
      { command: { kind: 'capture', holdId, amount: '50' } },
    );
    bodyOf(captured!);
    // The capture is final and releases 30: whether they are free depends on who came first.
    if (placed!.position! > captured!.position!) bodyOf(placed!);
    else assert.equal(codeOf(placed!), 'insufficient_funds');
    assert.equal(await balanceOf(observer, userId, assetSlug), '50');
  }));

test('one e-mail, two registrations: one user', () =>
  inEveryOrder(ordersOfTwo, async (run) => {
    const register = { command: { kind: 'user.register', email: `${freshName('u')}@example.com` } } as const;
    const answers = await run(register, register);
    assert.equal(answers.filter(isAccepted).length, 1);
    assert.equal(codeOf(answers.find((answer) => !isAccepted(answer))!), 'email_taken');
  }));

test('three batches on one wallet: the log, replayed, gives each of them its answer', () =>
  inEveryOrder(
    sampleOf(
      everyOrder(3).filter((_, index) => index % EVERY === 0),
      8,
    ),
    async (run) => {
      const userId = await newUser(side, { assetSlug, amount: '100' });
      const changes = [-80n, -80n, 60n];
      const answers = await run(
        { command: { kind: 'spend', userId, assetSlug, amount: '80' } },
        { command: { kind: 'spend', userId, assetSlug, amount: '80' } },
        { command: { kind: 'topup', userId, assetSlug, amount: '60' } },
      );
      let balance = 100n;
      const byPosition = answers
        .map((answer, index) => ({ answer, change: changes[index]! }))
        .toSorted((left, right) => (left.answer.position! < right.answer.position! ? -1 : 1));
      for (const { answer, change } of byPosition) {
        const affordable = balance + change >= 0n;
        assert.equal(isAccepted(answer), affordable);
        if (affordable) balance += change;
      }
      assert.equal(await balanceOf(observer, userId, assetSlug), balance.toString());
    },
  ));

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
