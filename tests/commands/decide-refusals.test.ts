/** Refusals of money commands: which one comes first, the figures it tells, and what it opens. */
import { describe, test } from 'node:test';
import type { Command } from '../../src/commands/schemas.ts';
import {
  alice,
  banned,
  bob,
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
  walletIdOf,
  type Asset,
  type User,
} from '../events/facts.ts';
import { drawn, given } from '../support/decision.ts';

const MOST = '9'.repeat(38);
const people = [registered(alice), registered(bob)];
const aliceHas100 = [...people, ...issued(gold), ...funded(alice, gold, '100')];
const aliceGold = walletIdOf(alice, gold);

function money(kind: 'topup' | 'bonus' | 'spend', amount: string, asset: Asset = gold): Command {
  return { kind, userId: alice.id, assetSlug: asset.slug, amount };
}

function transfer(amount: string, from: User = alice, to: User = bob): Command {
  return { kind: 'transfer', fromUserId: from.id, toUserId: to.id, assetSlug: 'gold', amount };
}

const every: Command[] = [money('topup', '10'), money('bonus', '10'), money('spend', '10'), transfer('10')];

function walletOf(user: User, asset: Asset = gold) {
  return { id: walletIdOf(user, asset), owner: { userId: user.id }, asset };
}

function opensFor(user: User, walletId: string) {
  return fact('wallet.opened', {
    walletId,
    owner: { userId: user.id },
    assetId: gold.id,
    asset: 'gold',
    floor: '0',
  });
}

describe('Requests that name what does not exist are refused without a trace', () => {
  for (const command of every) {
    test(`an unknown user (${command.kind})`, () => {
      given(registered(bob), ...issued(gold))
        .when(command)
        .thenRefused('user_not_found', { userId: alice.id });
    });

    test(`an unknown asset (${command.kind})`, () => {
      given(...people, ...issued(ore))
        .when(command)
        .thenRefused('asset_not_found', { assetSlug: 'gold' });
    });
  }

  test('the unknown receiver of a transfer', () => {
    given(registered(alice), ...issued(gold))
      .when(transfer('10'))
      .thenRefused('user_not_found', { userId: bob.id });
  });

  test('an unknown user is said before an unknown asset', () => {
    given().when(money('spend', '10')).thenRefused('user_not_found', { userId: alice.id });
  });
});

describe('A status that bars is recorded with what it is about', () => {
  for (const command of every) {
    test(`a banned user (${command.kind})`, () => {
      given(...aliceHas100, banned(alice))
        .when(command)
        .thenDeclined('user_banned', { userId: alice.id });
    });

    test(`a frozen asset (${command.kind})`, () => {
      given(...aliceHas100, frozenAsset(gold))
        .when(command)
        .thenDeclined('asset_frozen', { asset: 'gold' });
    });

    test(`a frozen wallet (${command.kind})`, () => {
      given(...aliceHas100, frozenWallet(walletOf(alice)))
        .when(command)
        .thenDeclined('wallet_frozen', { walletId: aliceGold });
    });
  }

  for (const command of every.slice(0, 3)) {
    test(`a frozen treasury (${command.kind})`, () => {
      given(...aliceHas100, frozenWallet({ id: gold.treasuryId, owner: { system: 'treasury' }, asset: gold }))
        .when(command)
        .thenDeclined('wallet_frozen', { walletId: gold.treasuryId });
    });
  }

  test('a frozen treasury does not concern a transfer', () => {
    const frozen = frozenWallet({ id: gold.treasuryId, owner: { system: 'treasury' }, asset: gold });
    const [from, to] = [
      { walletId: aliceGold, balanceAfter: '90' },
      { walletId: walletIdOf(bob, gold), balanceAfter: '10' },
    ];
    const { data } = posted(gold, '10', from, to);
    given(...aliceHas100, opened(bob, gold), frozen)
      .when(transfer('10'))
      .thenEvents(
        fact('transaction.posted', { ...data, type: 'transfer', userId: alice.id, toUserId: bob.id }),
      );
  });

  test('a banned or frozen receiver of a transfer', () => {
    given(...aliceHas100, banned(bob))
      .when(transfer('10'))
      .thenDeclined('user_banned', { userId: bob.id });
    given(...aliceHas100, opened(bob, gold), frozenWallet(walletOf(bob)))
      .when(transfer('10'))
      .thenDeclined('wallet_frozen', { walletId: walletIdOf(bob, gold) });
  });

  test('the payer is said before the receiver, a ban before a frozen asset, that before a frozen wallet', () => {
    const all = [
      ...aliceHas100,
      opened(bob, gold),
      frozenWallet(walletOf(bob)),
      frozenWallet(walletOf(alice)),
    ];
    given(...all)
      .when(transfer('500'))
      .thenDeclined('wallet_frozen', { walletId: aliceGold });
    given(...all, frozenAsset(gold))
      .when(transfer('500'))
      .thenDeclined('asset_frozen', { asset: 'gold' });
    given(...all, frozenAsset(gold), banned(bob))
      .when(transfer('500'))
      .thenDeclined('user_banned', { userId: bob.id });
    given(...all, banned(bob), banned(alice))
      .when(transfer('500'))
      .thenDeclined('user_banned', { userId: alice.id });
  });

  test('another wallet of the user, frozen, does not bar', () => {
    given(...aliceHas100, ...issued(ore), opened(alice, ore), frozenWallet(walletOf(alice, ore)))
      .when(money('spend', '500'))
      .thenDeclined('insufficient_funds', { available: '100', required: '500' });
  });

  test('a user who was banned and is active again is not barred', () => {
    given(...aliceHas100, banned(alice), banned(alice, 'ACTIVE'))
      .when(money('spend', '101'))
      .thenDeclined('insufficient_funds', { available: '100', required: '101' });
  });
});

describe('Insufficient funds', () => {
  for (const command of [money('spend', '101'), transfer('101')]) {
    test(`tell what is available and what is required (${command.kind})`, () => {
      given(...aliceHas100)
        .when(command)
        .thenDeclined('insufficient_funds', { available: '100', required: '101' });
    });

    test(`open the wallet that the payer does not have, so that its absence is a locked fact (${command.kind})`, () => {
      given(...people, ...issued(gold))
        .when(command)
        .thenDeclined('insufficient_funds', { available: '0', required: '101' }, [opensFor(alice, drawn(2))]);
    });
  }

  test('are told before the wallet of the receiver is opened', () => {
    given(...people, ...issued(gold), ...funded(bob, gold, '5'))
      .when(transfer('6', bob, alice))
      .thenDeclined('insufficient_funds', { available: '5', required: '6' });
  });
});

describe('The supply cap', () => {
  const scarce = [...people, ...issued(ore), ...funded(bob, ore, '990')];

  for (const kind of ['topup', 'bonus'] as const) {
    test(`refuses a ${kind} beyond it, with cap and circulation, and opens no wallet`, () => {
      given(...scarce)
        .when(money(kind, '11', ore))
        .thenDeclined('supply_cap_exceeded', { asset: 'ore', supplyCap: '1000', circulation: '990' });
    });
  }

  test('may be reached exactly', () => {
    const from = { walletId: ore.treasuryId, balanceAfter: '-1000' };
    const { data } = posted(ore, '10', from, { walletId: walletIdOf(alice, ore), balanceAfter: '10' });
    given(...scarce, opened(alice, ore))
      .when(money('topup', '10', ore))
      .thenEvents(fact('transaction.posted', { ...data, userId: alice.id }));
  });

  test('of zero refuses even 1', () => {
    given(...people, ...issued({ ...ore, supplyCap: '0' }))
      .when(money('topup', '1', ore))
      .thenDeclined('supply_cap_exceeded', { asset: 'ore', supplyCap: '0', circulation: '0' });
  });

  test('of 38 digits bounds an amount that would pass it', () => {
    given(...people, ...issued({ ...ore, supplyCap: MOST }), ...funded(bob, ore, '1'))
      .when(money('topup', MOST, ore))
      .thenDeclined('supply_cap_exceeded', { asset: 'ore', supplyCap: MOST, circulation: '1' });
  });
});

describe('A balance of 38 digits', () => {
  const from = { walletId: gold.treasuryId, balanceAfter: `-${MOST}` };
  const { data } = posted(gold, MOST, from, { walletId: aliceGold, balanceAfter: MOST });

  test('may be reached exactly', () => {
    given(...people, ...issued(gold), opened(alice, gold))
      .when(money('topup', MOST))
      .thenEvents(fact('transaction.posted', { ...data, userId: alice.id }));
  });

  test('must not be passed by 1', () => {
    given(...people, ...issued(gold), ...funded(alice, gold, MOST))
      .when(money('topup', '1'))
      .thenDeclined('balance_out_of_range', { amount: '1' });
  });

  test('is a bound of the treasury as well; the wallet that was absent is opened', () => {
    given(...people, ...issued(gold), ...funded(bob, gold, MOST))
      .when(money('bonus', '1'))
      .thenDeclined('balance_out_of_range', { amount: '1' }, [opensFor(alice, drawn(2))]);
  });

  test('is a bound of the receiver of a transfer', () => {
    given(...people, ...issued(gold), ...funded(bob, gold, '1'), ...funded(alice, gold, MOST))
      .when(transfer('1', bob, alice))
      .thenDeclined('balance_out_of_range', { amount: '1' });
  });
});
