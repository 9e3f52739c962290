/** The auditor's second derivation of balances, and its fold in ranges, held against the fold of the service. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createChain, FROM_THE_BEGINNING } from '../../src/audit/fold/chain.ts';
import { createFindingList } from '../../src/audit/fold/finding.ts';
import { floorOf, type Heads } from '../../src/audit/fold/heads.ts';
import { leafHash } from '../../src/audit/tree/merkle.ts';
import { changesOf } from '../../src/audit/fold/plain-sum.ts';
import { readFact } from '../../src/audit/fold/event-validators.ts';
import { createRangeFold } from '../../src/audit/fold/range-fold.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import type { LedgerState } from '../../src/events/state.ts';
import { alice, bob } from '../events/facts.ts';
import { play, type Happened } from '../commands/random-ledger.ts';
import { histories, type Step } from '../commands/random-steps.ts';

/** As an auditor has the data of an event: read from its JSON. */
const stored = ({ event }: Happened): unknown => JSON.parse(canonicalJson(event.data));

test('the plain sum of an event says of each wallet what its entries say', () => {
  fc.assert(
    fc.property(histories, (steps) => {
      const held = new Map<string, bigint>();
      for (const happened of play(steps)) {
        const { event, entries } = happened;
        const expected = new Map<string, { balance: bigint; held: bigint }>();
        for (const { walletId, amount, heldAfter } of entries) {
          const sum = expected.get(walletId) ?? { balance: 0n, held: 0n };
          const change = heldAfter - (held.get(walletId) ?? 0n);
          expected.set(walletId, { balance: sum.balance + amount, held: sum.held + change });
          held.set(walletId, heldAfter);
        }
        const found = new Map<string, { balance: bigint; held: bigint }>();
        for (const change of changesOf(event.type, stored(happened))) {
          const sum = found.get(change.walletId) ?? { balance: 0n, held: 0n };
          const after = { balance: sum.balance + change.balance, held: sum.held + change.held };
          found.set(change.walletId, after);
        }
        assert.deepEqual(found, expected);
      }
    }),
    { numRuns: 60 },
  );
});

/** Of one that was decided, as all of a history are. */
const idOf = ({ event }: Happened): string => ('id' in event ? String(event.id) : '');

/** What the log comes to, folded in ranges that end at the given positions. */
function foldIn(
  steps: readonly Step[],
  cuts: readonly number[],
): { heads: Heads; root: Buffer; state: LedgerState } {
  const happenings = [...play(steps)];
  const state = happenings.at(-1)!.state;
  const limited = {
    wallets: [...state.wallets.values()].flatMap(({ id, limits }) => (limits === null ? [] : [id])),
    assets: [...state.assets.values()].flatMap(({ slug, limits }) => (limits === null ? [] : [slug])),
  };
  const log = happenings.map((happened, index) => ({
    ...{ position: BigInt(index + 1), id: idOf(happened), type: happened.event.type },
    ...{ version: happened.event.version, data: canonicalJson(happened.event.data) },
    ...{ occurredAt: happened.event.occurredAt, recordedAt: happened.event.occurredAt },
    idempotencyKey: null,
  }));
  const findings = createFindingList(100);
  const chain = createChain(FROM_THE_BEGINNING(), findings, () => undefined);
  const ends = [...new Set([...cuts.filter((cut) => cut < log.length), log.length])].sort(
    (left, right) => left - right,
  );
  let from = 0;
  for (const to of ends) {
    const fold = createRangeFold({ from: BigInt(from), to: BigInt(to) }, [], readFact, limited);
    for (const event of log.slice(from, to)) fold.add(event, leafHash(Buffer.from(event.data)), null);
    chain.add(fold.finish());
    from = to;
  }
  assert.deepEqual(findings.items, []);
  return { heads: chain.heads, root: chain.tree.root(), state };
}

test('a log folded in ranges comes to the same, wherever it is cut', () => {
  fc.assert(
    fc.property(histories, fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 6 }), (steps, cuts) => {
      const [cut, uncut] = [foldIn(steps, cuts), foldIn(steps, [])];
      assert.deepEqual(cut, uncut);
    }),
    { numRuns: 60 },
  );
});

const someLimits: readonly Step[] = [
  ...[alice, bob].map(({ id: userId }) => {
    return { kind: 'topup' as const, userId, assetSlug: 'gold', amount: '1000' };
  }),
  { kind: 'asset.limits', slug: 'gold', day: '1500', month: '5000' },
  { kind: 'overdraft.of', owner: { userId: alice.id }, asset: 'gold', limit: '90' },
];

test('floors, limits and what counts towards them, folded in ranges, are those of the service', () => {
  let counted = 0;
  fc.assert(
    fc.property(histories, fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 6 }), (steps, cuts) => {
      const { heads, state } = foldIn([...someLimits, ...steps], cuts);
      for (const { id, floor, limits } of state.wallets.values()) {
        assert.equal(floorOf(heads.wallets.get(id)!), floor);
        assert.deepEqual(heads.walletLimits.get(id) ?? null, limits);
        counted += limits?.counted.month.length ?? 0;
      }
      for (const { slug, limits } of state.assets.values())
        assert.deepEqual(heads.assetLimits.get(slug) ?? null, limits);
    }),
    { numRuns: 100 },
  );
  assert.ok(counted > 20, `${counted} wallets had spent`);
});
