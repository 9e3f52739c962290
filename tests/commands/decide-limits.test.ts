import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide } from '../../src/commands/decide.ts';
import type { Command } from '../../src/commands/schemas.ts';
import { evolve } from '../../src/events/evolve.ts';
import type { LedgerState, WalletState } from '../../src/events/state.ts';
import { usedAt } from '../../src/events/spend-limits.ts';
import { contextFrom, given } from '../support/decision.ts';
import {
  alice,
  banned,
  bob,
  fact,
  funded,
  gold,
  issued,
  registered,
  stateAfter,
  uuid,
  walletIdOf,
} from '../events/facts.ts';

const aliceGold = walletIdOf(alice, gold);
const NONE = { perTransaction: null, day: null, week: null, month: null };

const wallet = (balance = '100', held = '0') => ({
  walletId: aliceGold,
  owner: { userId: alice.id },
  asset: { slug: 'gold', name: 'gold', scale: '0', status: 'ACTIVE' as const },
  balance,
  held,
  status: 'ACTIVE' as const,
});
const asset = {
  assetId: gold.id,
  slug: 'gold',
  name: 'gold',
  scale: '0',
  supplyCap: null,
  status: 'ACTIVE' as const,
};

const overdraft = (limit: string) => fact('wallet.overdraft_changed', { ...wallet(), overdraft: limit });
const limits = (some: Partial<Record<keyof typeof NONE, string>>) =>
  fact('wallet.limits_changed', { ...wallet(), limits: { ...NONE, ...some } });
const assetLimits = (some: Partial<Record<keyof typeof NONE, string>>) =>
  fact('asset.limits_changed', { ...asset, limits: { ...NONE, ...some } });

const start = [registered(alice), registered(bob), ...issued(gold), ...funded(alice, gold, '100')];
const spend = (amount: string): Command => ({ kind: 'spend', userId: alice.id, assetSlug: 'gold', amount });
const hold = (amount: string): Command => ({ kind: 'hold', userId: alice.id, assetSlug: 'gold', amount });
const MORNING = '2026-03-01T09:20:00.000Z';

/** A ledger that goes on: what is decided at a time, is so. */
function ledgerAfter(events: Parameters<typeof stateAfter>[0]) {
  const state: LedgerState = stateAfter(events);
  let ids = 1;
  return {
    state,
    /** The code of a refusal, null where it was done. */
    do(command: Command, at = MORNING): Record<string, unknown> | null {
      const context = { ...contextFrom(ids), occurredAt: at };
      ids += 10;
      const decision = decide(state, command, context);
      assert.equal(decision.kind, 'events', JSON.stringify(decision));
      if (decision.kind !== 'events') return null;
      for (const event of decision.events) evolve(state, { ...event, occurredAt: at });
      const last = decision.events.at(-1);
      return last?.type === 'transaction.rejected' ? { code: last.data.code, ...last.data.figures } : null;
    },
    alice: (): WalletState => state.wallets.get(aliceGold)!,
    hold: (): string => [...state.holds.keys()].at(-1)!,
  };
}

describe('An overdraft', () => {
  test('is what the event says from then on, with the wallet as its answer shows it', () => {
    given(...start)
      .when({ kind: 'wallet.overdraft', walletId: aliceGold, limit: '50' })
      .thenEvents(overdraft('50'));
    given(...start, overdraft('50'), limits({ day: '7' }))
      .when({ kind: 'wallet.overdraft', walletId: aliceGold, limit: '0' })
      .thenEvents(
        fact('wallet.overdraft_changed', { ...wallet(), overdraft: '0', limits: { ...NONE, day: '7' } }),
      );
  });

  test('lets a wallet go as far below zero, and no further', () => {
    const ledger = ledgerAfter([...start, overdraft('50')]);
    assert.equal(ledger.do(spend('150')), null);
    assert.deepEqual([ledger.alice().balance, ledger.alice().floor], [-50n, -50n]);
    assert.deepEqual(ledger.do(spend('1')), {
      ...{ code: 'insufficient_funds', available: '-50', overdraft: '50', required: '1' },
    });
  });

  test('can be held against', () => {
    const ledger = ledgerAfter([...start, overdraft('50')]);
    assert.equal(ledger.do(hold('150')), null);
    assert.equal(ledger.do(hold('1'))?.['code'], 'insufficient_funds');
    assert.equal(ledger.do({ kind: 'capture', holdId: ledger.hold() }), null);
    assert.equal(ledger.alice().balance, -50n);
  });

  test('that is lowered below what is used takes nothing: the floor goes along and rises as the wallet recovers', () => {
    const ledger = ledgerAfter([...start, overdraft('50')]);
    ledger.do(spend('140'));
    ledger.do({ kind: 'wallet.overdraft', walletId: aliceGold, limit: '10' });
    assert.equal(ledger.alice().floor, -40n);
    assert.equal(ledger.do(spend('1'))?.['code'], 'insufficient_funds');
    ledger.do({ kind: 'topup', userId: alice.id, assetSlug: 'gold', amount: '25' });
    assert.equal(ledger.alice().floor, -15n);
    ledger.do({ kind: 'topup', userId: alice.id, assetSlug: 'gold', amount: '25' });
    assert.equal(ledger.alice().floor, -10n);
    assert.equal(ledger.do(spend('20')), null);
  });

  test('is not of system accounts, nor of wallets that do not exist', () => {
    const state = stateAfter(start);
    for (const command of [
      { kind: 'wallet.overdraft' as const, walletId: gold.treasuryId, limit: '1' },
      { kind: 'wallet.limits' as const, walletId: gold.treasuryId },
    ]) {
      const decision = decide(state, command, contextFrom());
      assert.deepEqual(
        [decision.kind, decision.kind === 'invalid' && decision.fault.path],
        ['invalid', 'id'],
      );
    }
    const walletId = uuid('d', 99);
    given(...start)
      .when({ kind: 'wallet.overdraft', walletId, limit: '1' })
      .thenRefused('wallet_not_found', { walletId });
    given(...start)
      .when({ kind: 'asset.limits', slug: 'tin' })
      .thenRefused('asset_not_found', { assetSlug: 'tin' });
  });
});

describe('Limits', () => {
  test('that are sent replace all there were', () => {
    given(...start, limits({ day: '5', perTransaction: '4' }), overdraft('9'))
      .when({ kind: 'wallet.limits', walletId: aliceGold, week: '70', day: null })
      .thenEvents(
        fact('wallet.limits_changed', { ...wallet(), overdraft: '9', limits: { ...NONE, week: '70' } }),
      );
    given(...start, assetLimits({ day: '5' }))
      .when({ kind: 'asset.limits', slug: 'gold' })
      .thenEvents(fact('asset.limits_changed', { ...asset, limits: NONE }));
  });

  test('of a transaction hold for all that a command takes from the wallet', () => {
    const ledger = ledgerAfter([...start, limits({ perTransaction: '30' })]);
    assert.equal(ledger.do(spend('30')), null);
    assert.equal(ledger.do(spend('30')), null);
    const to = { system: 'revenue' };
    const posting = { from: { userId: alice.id }, to, assetSlug: 'gold', amount: '16' };
    assert.deepEqual(ledger.do({ kind: 'postings', postings: [posting, posting] }), {
      ...{ code: 'limit_exceeded', walletId: aliceGold, window: 'transaction', scope: 'wallet' },
      ...{ limit: '30', used: '0', required: '32', freesAt: null },
    });
    assert.equal(ledger.do({ kind: 'postings', postings: [posting] }), null);
  });

  test('of a window say what is used of them, whose they are, and when there is room again', () => {
    const ledger = ledgerAfter([...start, limits({ week: '60' }), assetLimits({ day: '50' })]);
    assert.equal(ledger.do(spend('30')), null);
    assert.equal(ledger.do(spend('15'), '2026-03-01T10:00:00.000Z'), null);
    const day = { code: 'limit_exceeded', walletId: aliceGold, window: 'day', scope: 'asset', limit: '50' };
    assert.deepEqual(ledger.do(spend('20'), '2026-03-01T11:00:00.000Z'), {
      ...day,
      ...{ window: 'week', scope: 'wallet', limit: '60', used: '45', required: '20' },
      freesAt: '2026-03-08T12:00:00.000Z',
    });
    assert.deepEqual(ledger.do(spend('6'), '2026-03-01T11:00:00.000Z'), {
      ...{ ...day, used: '45', required: '6', freesAt: '2026-03-02T10:00:00.000Z' },
    });
    assert.deepEqual(ledger.do(spend('51'), '2026-03-01T11:00:00.000Z'), {
      ...{ ...day, used: '45', required: '51', freesAt: null },
    });
    assert.equal(ledger.do(spend('6'), '2026-03-02T10:00:00.000Z'), null);
  });

  test('come after the status and the funds', () => {
    const ledger = ledgerAfter([...start, limits({ day: '0' })]);
    assert.equal(ledger.do(spend('101'))?.['code'], 'insufficient_funds');
    assert.equal(ledger.do(spend('100'))?.['code'], 'limit_exceeded');
    const barred = ledgerAfter([...start, limits({ day: '0' }), banned(alice)]);
    assert.equal(barred.do(spend('1'))?.['code'], 'user_banned');
  });

  test('of an asset hold for a wallet that the command itself opens', () => {
    const ledger = ledgerAfter([...start, assetLimits({ month: '10' })]);
    const from = { userId: bob.id };
    const paid = { from: { system: 'treasury' }, to: from, assetSlug: 'gold', amount: '20' };
    const spent = { from, to: { system: 'treasury' }, assetSlug: 'gold', amount: '11' };
    assert.equal(ledger.do({ kind: 'postings', postings: [paid, spent] })?.['window'], 'month');
    assert.equal(ledger.do({ kind: 'postings', postings: [paid, { ...spent, amount: '10' }] }), null);
  });

  test('count transfers and postings, and neither credits nor what is taken back', () => {
    const ledger = ledgerAfter([...start, limits({ day: '50' })]);
    ledger.do({ kind: 'topup', userId: alice.id, assetSlug: 'gold', amount: '70' });
    ledger.do({ kind: 'transfer', fromUserId: alice.id, toUserId: bob.id, assetSlug: 'gold', amount: '20' });
    const posting = { from: { userId: alice.id }, to: { system: 'revenue' }, assetSlug: 'gold', amount: '5' };
    ledger.do({ kind: 'postings', postings: [posting, posting] });
    assert.equal(usedAt(ledger.alice().limits, 'day', MORNING), 30n);
    const treasury = { walletId: gold.treasuryId, balanceAfter: '-170' };
    ledger.state.originals.set(uuid('9', 1), {
      ...{ transactionId: uuid('9', 1), type: 'topup', asset: 'gold', userId: alice.id },
      postings: [
        { asset: 'gold', amount: '70', from: treasury, to: { walletId: aliceGold, balanceAfter: '170' } },
      ],
      ...{ reversed: 0n, wholly: false, lotId: null },
    });
    assert.equal(ledger.do({ kind: 'reversal', transactionId: uuid('9', 1), amount: '60' }), null);
    assert.equal(ledger.do({ kind: 'reversal', transactionId: uuid('9', 1), force: true }), null);
    assert.equal(usedAt(ledger.alice().limits, 'day', MORNING), 30n);
    assert.equal(ledger.do(spend('20')), null);
    assert.equal(ledger.do(spend('1'))?.['code'], 'limit_exceeded');
  });

  test('count nothing in a window of which none is in force', () => {
    const ledger = ledgerAfter([...start, limits({ day: '50' })]);
    ledger.do(spend('20'));
    ledger.do({ kind: 'wallet.limits', walletId: aliceGold, month: '50' });
    ledger.do(spend('10'));
    assert.equal(usedAt(ledger.alice().limits, 'day', MORNING), 20n);
    assert.equal(usedAt(ledger.alice().limits, 'month', MORNING), 10n);
    assert.equal(usedAt(ledger.alice().limits, 'week', MORNING), 0n);
  });
});

describe('A hold', () => {
  const LATER = '2026-03-01T15:00:00.000Z';

  test('is spent when it is placed; its captures are not spent again', () => {
    const ledger = ledgerAfter([...start, limits({ day: '50' })]);
    assert.equal(ledger.do(hold('40')), null);
    assert.equal(ledger.do(hold('11'))?.['code'], 'limit_exceeded');
    assert.equal(ledger.do({ kind: 'capture', holdId: ledger.hold(), amount: '30', final: false }), null);
    assert.equal(ledger.do({ kind: 'capture', holdId: ledger.hold() }), null);
    assert.equal(usedAt(ledger.alice().limits, 'day', MORNING), 40n);
  });

  test('gives back what was not captured of it, where it was counted', () => {
    const ledger = ledgerAfter([...start, limits({ day: '50' })]);
    ledger.do(hold('40'));
    ledger.do(spend('5'), LATER);
    assert.equal(ledger.do({ kind: 'capture', holdId: ledger.hold(), amount: '10' }, LATER), null);
    assert.deepEqual(
      ledger.alice().limits?.counted.day.map(([, amount]) => amount),
      [10n, 5n],
    );
    ledger.do(hold('35'), LATER);
    ledger.do({ kind: 'release', holdId: ledger.hold() }, LATER);
    assert.equal(usedAt(ledger.alice().limits, 'day', LATER), 15n);
  });

  test('that expires gives all of it back, and long after it was placed nothing', () => {
    const ledger = ledgerAfter([...start, limits({ day: '50', month: '60' })]);
    ledger.do({ ...hold('40'), expiresInSeconds: 3_600 } as Command);
    const first = ledger.hold();
    ledger.do({ kind: 'hold.expire', holdId: first }, LATER);
    assert.equal(usedAt(ledger.alice().limits, 'month', LATER), 0n);
    ledger.do(hold('40'), LATER);
    const muchLater = '2026-03-03T15:00:00.000Z';
    ledger.do(spend('50'), muchLater.replace('15:', '14:'));
    assert.equal(ledger.do({ kind: 'release', holdId: ledger.hold() }, muchLater), null);
    assert.equal(usedAt(ledger.alice().limits, 'day', muchLater), 0n);
  });

  test('gives nothing back to a window in which it was not counted', () => {
    const ledger = ledgerAfter([...start, limits({ day: '90' })]);
    ledger.do(hold('40'));
    ledger.do({ kind: 'wallet.limits', walletId: aliceGold, week: '90' });
    ledger.do(spend('45'));
    ledger.do({ kind: 'release', holdId: ledger.hold() });
    assert.equal(usedAt(ledger.alice().limits, 'week', MORNING), 45n);
    assert.equal(usedAt(ledger.alice().limits, 'day', MORNING), 0n);
  });
});
