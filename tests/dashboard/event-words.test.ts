import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Asset, LedgerEvent } from '../../dashboard/src/api/types.ts';
import { summaryOf, userOf } from '../../dashboard/src/lib/event-words.ts';

const GOLD: Asset = {
  ...{ id: '01a22cbe-e26b-7480-8ff5-b8094a02bc33', slug: 'gold_coins', name: 'Gold coins', scale: 2 },
  ...{ status: 'ACTIVE', supplyCap: null },
};

function eventOf(type: string, data: Record<string, unknown>): LedgerEvent {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    ...{ position: '1', id: GOLD.id, type, version: 1, occurredAt: at, recordedAt: at, actor: 'anonymous' },
    ...{ idempotencyKey: null, correlationId: null, relatedId: null, data },
  };
}

test('an event is told in a line, with its amount in the scale of its asset', () => {
  const money = { asset: 'gold_coins', amount: '123456' };
  for (const [type, data, words] of [
    ['transaction.posted', { type: 'topup', ...money }, 'Top up 1\u202f234.56 Gold coins'],
    [
      'transaction.rejected',
      { type: 'spend', ...money, code: 'insufficient_funds' },
      'Spend 1\u202f234.56 Gold coins: insufficient funds',
    ],
    ['transaction.posted', { type: 'tip_jar', ...money, amount: '1' }, 'tip jar 0.01 Gold coins'],
    ['hold.placed', { hold: money }, '1\u202f234.56 Gold coins'],
    ['wallet.opened', { asset: 'gold_coins', owner: { system: 'treasury' } }, 'Gold coins, treasury'],
    ['wallet.opened', { asset: 'gold_coins', owner: { userId: 'u' } }, 'Gold coins'],
    ['asset.status_changed', { name: 'Gold coins', status: 'FROZEN' }, 'Gold coins, frozen'],
    ['wallet.status_changed', { asset: { name: 'Gold coins' }, status: 'ACTIVE' }, 'Gold coins, active'],
    ['user.status_changed', { userId: 'u', status: 'BANNED' }, 'banned'],
    ['user.registered', { userId: 'u', email: 'a8b4' }, ''],
    ['of.a.newer.service', { amount: { currency: 'x' } }, ''],
  ] as const) {
    assert.equal(summaryOf(eventOf(type, data), [GOLD]), words, type);
  }
});

test('whom an event is about is found wherever it says so', () => {
  assert.equal(userOf(eventOf('transaction.posted', { userId: 'a' })), 'a');
  assert.equal(userOf(eventOf('wallet.opened', { owner: { userId: 'b' } })), 'b');
  assert.equal(userOf(eventOf('hold.placed', { hold: { userId: 'c' } })), 'c');
  assert.equal(userOf(eventOf('asset.created', { owner: { system: 'treasury' } })), null);
});
