/**
 * Wallets as the last batch of this process left them. Nothing changes a wallet without an event, so they hold
 * exactly as long as the head of the ledger is where that batch left it: a batch decided from them names that
 * position to its append, which writes nothing at any other. Stale knowledge costs a second try, never an error.
 *
 * What a batch on its way to the database will leave is known as well, before it is committed: the next one may be
 * decided from that. Should the first not be committed, the head is not where the second expects it.
 */
import { LRUCache } from 'lru-cache';
import type { Appended } from '../events/append.ts';
import type { WalletState } from '../events/state.ts';

const MAX_WALLETS = 20_000;
/** Older than this nothing is used: clocks drift apart, and reading anew is cheap when little happens. */
const MAX_AGE_MS = 5_000;
/** While another process appends too, trying is in vain: once in a while is enough. */
const PAUSE_MS = 1_000;

export type KnownHead = {
  readonly position: bigint;
  /** The database's time now, at most a little behind it, and never before the last recorded event. */
  readonly occurredAt: string;
};

export type KnownHeads = {
  /** Null when nothing is known, or nothing that is worth a try. */
  head(): KnownHead | null;
  wallet(id: string): WalletState | undefined;
  /** Whether a batch that is on its way carries this key. */
  isUnderWay(key: string): boolean;
  /** Of a batch that was sent. */
  expect(batch: Expected): Expectation;
  /** After a commit: where it left the head, and the wallets that it changed. `as`: what was expected of it. */
  learn(appended: Appended, events: number, wallets: readonly WalletState[], as?: Expectation): void;
  /** What was expected will not be. */
  expectNothing(): void;
  forget(): void;
};

/** Where a batch will leave the head, and the wallets that it changes. */
export type Expected = {
  readonly position: bigint;
  readonly occurredAt: string;
  readonly wallets: readonly WalletState[];
  readonly keys: ReadonlySet<string>;
};

export type Expectation = {
  readonly expected: Expected;
  readonly wallets: ReadonlyMap<string, WalletState>;
  /** The batch behind it was heard of first: it has been committed, and that is known. */
  isKnown: boolean;
};

export function createKnownHeads(now: () => number = () => performance.now()): KnownHeads {
  const wallets = new LRUCache<string, WalletState>({ max: MAX_WALLETS });
  let last: { position: bigint; recordedAtMs: number; clockMs: number; learntAt: number } | null = null;
  /** Of batches under way, in their order. */
  let ahead: Expectation[] = [];
  let pausedUntil = Number.NEGATIVE_INFINITY;

  function forget(): void {
    last = null;
    ahead = [];
    wallets.clear();
  }

  /** The expectations that have come true with this one, which is the last of them. */
  function comeTrue(as: Expectation | undefined): Expectation[] {
    const index = as === undefined ? -1 : ahead.indexOf(as);
    if (index === -1) {
      ahead = [];
      return [];
    }
    return ahead.splice(0, index + 1);
  }

  return {
    head() {
      if (last === null || now() < pausedUntil) return null;
      const ageMs = now() - last.learntAt;
      if (ageMs > MAX_AGE_MS) return null;
      const next = ahead.at(-1)?.expected;
      const occurredAtMs = Math.max(
        last.recordedAtMs,
        Math.floor(last.clockMs + ageMs),
        next === undefined ? 0 : Date.parse(next.occurredAt),
      );
      return { position: next?.position ?? last.position, occurredAt: new Date(occurredAtMs).toISOString() };
    },
    wallet: (id) => ahead.findLast((batch) => batch.wallets.has(id))?.wallets.get(id) ?? wallets.get(id),
    isUnderWay: (key) => ahead.some(({ expected }) => expected.keys.has(key)),
    expect(expected) {
      const changed = new Map(expected.wallets.map((wallet) => [wallet.id, wallet]));
      const expectation = { expected, wallets: changed, isKnown: false };
      ahead.push(expectation);
      return expectation;
    },
    learn({ firstPosition, recordedAt, clock }, events, changed, as) {
      if (as?.isKnown === true) return;
      const before = comeTrue(as).slice(0, -1);
      for (const batch of before) {
        batch.isKnown = true;
        for (const wallet of batch.expected.wallets) wallets.set(wallet.id, wallet);
      }
      const position = before.at(-1)?.expected.position ?? last?.position;
      if (position !== undefined && position !== firstPosition - 1n) {
        // Somebody else wrote in between: what they changed is not known.
        wallets.clear();
        pausedUntil = now() + PAUSE_MS;
      }
      for (const wallet of changed) wallets.set(wallet.id, wallet);
      last = {
        position: firstPosition + BigInt(events - 1),
        recordedAtMs: Date.parse(recordedAt),
        clockMs: Date.parse(clock),
        learntAt: now(),
      };
    },
    expectNothing() {
      ahead = [];
    },
    forget,
  };
}
