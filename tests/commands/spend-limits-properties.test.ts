/** Random spends over a clock that moves on: what holds in every window, however they fall. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/commands/decide.ts';
import type { Command } from '../../src/commands/schemas.ts';
import type { NewEvent } from '../../src/events/catalog.ts';
import { evolve } from '../../src/events/evolve.ts';
import { walletLimitsOfText, walletLimitsText } from '../../src/events/spend-limits.ts';
import type { LedgerState } from '../../src/events/state.ts';
import { alice, funded, gold, issued, registered, stateAfter, walletIdOf } from '../events/facts.ts';
import { contextFrom } from '../support/decision.ts';

const aliceGold = walletIdOf(alice, gold);
const HOUR = 3_600_000;
const LENGTHS = { day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR };
const START = Date.parse('2026-01-31T23:10:00.000Z');

type Act = { readonly kind: 'spend' | 'hold' | 'release'; readonly amount: bigint; readonly afterMs: number };

const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom('spend', 'spend', 'spend', 'hold', 'release'),
  amount: fc.bigInt(1n, 60n),
  afterMs: fc.oneof(
    fc.nat({ max: 2 * HOUR }),
    fc.nat({ max: 30 * HOUR }),
    // To the edges of buckets and beyond.
    fc.nat({ max: 30 }).map((hours) => hours * HOUR),
    fc.nat({ max: 10 * 24 * HOUR }),
  ),
});

const limit = fc.option(fc.bigInt(0n, 150n).map(String), { nil: null, freq: 2 });
const limits = fc.record({ day: limit, week: limit, month: limit });
const story = fc.record({
  own: limits,
  ofAsset: limits,
  acts: fc.array(act, { minLength: 1, maxLength: 80 }),
});

function begin({ own, ofAsset }: { own: object; ofAsset: object }): LedgerState {
  const state = stateAfter([registered(alice), ...issued(gold), ...funded(alice, gold, '1000000')]);
  perform(state, { kind: 'wallet.limits', walletId: aliceGold, ...own }, START);
  perform(state, { kind: 'asset.limits', slug: 'gold', ...ofAsset }, START);
  return state;
}

let drawn = 1;

/** The last event of what is decided, which has happened. */
function perform(state: LedgerState, command: Command, at: number): NewEvent {
  const occurredAt = new Date(at).toISOString();
  const decision = decide(state, command, { ...contextFrom((drawn += 5)), occurredAt });
  assert.ok(decision.kind === 'events', JSON.stringify(decision));
  for (const event of decision.events) evolve(state, { ...event, occurredAt });
  return decision.events.at(-1)!;
}

function spendOf(amount: bigint): Command {
  return { kind: 'spend', userId: alice.id, assetSlug: 'gold', amount: amount.toString() };
}

/** Each accepted spend with its time; a hold that was released is none. */
function* play(of: typeof story extends fc.Arbitrary<infer Story> ? Story : never) {
  const state = begin(of);
  const spent: { at: number; amount: bigint; hold: string | null }[] = [];
  let at = START;
  for (const { kind, amount, afterMs } of of.acts) {
    at += afterMs;
    if (kind === 'release') {
      const open = spent.findIndex(({ hold }) => hold !== null);
      if (open === -1) continue;
      perform(state, { kind: 'release', holdId: spent[open]!.hold! }, at);
      spent.splice(open, 1);
    } else {
      const command = kind === 'spend' ? spendOf(amount) : { ...spendOf(amount), kind: 'hold' as const };
      const event = perform(state, command as Command, at);
      if (event.type !== 'transaction.rejected')
        spent.push({ at, amount, hold: event.type === 'hold.placed' ? event.data.hold.holdId : null });
      yield { state, at, event, spent };
    }
  }
}

test('no more than the limit is ever spent within any true window', () => {
  fc.assert(
    fc.property(story, (of) => {
      for (const { at, spent } of play(of)) {
        for (const [window, length] of Object.entries(LENGTHS)) {
          const most = [of.own, of.ofAsset]
            .flatMap((one) => one[window as keyof typeof one] ?? [])
            .map(BigInt);
          const sum = spent
            .filter((one) => one.at > at - length)
            .reduce((total, { amount }) => total + amount, 0n);
          for (const one of most) assert.ok(sum <= one, `${sum} of ${one} in the ${window} before ${at}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('what was refused is refused until a millisecond before freesAt, and then accepted', () => {
  let seen = 0;
  fc.assert(
    fc.property(story, (of) => {
      for (const { state, event } of play(of)) {
        if (event.type !== 'transaction.rejected') continue;
        assert.equal(event.data.code, 'limit_exceeded');
        const { freesAt, required } = event.data.figures as { freesAt: string | null; required: string };
        const again = spendOf(BigInt(required));
        const attempt = (at: number) => {
          const occurredAt = new Date(at).toISOString();
          const decision = decide(state, again, { ...contextFrom(), occurredAt });
          return decision.kind === 'events' ? decision.events.at(-1)!.type : decision.kind;
        };
        if (freesAt === null) {
          assert.equal(attempt(START + 1_000 * LENGTHS.month), 'transaction.rejected');
          continue;
        }
        seen += 1;
        assert.equal(attempt(Date.parse(freesAt) - 1), 'transaction.rejected', `early at ${freesAt}`);
        assert.equal(attempt(Date.parse(freesAt)), 'transaction.posted', `at ${freesAt}`);
      }
    }),
    { numRuns: 800 },
  );
  assert.ok(seen > 100, `${seen} refusals had an end`);
});

test('counters stay within bounds, and are stored and read as they are', () => {
  fc.assert(
    fc.property(story, (of) => {
      for (const { state } of play(of)) {
        const kept = state.wallets.get(aliceGold)!.limits!;
        assert.ok(kept.counted.day.length <= 25 && kept.counted.week.length <= 29);
        assert.ok(kept.counted.month.length <= 31);
        assert.deepEqual(walletLimitsOfText(walletLimitsText(kept)), kept);
      }
    }),
    { numRuns: 50 },
  );
});
