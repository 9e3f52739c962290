import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from '../../src/commands/schemas.ts';
import type { EventData } from '../../src/events/catalog.ts';
import {
  alice,
  bob,
  fact,
  funded,
  gold,
  issued,
  opened,
  registered,
  walletIdOf,
  type Asset,
} from '../events/facts.ts';
import { SALT, digestOf, drawn, given } from '../support/decision.ts';

const aliceGold = walletIdOf(alice, gold);
const bobGold = walletIdOf(bob, gold);
const people = [registered(alice), registered(bob), ...issued(gold)];
const aliceHas100 = [...people, ...funded(alice, gold, '100')];

/** As a command for an amount is recorded. */
function recorded(
  type: string,
  amount: string,
  sides: { from: [walletId: string, balanceAfter: string]; to: [walletId: string, balanceAfter: string] },
  more: Partial<EventData<'transaction.posted'>> = {},
) {
  const from = { walletId: sides.from[0], balanceAfter: sides.from[1] };
  const to = { walletId: sides.to[0], balanceAfter: sides.to[1] };
  return fact('transaction.posted', {
    ...{ type, asset: 'gold', userId: alice.id, amount, reference: null, metadata: null },
    postings: [{ asset: 'gold', amount, from, to }],
    ...more,
  });
}

function opensFor(userId: string, walletId: string, asset: Asset = gold) {
  return fact('wallet.opened', {
    walletId,
    owner: { userId },
    assetId: asset.id,
    asset: asset.slug,
    floor: '0',
  });
}

describe('A top-up or bonus', () => {
  for (const kind of ['topup', 'bonus'] as const) {
    const command: Command = { kind, userId: alice.id, assetSlug: 'gold', amount: '30' };

    test(`opens the wallet on the first ${kind}, then moves money out of the treasury`, () => {
      given(...people)
        .when(command)
        .thenEvents(
          opensFor(alice.id, drawn(2)),
          recorded(kind, '30', { from: [gold.treasuryId, '-30'], to: [drawn(2), '30'] }),
        );
    });

    test(`adds to the balance there is (${kind})`, () => {
      given(...aliceHas100)
        .when(command)
        .thenEvents(recorded(kind, '30', { from: [gold.treasuryId, '-130'], to: [aliceGold, '130'] }));
    });
  }
});

describe('A spend', () => {
  const spend: Command = { kind: 'spend', userId: alice.id, assetSlug: 'gold', amount: '30' };

  test('moves money back into the treasury', () => {
    given(...aliceHas100)
      .when(spend)
      .thenEvents(recorded('spend', '30', { from: [aliceGold, '70'], to: [gold.treasuryId, '-70'] }));
  });

  test('may take the last of it', () => {
    given(...aliceHas100)
      .when({ ...spend, amount: '100' })
      .thenEvents(recorded('spend', '100', { from: [aliceGold, '0'], to: [gold.treasuryId, '0'] }));
  });
});

describe('A transfer', () => {
  const transfer: Command = {
    kind: 'transfer',
    fromUserId: alice.id,
    toUserId: bob.id,
    assetSlug: 'gold',
    amount: '30',
  };
  const named = { toUserId: bob.id };

  test('moves money between two users and names both', () => {
    given(...aliceHas100, opened(bob, gold))
      .when(transfer)
      .thenEvents(recorded('transfer', '30', { from: [aliceGold, '70'], to: [bobGold, '30'] }, named));
  });

  test("opens the receiver's wallet on the first credit", () => {
    given(...aliceHas100)
      .when(transfer)
      .thenEvents(
        opensFor(bob.id, drawn(2)),
        recorded('transfer', '30', { from: [aliceGold, '70'], to: [drawn(2), '30'] }, named),
      );
  });
});

describe('The event of a transaction', () => {
  const spend: Command = { kind: 'spend', userId: alice.id, assetSlug: 'gold', amount: '30' };
  const sides = { from: [aliceGold, '70'], to: [gold.treasuryId, '-70'] } as const;
  const posted = (more: Partial<EventData<'transaction.posted'>>) =>
    recorded('spend', '30', { from: [...sides.from], to: [...sides.to] }, more);

  test('is the transaction: its id is the first one drawn', () => {
    const events = given(...people)
      .when({ kind: 'topup', userId: alice.id, assetSlug: 'gold', amount: '30' })
      .thenEvents(
        opensFor(alice.id, drawn(2)),
        recorded('topup', '30', { from: [gold.treasuryId, '-30'], to: [drawn(2), '30'] }),
      );
    assert.equal(events.at(-1)?.id, drawn(1));
  });

  test('keeps reference and metadata', () => {
    const fields = { reference: 'order-1', metadata: { '10': 'x', item: 'sword', '9': '' } };
    given(...aliceHas100)
      .when({ ...spend, ...fields })
      .thenEvents(posted(fields));
  });

  test('tells metadata without pairs from none', () => {
    given(...aliceHas100)
      .when({ ...spend, metadata: {} })
      .thenEvents(posted({ metadata: {} }));
    given(...aliceHas100)
      .when({ ...spend, metadata: null, reference: null })
      .thenEvents(posted({}));
  });

  test('has digests where metadata is personal; the values stay beside it, under the id of the transaction', () => {
    const metadata = { item: 'ring', name: 'Alice Smith', 'ship to': '1 Main St' };
    const [event] = given(...aliceHas100)
      .when({ ...spend, metadata, personalMetadata: ['ship to', 'name'] })
      .thenEvents(
        posted({
          metadata: { item: 'ring' },
          personalMetadata: { name: digestOf('Alice Smith'), 'ship to': digestOf('1 Main St') },
        }),
      );
    assert.deepEqual(event?.personal, [
      { subjectId: alice.id, field: `metadata:${drawn(1)}:name`, value: 'Alice Smith', salt: SALT },
      { subjectId: alice.id, field: `metadata:${drawn(1)}:ship to`, value: '1 Main St', salt: SALT },
    ]);
    assert.doesNotMatch(JSON.stringify(event.data), /Smith|Main/);
  });

  test('keeps personal metadata of a transfer with the payer', () => {
    const [, event] = given(...aliceHas100)
      .when({
        ...{ kind: 'transfer', fromUserId: alice.id, toUserId: bob.id, assetSlug: 'gold', amount: '30' },
        ...{ metadata: { note: 'happy birthday' }, personalMetadata: ['note'] },
      })
      .thenEvents(
        opensFor(bob.id, drawn(2)),
        recorded(
          'transfer',
          '30',
          { from: [aliceGold, '70'], to: [drawn(2), '30'] },
          { ...{ toUserId: bob.id, metadata: {}, personalMetadata: { note: digestOf('happy birthday') } } },
        ),
      );
    assert.deepEqual(
      event?.personal.map(({ subjectId }) => subjectId),
      [alice.id],
    );
  });

  test('of a refused one keeps the request, its personal metadata as digests too', () => {
    const fields = { reference: 'order-2', metadata: { item: 'castle', name: 'Alice Smith' } };
    const [event] = given(...aliceHas100)
      .when({ ...spend, amount: '101', ...fields, personalMetadata: ['name'] })
      .thenEvents(
        fact('transaction.rejected', {
          ...{ type: 'spend', asset: 'gold', userId: alice.id, amount: '101', reference: 'order-2' },
          metadata: { item: 'castle' },
          personalMetadata: { name: digestOf('Alice Smith') },
          code: 'insufficient_funds',
          detail: 'The wallet has 100 available, 101 are required.',
          figures: { available: '100', required: '101' },
        }),
      );
    assert.equal(event?.id, drawn(1));
    assert.deepEqual(
      event.personal.map(({ value }) => value),
      ['Alice Smith'],
    );
  });
});
