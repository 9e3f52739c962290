/** What holds for every history, however the commands fall. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/commands/decide.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import { currentVersion, ownerKey } from '../../src/events/catalog.ts';
import { evolve } from '../../src/events/evolve.ts';
import { emptyState } from '../../src/events/state.ts';
import { upcast } from '../../src/events/upcast.ts';
import { isInRange } from '../../src/money.ts';
import type { Happening } from '../events/facts.ts';
import { numbersIn } from '../events/numbers-in.ts';
import { contextFrom } from '../support/decision.ts';
import { eachDecision, play, sumByAsset } from './random-ledger.ts';
import { histories, type Step } from './random-steps.ts';

const RUNS = { numRuns: 200 };

function forAllHistories(check: (steps: Step[]) => void): void {
  fc.assert(fc.property(histories, check), RUNS);
}

function eventsOf(steps: readonly Step[]): Happening[] {
  return [...play(steps)].map(({ event }) => event);
}

describe('In every history', () => {
  test('the balances of all wallets of an asset add up to zero, after each event', () => {
    forAllHistories((steps) => {
      for (const { state } of play(steps)) {
        for (const [slug, sum] of sumByAsset(state, () => true)) assert.equal(sum, 0n, slug);
      }
    });
  });

  test('no wallet but a treasury is ever below zero, unless by force or overdraft; no balance has more than 38 digits', () => {
    forAllHistories((steps) => {
      const overdrafts = steps.map((step) => (step.kind === 'overdraft.of' ? BigInt(step.limit) : 0n));
      const most = overdrafts.reduce((one, other) => (one > other ? one : other), 0n);
      const forced = steps.some((step) => step.kind === 'reversal.of' && step.force === true);
      for (const { state } of play(steps)) {
        for (const { owner, balance, held, floor } of state.wallets.values()) {
          assert.ok(isInRange(balance), `${balance}`);
          assert.ok(floor === null || balance - held >= floor, `${balance} - ${held} is below ${floor}`);
          assert.ok(held >= 0n, `${held} held`);
          if (ownerKey(owner) === 'treasury' || ('userId' in owner && forced)) continue;
          const lowest = 'userId' in owner ? -most : 0n;
          assert.ok(balance - held >= lowest, `${balance} - ${held}`);
        }
      }
    });
  });

  test('what a wallet holds is what remains of its open holds, and of no hold more went than there was', () => {
    forAllHistories((steps) => {
      for (const { state } of play(steps)) {
        const open = Map.groupBy(state.holds.values(), ({ walletId }) => walletId);
        for (const { id, held } of state.wallets.values()) {
          const remaining = (open.get(id) ?? []).map((hold) => BigInt(hold.remaining));
          assert.equal(
            held,
            remaining.reduce((sum, one) => sum + one, 0n),
          );
        }
        for (const { amount, captured, remaining } of state.holds.values())
          assert.ok(BigInt(captured) + BigInt(remaining) <= BigInt(amount));
      }
    });
  });

  test('of no transaction is more reversed than it moved', () => {
    forAllHistories((steps) => {
      const reversed = new Map<string, bigint>();
      for (const { event, state } of play(steps)) {
        const original =
          'reverses' in event.data ? state.originals.get(event.data.reverses ?? '') : undefined;
        if (original?.postings.length !== 1 || !('postings' in event.data)) continue;
        const sum = (reversed.get(original.transactionId) ?? 0n) + BigInt(event.data.postings[0]!.amount);
        reversed.set(original.transactionId, sum);
        assert.ok(sum <= BigInt(original.postings[0]!.amount));
      }
    });
  });

  test('who was erased has nothing, then and ever after', () => {
    forAllHistories((steps) => {
      for (const { state } of play(steps)) {
        for (const { owner, balance, held } of state.wallets.values()) {
          if (!('userId' in owner) || state.users.get(owner.userId)?.status !== 'ERASED') continue;
          assert.deepEqual([balance, held], [0n, 0n]);
        }
      }
    });
  });

  test('what is in circulation never exceeds the supply cap', () => {
    forAllHistories((steps) => {
      for (const { state } of play(steps)) {
        const circulation = sumByAsset(state, (owner) => owner !== 'treasury');
        for (const { slug, supplyCap } of state.assets.values()) {
          if (supplyCap !== null) assert.ok(circulation.get(slug)! <= supplyCap, slug);
        }
      }
    });
  });

  test('the balances that postings tell are those of the folded state', () => {
    forAllHistories((steps) => {
      for (const { event, entries, state } of play(steps)) {
        if (event.type !== 'transaction.posted') continue;
        const told = event.data.postings.flatMap(({ from, to }) => [from.balanceAfter, to.balanceAfter]);
        assert.deepEqual(
          entries.map(({ balanceAfter }) => balanceAfter.toString()),
          told,
        );
        const last = new Map(entries.map((entry) => [entry.walletId, entry.balanceAfter]));
        for (const [walletId, balance] of last) assert.equal(state.wallets.get(walletId)?.balance, balance);
      }
    });
  });

  test('the entries of an event add up to zero, and those of a wallet are numbered from 1 without a gap', () => {
    forAllHistories((steps) => {
      const seen = new Map<string, bigint>();
      for (const { entries } of play(steps)) {
        assert.equal(
          entries.reduce((sum, { amount }) => sum + amount, 0n),
          0n,
        );
        assert.deepEqual(
          entries.map(({ leg }) => leg),
          [...entries.keys()],
        );
        for (const { walletId, seq } of entries) {
          assert.equal(seq, (seen.get(walletId) ?? 0n) + 1n);
          seen.set(walletId, seq);
        }
      }
    });
  });

  test('a wallet is opened once for an owner and asset, and before it is touched', () => {
    forAllHistories((steps) => {
      const opened = new Set<string>();
      for (const { event, entries, state } of play(steps)) {
        if (event.type === 'wallet.opened') opened.add(event.data.walletId);
        for (const { walletId } of entries) assert.ok(opened.has(walletId));
        assert.equal(state.walletIds.size, opened.size);
      }
    });
  });

  test('a command opens wallets first, and its last event is the one that answers it', () => {
    forAllHistories((steps) => {
      eachDecision(steps, ({ decision }) => {
        if (decision.kind !== 'events') return;
        const types = decision.events.map(({ type }) => type);
        // What came of a schedule stands right before.
        if (types.at(-1) === 'scheduled.executed' && types.length > 1) types.pop();
        assert.notEqual(types.pop(), 'wallet.opened');
        for (const type of types) assert.equal(type, 'wallet.opened');
      });
    });
  });

  test('the data of events has no JSON numbers and passes its own schema unchanged', () => {
    forAllHistories((steps) => {
      for (const { type, version, data } of eventsOf(steps)) {
        assert.deepEqual(numbersIn(data), []);
        const stored = JSON.parse(canonicalJson(data)) as unknown;
        assert.deepEqual(upcast({ type, version, data: stored }).data, data);
      }
    });
  });
});

describe('decide', () => {
  test('gives the same decision for the same state, command and context', () => {
    forAllHistories((steps) => {
      eachDecision(steps, ({ state, command, decision, firstId, occurredAt }) => {
        assert.deepEqual(decide(state, command, contextFrom(firstId, occurredAt)), decision);
      });
    });
  });

  test('meets every event and refusal in these histories, so that the properties have met them too', () => {
    const met = new Set<string>();
    for (const steps of fc.sample(histories, { numRuns: 500, seed: 1 })) {
      eachDecision(steps, ({ decision }) => {
        if (decision.kind === 'refused') met.add(decision.refusal.code);
        else if (decision.kind === 'events')
          for (const event of decision.events)
            met.add(event.type === 'transaction.rejected' ? event.data.code : event.type);
      });
    }
    const forgotten = [
      'user_not_found',
      'asset_not_found',
      'wallet_not_found',
      'email_taken',
      'slug_taken',
      'id_taken',
      'hold_not_found',
      'transaction_not_found',
      'subject_erased',
      'schedule_not_found',
    ];
    const recorded = [
      'user_banned',
      'user_not_empty',
      'asset_frozen',
      'wallet_frozen',
      'insufficient_funds',
      'limit_exceeded',
      'supply_cap_exceeded',
      'hold_exceeded',
      'hold_closed',
      'reversal_exceeds_original',
      'not_reversible',
      'schedule_closed',
    ];
    const types = Object.keys(currentVersion).filter((type) => type !== 'transaction.rejected');
    assert.deepEqual([...met].sort(), [...forgotten, ...recorded, 'balance_out_of_range', ...types].sort());
  });
});

describe('A fold', () => {
  test('cut anywhere, its state stored and read again, gives the state of the whole fold', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (steps, where) => {
        const events = eventsOf(steps);
        const cut = where % (events.length + 1);
        const whole = events.reduce(evolve, emptyState());
        const stored = structuredClone(events.slice(0, cut).reduce(evolve, emptyState()));
        assert.deepEqual(events.slice(cut).reduce(evolve, stored), whole);
      }),
      RUNS,
    );
  });
});
