/**
 * Wallets as the last batch of this process left them. Nothing changes a wallet without an event, so they hold
 * exactly as long as the head of the ledger is where that batch left it: a batch decided from them names that
 * position to its append, which writes nothing at any other. Stale knowledge costs a second try, never an error.
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
  /** After a commit: where it left the head, and the wallets that it changed. */
  learn(appended: Appended, events: number, wallets: readonly WalletState[]): void;
  forget(): void;
};

export function createKnownHeads(now: () => number = () => performance.now()): KnownHeads {
  const wallets = new LRUCache<string, WalletState>({ max: MAX_WALLETS });
  let last: { position: bigint; recordedAtMs: number; clockMs: number; learntAt: number } | null = null;
  let pausedUntil = Number.NEGATIVE_INFINITY;

  return {
    head() {
      if (last === null || now() < pausedUntil) return null;
      const ageMs = now() - last.learntAt;
      if (ageMs > MAX_AGE_MS) return null;
      const occurredAtMs = Math.max(last.recordedAtMs, Math.floor(last.clockMs + ageMs));
      return { position: last.position, occurredAt: new Date(occurredAtMs).toISOString() };
    },
    wallet: (id) => wallets.get(id),
    learn({ firstPosition, recordedAt, clock }, events, changed) {
      if (last !== null && last.position !== firstPosition - 1n) {
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
    forget() {
      last = null;
      wallets.clear();
    },
  };
}
