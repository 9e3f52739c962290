/** What holds for lots in every history, with a clock that moves. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { freeOf, lotChangesOf, type Lot } from '../../src/events/lots.ts';
import type { LedgerState } from '../../src/events/state.ts';
import { play, type Happened } from './random-ledger.ts';
import { histories } from './random-steps.ts';

/** Each event, with the lots as they were before it. */
function forAllEvents(check: (happened: Happened, before: ReadonlyMap<string, Lot>) => void): void {
  fc.assert(
    fc.property(histories, (steps) => {
      let before = new Map<string, Lot>();
      for (const happened of play(steps)) {
        check(happened, before);
        before = byId(happened.state);
      }
    }),
    { numRuns: 300 },
  );
}

function byId(state: LedgerState): Map<string, Lot> {
  return new Map([...state.lots.values()].flat().map((lot) => [lot.lotId, lot]));
}

function sum(amounts: Iterable<bigint>): bigint {
  return [...amounts].reduce((total, amount) => total + amount, 0n);
}

describe('In every history', () => {
  test('no lot has more than it was given, less than holds reserve, or less than nothing', () => {
    forAllEvents(({ state }) => {
      for (const { amount, remaining, reserved } of byId(state).values())
        assert.ok(0n <= reserved && reserved <= remaining && remaining <= amount);
    });
  });

  test('what lots reserve is what open holds keep of them', () => {
    forAllEvents(({ state }) => {
      const kept = [...state.holds.values()].flatMap(({ lots = [] }) => lots);
      for (const { lotId, reserved } of byId(state).values())
        assert.equal(
          reserved,
          sum(kept.filter((share) => share.lotId === lotId).map(({ amount }) => BigInt(amount))),
        );
    });
  });

  test('a lot changes by what its events say, and only by that', () => {
    forAllEvents(({ event, state }, before) => {
      const changes = lotChangesOf(event);
      for (const [lotId, { remaining, reserved }] of byId(state)) {
        const own = changes.filter((change) => change.lotId === lotId);
        const was = before.get(lotId) ?? { remaining: 0n, reserved: 0n };
        assert.equal(remaining, was.remaining + sum(own.map((change) => change.remaining)));
        assert.equal(reserved, was.reserved + sum(own.map((change) => change.reserved)));
      }
    });
  });

  test('nothing is spent of a lot that is over, and nothing plain while there is a lot to spend', () => {
    forAllEvents(({ event, state }, before) => {
      if (event.type !== 'transaction.posted' || event.data.expires !== undefined) return;
      const isReversal = event.data.reverses !== undefined;
      for (const { amount, from } of event.data.postings) {
        const taken = from.lots ?? [];
        // What takes the bonus itself back comes out of its own lot, over or not.
        for (const { lotId } of taken)
          assert.ok(lotId === event.data.reverses || before.get(lotId)!.expiresAt > event.occurredAt, lotId);
        const plain = BigInt(amount) - sum(taken.map((share) => BigInt(share.amount)));
        // A later posting or the other side of a reversal may put something back.
        if (plain === 0n || event.data.postings.length > 1 || isReversal) continue;
        const left: Lot[] = (state.lots.get(from.walletId) ?? []).filter(
          ({ expiresAt }) => expiresAt > event.occurredAt,
        );
        assert.equal(sum(left.map(freeOf)), 0n);
      }
    });
  });

  test('what ends first is spent first', () => {
    forAllEvents(({ event, state }, before) => {
      if (event.type !== 'transaction.posted' || event.data.postings.length > 1) return;
      if (event.data.expires !== undefined || event.data.reverses !== undefined) return;
      const [{ from }] = event.data.postings as [(typeof event.data.postings)[number]];
      const last = from.lots?.at(-1);
      if (last === undefined) return;
      const { expiresAt } = before.get(last.lotId)!;
      for (const lot of state.lots.get(from.walletId) ?? [])
        if (lot.expiresAt > event.occurredAt && lot.expiresAt < expiresAt) assert.equal(freeOf(lot), 0n);
    });
  });

  test('what expires is over, is all that is not reserved, and goes back to who gave it', () => {
    let expired = 0;
    forAllEvents(({ event, state }, before) => {
      if (event.type !== 'transaction.posted' || event.data.expires === undefined) return;
      expired += 1;
      const lot = before.get(event.data.expires)!;
      const [{ amount, from, to }] = event.data.postings as [(typeof event.data.postings)[number]];
      assert.ok(lot.expiresAt <= event.occurredAt);
      assert.equal(BigInt(amount), freeOf(lot));
      assert.equal(from.walletId, lot.walletId);
      const giver = state.wallets.get(to.walletId)!;
      assert.deepEqual(giver.owner, { system: 'treasury' });
      assert.equal(giver.asset, state.wallets.get(lot.walletId)!.asset);
    });
    assert.ok(expired > 10, `${expired} lots expired in all histories`);
  });

  test('a wallet tells when the next of its lots ends', () => {
    forAllEvents(({ state }) => {
      for (const { id, nextDueAt } of state.wallets.values()) {
        const open = (state.lots.get(id) ?? []).filter(({ remaining }) => remaining > 0n);
        assert.equal(nextDueAt, open.map(({ expiresAt }) => expiresAt).sort()[0] ?? null);
      }
    });
  });
});
