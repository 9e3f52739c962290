import assert from 'node:assert/strict';
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
  ore,
  registered,
  uuid,
  walletIdOf,
} from '../events/facts.ts';
import { SALT, digestOf, drawn, given } from '../support/decision.ts';

describe('Registering a user', () => {
  const register: Command = { kind: 'user.register', email: alice.email };

  test('draws an id; the event has a digest, the e-mail stays beside it', () => {
    const [event] = given()
      .when(register)
      .thenEvents(fact('user.registered', { userId: drawn(1), email: digestOf(alice.email) }));
    const kept = { subjectId: drawn(1), field: 'email', value: alice.email, salt: SALT };
    assert.deepEqual(event?.personal, [kept]);
    assert.ok(!JSON.stringify(event.data).includes('alice'));
  });

  test('takes the id that was asked for', () => {
    given(registered(bob))
      .when({ ...register, id: alice.id })
      .thenEvents(fact('user.registered', { userId: alice.id, email: digestOf(alice.email) }));
  });

  test('trims the e-mail and writes it in lower case', () => {
    const [event] = given()
      .when({ ...register, email: '\t Alice@Example.COM \n' })
      .thenEvents(fact('user.registered', { userId: drawn(1), email: digestOf(alice.email) }));
    assert.equal(event?.personal[0]?.value, alice.email);
  });

  for (const email of [alice.email, 'ALICE@EXAMPLE.COM', '  alice@example.com ']) {
    test(`is refused when the e-mail is taken, written ${JSON.stringify(email)}`, () => {
      given(registered(alice))
        .when({ ...register, email })
        .thenRefused('email_taken');
    });
  }

  test('is refused when the id is taken, before the e-mail is looked at', () => {
    const command: Command = { ...register, id: alice.id };
    given(registered(alice))
      .when({ ...command, email: bob.email })
      .thenRefused('id_taken', { id: alice.id });
    given(registered(alice)).when(command).thenRefused('id_taken', { id: alice.id });
  });

  test('is refused for the id of a banned user too', () => {
    given(registered(alice), banned(alice))
      .when({ ...register, id: alice.id })
      .thenRefused('id_taken', { id: alice.id });
  });
});

describe("Changing a user's status", () => {
  const ban: Command = { kind: 'user.status', userId: alice.id, status: 'BANNED', reason: 'fraud' };

  test('is recorded with the reason and the time of creation, which the answer shows', () => {
    const createdAt = '2025-07-01T00:00:00.000Z';
    const data = { userId: alice.id, status: 'BANNED', reason: 'fraud', createdAt } as const;
    given({ ...registered(alice), occurredAt: createdAt })
      .when(ban)
      .thenEvents(fact('user.status_changed', data));
  });

  test('needs no reason', () => {
    given(registered(alice), banned(alice))
      .when({ kind: 'user.status', userId: alice.id, status: 'ACTIVE' })
      .thenEvents(banned(alice, 'ACTIVE'));
  });

  test('to what it is already is recorded again: each command has an event that answers it', () => {
    given(registered(alice), banned(alice))
      .when({ kind: 'user.status', userId: alice.id, status: 'BANNED' })
      .thenEvents(banned(alice));
  });

  test('is refused for an unknown user', () => {
    given(registered(bob)).when(ban).thenRefused('user_not_found', { userId: alice.id });
  });
});

describe('Creating an asset', () => {
  const treasury = { walletId: drawn(2), owner: { system: 'treasury' }, assetId: drawn(1), asset: 'gold' };
  const asset = { assetId: drawn(1), slug: 'gold', name: 'gold', scale: '0', supplyCap: null };

  test('opens its treasury first, without a bound, and takes the defaults', () => {
    given()
      .when({ kind: 'asset.create', slug: 'gold' })
      .thenEvents(fact('wallet.opened', { ...treasury, floor: null }), fact('asset.created', asset));
  });

  test('keeps name and scale', () => {
    given(...issued(ore))
      .when({ kind: 'asset.create', slug: 'gold', name: 'Gold coins', scale: 18, supplyCap: null })
      .thenEvents(
        fact('wallet.opened', { ...treasury, floor: null }),
        fact('asset.created', { ...asset, name: 'Gold coins', scale: '18' }),
      );
  });

  for (const [supplyCap, floor] of [
    ['0', '0'],
    ['1000', '-1000'],
    ['9'.repeat(38), `-${'9'.repeat(38)}`],
  ] as const) {
    test(`with the supply cap ${supplyCap} bounds its treasury at ${floor}`, () => {
      given()
        .when({ kind: 'asset.create', slug: 'gold', supplyCap })
        .thenEvents(
          fact('wallet.opened', { ...treasury, floor }),
          fact('asset.created', { ...asset, supplyCap }),
        );
    });
  }

  test('is refused when the slug is taken, even by a frozen asset', () => {
    const command: Command = { kind: 'asset.create', slug: 'gold', name: 'Other gold' };
    given(...issued(gold))
      .when(command)
      .thenRefused('slug_taken', { slug: 'gold' });
    given(...issued(gold), frozenAsset(gold))
      .when(command)
      .thenRefused('slug_taken', { slug: 'gold' });
  });
});

describe("Changing an asset's status", () => {
  test('is recorded with all that the answer shows', () => {
    given(...issued(ore))
      .when({ kind: 'asset.status', slug: 'ore', status: 'FROZEN' })
      .thenEvents(frozenAsset(ore));
    given(...issued(gold), frozenAsset(gold))
      .when({ kind: 'asset.status', slug: 'gold', status: 'ACTIVE' })
      .thenEvents(frozenAsset(gold, 'ACTIVE'));
  });

  test('keeps the reason', () => {
    const { data } = frozenAsset(ore) as { data: Parameters<typeof fact<'asset.status_changed'>>[1] };
    given(...issued(ore))
      .when({ kind: 'asset.status', slug: 'ore', status: 'FROZEN', reason: 'audit' })
      .thenEvents(fact('asset.status_changed', { ...data, reason: 'audit' }));
  });

  test('is refused for an unknown asset', () => {
    given(...issued(gold))
      .when({ kind: 'asset.status', slug: 'ore', status: 'FROZEN' })
      .thenRefused('asset_not_found', { assetSlug: 'ore' });
  });
});

describe("Changing a wallet's status", () => {
  const wallet = { id: walletIdOf(alice, gold), owner: { userId: alice.id }, asset: gold };

  test('is recorded with the figures that the answer shows', () => {
    const { data } = frozenWallet(wallet);
    given(registered(alice), ...issued(gold), ...funded(alice, gold, '100'))
      .when({ kind: 'wallet.status', walletId: wallet.id, status: 'FROZEN', reason: 'lost phone' })
      .thenEvents(fact('wallet.status_changed', { ...data, balance: '100', reason: 'lost phone' }));
  });

  test('shows the status of a frozen asset', () => {
    const { data } = frozenWallet(wallet, 'ACTIVE');
    const asset = { ...data.asset, status: 'FROZEN' } as const;
    given(
      registered(alice),
      ...issued(gold),
      ...funded(alice, gold, '100'),
      frozenWallet(wallet),
      frozenAsset(gold),
    )
      .when({ kind: 'wallet.status', walletId: wallet.id, status: 'ACTIVE' })
      .thenEvents(fact('wallet.status_changed', { ...data, asset, balance: '100' }));
  });

  test('may freeze a treasury, whose balance is negative', () => {
    const treasury = { id: gold.treasuryId, owner: { system: 'treasury' }, asset: gold };
    const { data } = frozenWallet(treasury);
    given(registered(alice), ...issued(gold), ...funded(alice, gold, '100'))
      .when({ kind: 'wallet.status', walletId: gold.treasuryId, status: 'FROZEN' })
      .thenEvents(fact('wallet.status_changed', { ...data, balance: '-100' }));
  });

  test('is refused for an unknown wallet', () => {
    const walletId = uuid('d', 99);
    given(registered(alice), ...issued(gold), ...funded(alice, gold, '100'))
      .when({ kind: 'wallet.status', walletId, status: 'FROZEN' })
      .thenRefused('wallet_not_found', { walletId });
  });
});
