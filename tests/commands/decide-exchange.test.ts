/** Exchange: one asset for another through their treasuries, in one event, at terms that follow from the request. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/commands/decide.ts';
import { exchangeBody, type ExchangeCommand } from '../../src/commands/money-schemas.ts';
import type { EventData, ExchangeTerms } from '../../src/events/catalog.ts';
import { evolve } from '../../src/events/evolve.ts';
import { walletOf } from '../../src/events/state.ts';
import {
  NOON,
  alice,
  banned,
  fact,
  frozenAsset,
  frozenWallet,
  funded,
  gold,
  issued,
  opened,
  ore,
  registered,
  stateAfter,
  walletIdOf,
  type Happening,
} from '../events/facts.ts';
import { contextFrom, drawn, given } from '../support/decision.ts';

const MOST = '9'.repeat(38);
const aliceGold = walletIdOf(alice, gold);
const aliceOre = walletIdOf(alice, ore);
const people = [registered(alice), ...issued(gold), ...issued(ore)];
const aliceHas100 = [...people, ...funded(alice, gold, '100')];

const command: ExchangeCommand = {
  ...{ kind: 'exchange', userId: alice.id, fromAsset: 'gold', toAsset: 'ore', amount: '30', rate: '0.25' },
};

function terms(more: Partial<ExchangeTerms> = {}): ExchangeTerms {
  return {
    ...{ fromAsset: 'gold', toAsset: 'ore', amount: '30', toAmount: '7' },
    ...{ rate: '0.25', numerator: '1', denominator: '4', rounding: 'down' },
    ...more,
  };
}

function sides(from: [string, string], to: [string, string]) {
  return { from: { walletId: from[0], balanceAfter: from[1] }, to: { walletId: to[0], balanceAfter: to[1] } };
}

function exchangedBy(
  postings: EventData<'transaction.posted'>['postings'],
  exchange: ExchangeTerms = terms(),
) {
  const { amount } = exchange;
  return fact('transaction.posted', {
    ...{ type: 'exchange', asset: 'gold', userId: alice.id, amount, reference: null, metadata: null },
    ...{ exchange, postings },
  });
}

function opens(walletId: string, asset = ore) {
  const { id: assetId, slug } = asset;
  return fact('wallet.opened', {
    ...{ walletId, owner: { userId: alice.id }, assetId, asset: slug, floor: '0' },
  });
}

describe('An exchange', () => {
  test('takes the one amount and gives the other in one event, and opens the wallet for it', () => {
    given(...aliceHas100)
      .when(command)
      .thenEvents(
        opens(drawn(2)),
        exchangedBy([
          { asset: 'gold', amount: '30', ...sides([aliceGold, '70'], [gold.treasuryId, '-70']) },
          { asset: 'ore', amount: '7', ...sides([ore.treasuryId, '-7'], [drawn(2), '7']) },
        ]),
      );
  });

  test('for what is to be given keeps the exact fraction, and may take the last of both', () => {
    given(...aliceHas100, ...funded(alice, ore, '10'))
      .when({ ...command, amount: '100', rate: undefined, toAmount: '990' })
      .thenEvents(
        exchangedBy(
          [
            { asset: 'gold', amount: '100', ...sides([aliceGold, '0'], [gold.treasuryId, '0']) },
            { asset: 'ore', amount: '990', ...sides([ore.treasuryId, '-1000'], [aliceOre, '1000']) },
          ],
          terms({ amount: '100', toAmount: '990', rate: null, numerator: '99', denominator: '10' }),
        ),
      );
  });

  test('keeps the rate as it was given', () => {
    const [, event] = given(...aliceHas100)
      .when({ ...command, rate: '0.2500' })
      .thenEvents(
        opens(drawn(2)),
        exchangedBy(
          [
            { asset: 'gold', amount: '30', ...sides([aliceGold, '70'], [gold.treasuryId, '-70']) },
            { asset: 'ore', amount: '7', ...sides([ore.treasuryId, '-7'], [drawn(2), '7']) },
          ],
          terms({ rate: '0.2500' }),
        ),
      );
    assert.equal(event?.type, 'transaction.posted');
  });
});

type Refusal = Parameters<ReturnType<ReturnType<typeof given>['when']>['thenDeclined']>;

const wallets = {
  'the one they pay from': { id: aliceGold, owner: { userId: alice.id }, asset: gold },
  'the one they are paid into': { id: aliceOre, owner: { userId: alice.id }, asset: ore },
  'the treasury that is paid': { id: gold.treasuryId, owner: { system: 'treasury' }, asset: gold },
  'the treasury that pays': { id: ore.treasuryId, owner: { system: 'treasury' }, asset: ore },
};

const refusals: [what: string, events: Happening[], change: Partial<ExchangeCommand>, refusal: Refusal][] = [
  [
    'more than the user has, though the cap would not allow it either',
    aliceHas100,
    { amount: '101', rate: '1000' },
    ['insufficient_funds', { available: '100', required: '101' }],
  ],
  [
    'by a user without a wallet, which is opened',
    people,
    {},
    ['insufficient_funds', { available: '0', required: '30' }, [opens(drawn(2), gold)]],
  ],
  [
    'for more than the supply cap leaves, with nothing opened',
    aliceHas100,
    { rate: '34' },
    ['supply_cap_exceeded', { asset: 'ore', supplyCap: '1000', circulation: '0' }],
  ],
  ['by a banned user', [...aliceHas100, banned(alice)], {}, ['user_banned', { userId: alice.id }]],
  ['of a frozen asset', [...aliceHas100, frozenAsset(gold)], {}, ['asset_frozen', { asset: 'gold' }]],
  ['for a frozen asset', [...aliceHas100, frozenAsset(ore)], {}, ['asset_frozen', { asset: 'ore' }]],
  ...Object.entries(wallets).map(([what, wallet]): (typeof refusals)[number] => [
    `while a wallet is frozen: ${what}`,
    [...aliceHas100, opened(alice, ore), frozenWallet(wallet)],
    {},
    ['wallet_frozen', { walletId: wallet.id }],
  ]),
];

describe('An exchange is declined', () => {
  for (const [what, events, change, refusal] of refusals)
    test(what, () =>
      given(...events)
        .when({ ...command, ...change })
        .thenDeclined(...refusal),
    );

  test('where a balance would have more than 38 digits', () => {
    const rich = { ...ore, slug: 'ore', supplyCap: null };
    given(
      registered(alice),
      ...issued(gold),
      ...issued(rich),
      ...funded(alice, gold, '100'),
      ...funded(alice, rich, MOST),
    )
      .when({ ...command, amount: '1', rate: '1' })
      .thenDeclined('balance_out_of_range', { amount: '1' });
  });

  test('with its terms kept', () => {
    const state = stateAfter(aliceHas100);
    const decision = decide(state, { ...command, amount: '103' }, contextFrom());
    assert.ok(decision.kind === 'events');
    const [event] = decision.events;
    assert.ok(event.type === 'transaction.rejected');
    const { type, asset, amount, exchange } = event.data;
    assert.deepEqual(
      { type, asset, amount, exchange },
      { type: 'exchange', asset: 'gold', amount: '103', exchange: terms({ amount: '103', toAmount: '25' }) },
    );
  });
});

describe('An exchange is refused without a trace', () => {
  test('for an unknown user', () => {
    given(...issued(gold), ...issued(ore))
      .when(command)
      .thenRefused('user_not_found', { userId: alice.id });
  });

  for (const [known, unknown] of [
    [gold, 'ore'],
    [ore, 'gold'],
  ] as const)
    test(`for the unknown asset ${unknown}`, () => {
      given(registered(alice), ...issued(known))
        .when(command)
        .thenRefused('asset_not_found', { assetSlug: unknown });
    });
});

const amount = fc.oneof(fc.bigInt(1n, 500n), fc.bigInt(1n, 10n ** 38n - 1n)).map(String);
const rate = fc
  .tuple(fc.bigInt(0n, 10n ** 12n), fc.bigInt(0n, 10n ** 18n - 1n), fc.nat(18))
  .map(([whole, part, places]) =>
    places === 0 ? whole.toString() : `${whole}.${part.toString().padStart(18, '0').slice(0, places)}`,
  );

/** All that alice holds of an asset after she has exchanged all that she has of the other. */
function exchangeAll(asked: Pick<ExchangeCommand, 'amount' | 'rate' | 'toAmount'>, from = gold, to = ore) {
  const uncapped = [
    { ...from, supplyCap: null },
    { ...to, supplyCap: null },
  ] as const;
  const state = stateAfter([
    ...[registered(alice), ...issued(uncapped[0]), ...issued(uncapped[1])],
    ...funded(alice, uncapped[0], asked.amount),
  ]);
  const body = { userId: alice.id, fromAsset: from.slug, toAsset: to.slug, ...asked };
  const parsed = exchangeBody.safeParse(body);
  if (!parsed.success) return { refused: parsed.error.issues.map(({ message }) => message) };
  const decision = decide(state, { kind: 'exchange', ...parsed.data }, contextFrom());
  assert.ok(decision.kind === 'events');
  for (const event of decision.events) evolve(state, { ...event, occurredAt: NOON });
  const last = decision.events.at(-1);
  assert.ok(last?.type === 'transaction.posted' && last.data.exchange !== undefined);
  const held = walletOf(state, { userId: alice.id }, to.slug)?.balance ?? 0n;
  return { exchange: last.data.exchange, held };
}

test('whatever the amount and rate, it gives what the amount is worth at that rate, rounded down', () => {
  fc.assert(
    fc.property(amount, rate, (of, at) => {
      const made = exchangeAll({ amount: of, rate: at });
      if (made.refused !== undefined) {
        assert.match(made.refused.join(), /buys nothing|38 digits|more than 0/);
        return;
      }
      const { exchange, held } = made;
      const [numerator, denominator] = [BigInt(exchange.numerator), BigInt(exchange.denominator)];
      const [whole = '', decimals = ''] = at.split('.');
      assert.equal(BigInt(whole + decimals) * denominator, numerator * 10n ** BigInt(decimals.length));
      assert.equal(held.toString(), exchange.toAmount);
      assert.ok(held * denominator <= BigInt(of) * numerator);
      assert.ok(BigInt(of) * numerator < (held + 1n) * denominator);
    }),
    { numRuns: 500 },
  );
});

test('there and back, at a rate and at what is as good the other way, nobody gains', () => {
  const reciprocal = fc.constantFrom(
    ...([
      ['0.25', '4'],
      ['4', '0.25'],
      ['1.6', '0.625'],
      ['0.000001', '1000000'],
      ['1', '1'],
    ] as const),
  );
  fc.assert(
    fc.property(amount, reciprocal, (of, [there, back]) => {
      const first = exchangeAll({ amount: of, rate: there });
      if (first.refused !== undefined) return;
      const second = exchangeAll({ amount: first.exchange.toAmount, rate: back }, ore, gold);
      assert.ok(second.refused !== undefined || second.held <= BigInt(of));
    }),
    { numRuns: 500 },
  );
});
