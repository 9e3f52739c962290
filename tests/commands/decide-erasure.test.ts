/** Who may be erased, and what is answered to whoever names an erased user afterwards. */
import { describe, test } from 'node:test';
import type { Command } from '../../src/commands/schemas.ts';
import {
  alice,
  banned,
  bob,
  carol,
  erased,
  fact,
  funded,
  gold,
  issued,
  opened,
  ore,
  posted,
  registered,
  stateAfter,
  uuid,
  walletIdOf,
  NOON,
  type Asset,
  type Happening,
} from '../events/facts.ts';
import { contextFrom, given } from '../support/decision.ts';
import { decide } from '../../src/commands/decide.ts';
import assert from 'node:assert/strict';

const erase: Command = { kind: 'user.erase', userId: alice.id };
const aliceGold = walletIdOf(alice, gold);
const people = [registered(alice), registered(bob)];
const aliceHas5 = [...people, ...issued(gold), ...funded(alice, gold, '5')];

function spent(amount: string, left: string): Happening {
  return posted(
    gold,
    amount,
    { walletId: aliceGold, balanceAfter: left },
    { walletId: gold.treasuryId, balanceAfter: '0' },
  );
}

function held(remaining: string, status: 'open' | 'released' = 'open'): Happening {
  const hold = {
    ...{ holdId: uuid('e', 1), walletId: aliceGold, userId: alice.id, asset: 'gold', amount: '5' },
    ...{ captured: '0', remaining, status, expiresAt: null, reference: null },
  };
  return status === 'open'
    ? fact('hold.placed', { hold, expiresInSeconds: null, heldAfter: remaining })
    : fact('hold.released', { hold, released: '5', heldAfter: '0' });
}

const erasedAlice = (reason: string | null = null) =>
  fact('user.erased', { userId: alice.id, createdAt: NOON, reason });

describe('A user is erased', () => {
  test('who never had a wallet', () => {
    given(...people)
      .when({ ...erase, reason: 'request 4711' })
      .thenEvents(erasedAlice('request 4711'));
  });

  test('whose wallets are empty', () => {
    given(...aliceHas5, spent('5', '0'))
      .when(erase)
      .thenEvents(erasedAlice());
  });

  test('who is banned', () => {
    given(...people, banned(alice))
      .when(erase)
      .thenEvents(erasedAlice());
  });

  test('while others have money', () => {
    given(...people, ...issued(gold), ...funded(bob, gold, '5'))
      .when(erase)
      .thenEvents(erasedAlice());
  });
});

describe('A user is not erased', () => {
  const oneWallet = { userId: alice.id, wallets: '1', assets: ['gold'] };

  test('with a balance', () => {
    given(...aliceHas5)
      .when(erase)
      .thenDeclined('user_not_empty', { ...oneWallet, balances: ['5'], held: ['0'] });
  });

  test('with something held', () => {
    given(...aliceHas5, held('5'))
      .when(erase)
      .thenDeclined('user_not_empty', { ...oneWallet, balances: ['5'], held: ['5'] });
  });

  test('who was taken below zero by force', () => {
    given(...aliceHas5, spent('7', '-2'))
      .when(erase)
      .thenDeclined('user_not_empty', { ...oneWallet, balances: ['-2'], held: ['0'] });
  });

  test('told are the first ten of their wallets with something in them, by asset', () => {
    const many = Array.from({ length: 12 }, (_, n): Asset => {
      const slug = `asset${String.fromCodePoint(97 + n)}`;
      return { id: uuid('b', 32 + n), slug, treasuryId: uuid('c', 32 + n), supplyCap: null };
    });
    const walletIds = many.map((_, n) => uuid('d', 32 + n));
    const events = many.toReversed().flatMap((asset, n): Happening[] => {
      const walletId = walletIds[n]!;
      const owner = { userId: alice.id };
      const data = { walletId, owner, assetId: asset.id, asset: asset.slug, floor: '0' };
      const from = { walletId: asset.treasuryId, balanceAfter: '-3' };
      return [
        ...issued(asset),
        fact('wallet.opened', data),
        posted(asset, '3', from, { walletId, balanceAfter: '3' }),
      ];
    });
    given(...people, ...issued(gold), opened(alice, gold), ...events)
      .when(erase)
      .thenDeclined('user_not_empty', {
        ...{ userId: alice.id, wallets: '12' },
        assets: many.slice(0, 10).map(({ slug }) => slug),
        balances: Array.from({ length: 10 }, () => '3'),
        held: Array.from({ length: 10 }, () => '0'),
      });
  });

  test('twice', () => {
    given(...people, erased(alice))
      .when(erase)
      .thenRefused('subject_erased', { userId: alice.id });
  });

  test('whom nobody knows', () => {
    given(...people)
      .when({ kind: 'user.erase', userId: carol.id })
      .thenRefused('user_not_found', { userId: carol.id });
  });
});

describe('Who was erased is named by no command any more', () => {
  const money = { assetSlug: 'gold', amount: '1' };
  const between = { from: { userId: bob.id }, to: { userId: alice.id }, ...money };
  const commands: Command[] = [
    { kind: 'topup', userId: alice.id, ...money },
    { kind: 'bonus', userId: alice.id, ...money },
    { kind: 'spend', userId: alice.id, ...money },
    { kind: 'transfer', fromUserId: alice.id, toUserId: bob.id, ...money },
    { kind: 'transfer', fromUserId: bob.id, toUserId: alice.id, ...money },
    { kind: 'postings', postings: [{ ...between, from: { system: 'treasury' } }] },
    { kind: 'postings', postings: [{ ...between, from: between.to, to: between.from }] },
    {
      ...{ kind: 'exchange', userId: alice.id, fromAsset: 'gold', toAsset: 'ore' },
      ...{ amount: '1', rate: '1' },
    },
    { kind: 'hold', userId: alice.id, ...money },
    { kind: 'user.status', userId: alice.id, status: 'BANNED' },
    { kind: 'user.status', userId: alice.id, status: 'ACTIVE' },
  ];
  for (const command of commands) {
    test(`${command.kind} ${JSON.stringify(command)}`.slice(0, 120), () => {
      given(...people, ...issued(gold), ...issued(ore), ...funded(bob, gold, '5'), erased(alice))
        .when(command)
        .thenRefused('subject_erased', { userId: alice.id });
    });
  }

  test('a hold of somebody else is not captured to them, and theirs, long closed, not at all', () => {
    const bobs = fact('hold.placed', {
      hold: {
        ...{ holdId: uuid('e', 2), walletId: walletIdOf(bob, gold), userId: bob.id, asset: 'gold' },
        ...{ amount: '5', captured: '0', remaining: '5', status: 'open', expiresAt: null, reference: null },
      },
      ...{ expiresInSeconds: null, heldAfter: '5' },
    });
    given(...people, ...issued(gold), ...funded(bob, gold, '5'), bobs, erased(alice))
      .when({ kind: 'capture', holdId: uuid('e', 2), to: { userId: alice.id } })
      .thenRefused('subject_erased', { userId: alice.id });
    given(...aliceHas5, held('5'), held('0', 'released'), spent('5', '0'), erased(alice))
      .when({ kind: 'capture', holdId: uuid('e', 1) })
      .thenRefused('subject_erased', { userId: alice.id });
  });

  for (const [what, from, to] of [
    ['paid to them', bob, alice],
    ['paid by them', alice, bob],
  ] as const) {
    for (const force of [false, true])
      test(`what was ${what} is not reversed${force ? ', not even by force' : ''}`, () => {
        const transactionId = uuid('e', 3);
        const [payer, payee] = [from, to].map((user) => walletIdOf(user, gold));
        const moved = posted(
          gold,
          '5',
          { walletId: payer!, balanceAfter: '0' },
          { walletId: payee!, balanceAfter: '5' },
        );
        const state = stateAfter([
          ...[...people, ...issued(gold), ...funded(from, gold, '5'), opened(to, gold), moved],
          erased(alice),
        ]);
        state.originals.set(transactionId, {
          ...{ transactionId, type: 'transfer', asset: 'gold', userId: from.id },
          ...{ postings: moved.data.postings, reversed: 0n, wholly: false, lotId: null },
        });
        const decision = decide(state, { kind: 'reversal', transactionId, force }, contextFrom());
        assert.ok(decision.kind === 'refused', JSON.stringify(decision));
        assert.equal(decision.refusal.code, 'subject_erased');
      });
  }

  test('their e-mail is free, their id is not', () => {
    given(...people, erased(alice))
      .when({ kind: 'user.register', email: alice.email, id: alice.id })
      .thenRefused('id_taken', { id: alice.id });
    const state = stateAfter([...people, erased(alice)]);
    assert.equal(decide(state, { kind: 'user.register', email: alice.email }, contextFrom()).kind, 'events');
  });
});
