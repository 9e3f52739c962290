import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evolve, evolveWithEntries } from '../../src/events/evolve.ts';
import { emptyState, walletOf, type LedgerState } from '../../src/events/state.ts';
import {
  NOON,
  alice,
  banned,
  bob,
  created,
  erased,
  fact,
  frozenAsset,
  frozenWallet,
  funded,
  gold,
  issued,
  opened,
  ore,
  posted,
  registered,
  stateAfter,
  treasuryOpened,
  uuid,
  walletIdOf,
  type Happening,
} from './facts.ts';

/** given these events, when this one happens, then the state differs exactly so. */
function given(...events: Happening[]) {
  return {
    when: (event: Happening) => ({
      thenState(change: (expected: LedgerState) => void): void {
        const expected = stateAfter(events);
        change(expected);
        assert.deepEqual(evolve(stateAfter(events), event), expected);
      },
    }),
  };
}

const aliceGold = walletIdOf(alice, gold);
const bobGold = walletIdOf(bob, gold);

describe('user.registered', () => {
  test('makes an active user, created when it happened', () => {
    const { personal: _, ...fromTheLog } = registered(alice);
    given()
      .when(fromTheLog)
      .thenState((state) => state.users.set(alice.id, { id: alice.id, status: 'ACTIVE', createdAt: NOON }));
  });

  test('takes the e-mail within the batch that knows it', () => {
    given()
      .when(registered(alice))
      .thenState((state) => {
        state.users.set(alice.id, { id: alice.id, status: 'ACTIVE', createdAt: NOON });
        state.emails.set(alice.email, alice.id);
      });
  });
});

describe('user.erased', () => {
  test('keeps the user as one who was there, with the time of creation, and frees the e-mail', () => {
    given(registered(alice), registered(bob))
      .when({ ...erased(alice), occurredAt: '2027-01-01T00:00:00.000Z' })
      .thenState((state) => {
        state.users.set(alice.id, { id: alice.id, status: 'ERASED', createdAt: NOON });
        state.emails.delete(alice.email);
      });
  });

  test('says enough to know a user whom the state has not seen', () => {
    given()
      .when(erased(bob))
      .thenState((state) => state.users.set(bob.id, { id: bob.id, status: 'ERASED', createdAt: NOON }));
  });
});

describe('user.status_changed', () => {
  test('changes the status and keeps the time of creation', () => {
    given(registered(alice), registered(bob))
      .when({ ...banned(alice), occurredAt: '2027-01-01T00:00:00.000Z' })
      .thenState((state) => state.users.set(alice.id, { id: alice.id, status: 'BANNED', createdAt: NOON }));
  });

  test('makes a banned user active again', () => {
    given(registered(alice), banned(alice))
      .when(banned(alice, 'ACTIVE'))
      .thenState((state) => state.users.set(alice.id, { id: alice.id, status: 'ACTIVE', createdAt: NOON }));
  });

  test('says enough to know a user whom the state has not seen', () => {
    given()
      .when(banned(bob))
      .thenState((state) => state.users.set(bob.id, { id: bob.id, status: 'BANNED', createdAt: NOON }));
  });
});

describe('asset.created', () => {
  const known = { name: 'gold', slug: 'gold', scale: '0', status: 'ACTIVE', limits: null } as const;

  test('makes an active asset without a bound', () => {
    given(treasuryOpened(gold))
      .when(created(gold))
      .thenState((state) => state.assets.set('gold', { ...known, id: gold.id, supplyCap: null }));
  });

  test('reads the supply cap as a whole number', () => {
    const rare = { ...gold, supplyCap: '9'.repeat(38) };
    given()
      .when(created(rare))
      .thenState((state) => state.assets.set('gold', { ...known, id: gold.id, supplyCap: 10n ** 38n - 1n }));
  });
});

describe('asset.status_changed', () => {
  const known = { id: ore.id, name: 'ore', slug: 'ore', scale: '0', supplyCap: 1000n, limits: null };

  test('freezes the asset and leaves the rest of it', () => {
    given(...issued(ore), ...issued(gold))
      .when(frozenAsset(ore))
      .thenState((state) => state.assets.set('ore', { ...known, status: 'FROZEN' }));
  });

  test('makes it active again', () => {
    given(...issued(ore), frozenAsset(ore))
      .when(frozenAsset(ore, 'ACTIVE'))
      .thenState((state) => state.assets.set('ore', { ...known, status: 'ACTIVE' }));
  });
});

describe('wallet.opened', () => {
  const fresh = {
    ...({ balance: 0n, held: 0n, seq: 0n, status: 'ACTIVE' } as const),
    ...{ nextDueAt: null, limits: null },
  };

  test("opens a user's empty wallet, found by owner and asset, that must not go below zero", () => {
    given(registered(alice), ...issued(gold))
      .when(opened(alice, gold))
      .thenState((state) => {
        const owner = { userId: alice.id };
        state.wallets.set(aliceGold, {
          ...fresh,
          id: aliceGold,
          owner,
          assetId: gold.id,
          asset: 'gold',
          floor: 0n,
        });
        state.walletIds.set(`${alice.id}/gold`, aliceGold);
      });
    const state = stateAfter([opened(alice, gold)]);
    assert.equal(walletOf(state, { userId: alice.id }, 'gold')?.id, aliceGold);
    assert.equal(walletOf(state, { userId: alice.id }, 'ore'), undefined);
    assert.equal(walletOf(state, { userId: bob.id }, 'gold'), undefined);
  });

  test('bounds a treasury by the supply cap, or not at all', () => {
    const state = stateAfter([treasuryOpened(ore), treasuryOpened(gold)]);
    assert.equal(walletOf(state, { system: 'treasury' }, 'ore')?.floor, -1000n);
    assert.equal(walletOf(state, { system: 'treasury' }, 'gold')?.floor, null);
  });
});

describe('wallet.status_changed', () => {
  const wallet = { id: aliceGold, owner: { userId: alice.id }, asset: gold };

  test('freezes the wallet and leaves its balance', () => {
    given(...issued(gold), ...funded(alice, gold, '100'))
      .when(frozenWallet(wallet))
      .thenState((state) =>
        state.wallets.set(aliceGold, { ...state.wallets.get(aliceGold)!, status: 'FROZEN' }),
      );
  });

  test('makes it active again', () => {
    given(...issued(gold), ...funded(alice, gold, '100'), frozenWallet(wallet))
      .when(frozenWallet(wallet, 'ACTIVE'))
      .thenState((state) =>
        state.wallets.set(aliceGold, { ...state.wallets.get(aliceGold)!, status: 'ACTIVE' }),
      );
  });

  test('of a wallet that was never opened stops the fold', () => {
    assert.throws(() => stateAfter([frozenWallet(wallet)]), /which was never opened/);
  });
});

describe('transaction.posted', () => {
  const wallets = [...issued(gold), opened(alice, gold), opened(bob, gold)];
  const treasury = { walletId: gold.treasuryId, balanceAfter: '-100' };

  test('moves the amount and counts an entry of each wallet', () => {
    given(...wallets)
      .when(posted(gold, '100', treasury, { walletId: aliceGold, balanceAfter: '100' }))
      .thenState((state) => {
        const [from, to] = [state.wallets.get(gold.treasuryId)!, state.wallets.get(aliceGold)!];
        state.wallets.set(gold.treasuryId, { ...from, balance: -100n, seq: 1n });
        state.wallets.set(aliceGold, { ...to, balance: 100n, seq: 1n });
      });
  });

  test('writes a debit on the even leg and a credit on the odd one', () => {
    const event = posted(gold, '100', treasury, { walletId: aliceGold, balanceAfter: '100' });
    assert.deepEqual(evolveWithEntries(stateAfter(wallets), event), [
      entry({ leg: 0, walletId: gold.treasuryId, seq: 1n, amount: -100n, balanceAfter: -100n }),
      entry({ leg: 1, walletId: aliceGold, seq: 1n, amount: 100n, balanceAfter: 100n }),
    ]);
  });

  test('with several postings touches a wallet once for each', () => {
    const [first] = posted(gold, '70', treasury, { walletId: aliceGold, balanceAfter: '70' }).data.postings;
    const side = { walletId: aliceGold, balanceAfter: '50' };
    const event = posted(gold, '20', side, { walletId: bobGold, balanceAfter: '20' });
    const [second] = event.data.postings;
    const both = fact('transaction.posted', { ...event.data, postings: [first!, second!] });
    assert.deepEqual(evolveWithEntries(stateAfter(wallets), both), [
      entry({ leg: 0, walletId: gold.treasuryId, seq: 1n, amount: -70n, balanceAfter: -70n }),
      entry({ leg: 1, walletId: aliceGold, seq: 1n, amount: 70n, balanceAfter: 70n }),
      entry({ leg: 2, walletId: aliceGold, seq: 2n, amount: -20n, balanceAfter: 50n }),
      entry({ leg: 3, walletId: bobGold, seq: 1n, amount: 20n, balanceAfter: 20n }),
    ]);
  });

  test('keeps all 38 digits', () => {
    const most = '9'.repeat(38);
    const state = stateAfter([...issued(gold), ...funded(alice, gold, most)]);
    assert.equal(state.wallets.get(aliceGold)?.balance, 10n ** 38n - 1n);
  });

  test('replaces the record of a wallet and never changes it', () => {
    const state = stateAfter([...issued(gold), ...funded(alice, gold, '100')]);
    const before = state.wallets.get(aliceGold);
    evolve(
      state,
      posted(gold, '1', { ...treasury, balanceAfter: '-101' }, { walletId: aliceGold, balanceAfter: '101' }),
    );
    assert.equal(before?.balance, 100n);
    assert.equal(state.wallets.get(aliceGold)?.balance, 101n);
  });

  test('to a wallet that was never opened stops the fold', () => {
    const event = posted(gold, '1', treasury, { walletId: uuid('d', 9), balanceAfter: '1' });
    assert.throws(() => evolve(stateAfter(wallets), event), /which was never opened/);
  });

  function entry(own: { leg: number; walletId: string; seq: bigint; amount: bigint; balanceAfter: bigint }) {
    return { ...own, assetId: gold.id, heldAfter: 0n };
  }
});

describe('transaction.rejected', () => {
  const event = fact('transaction.rejected', {
    type: 'spend',
    asset: 'gold',
    userId: alice.id,
    amount: '500',
    reference: null,
    metadata: null,
    code: 'insufficient_funds',
    detail: 'The wallet has 100 available, 500 are required.',
    figures: { available: '100', required: '500' },
  });

  test('changes nothing and writes no entries', () => {
    const before = [registered(alice), ...issued(gold), ...funded(alice, gold, '100')];
    given(...before)
      .when(event)
      .thenState(() => undefined);
    assert.deepEqual(evolveWithEntries(stateAfter(before), event), []);
    assert.deepEqual(evolve(emptyState(), event), emptyState());
  });
});
