/**
 * What a range of the log tells of overdrafts and spend limits: their changes, and what was spent of the wallets that have
 * limits, in order. Counters go on from wherever the ranges before left them, so they are folded by the chain.
 */
import { isSpend, uncaptured } from '../../events/count-spends.ts';
import { parsedLimits, type CountedHold, type SpendLimits } from '../../events/spend-limits.ts';
import { ownText } from './read-fact.ts';
import type { TrackedEvent } from './wallet-tracks.ts';

/** Wallets, and assets by slug, that have limits by their rows: of others no spend is told. */
export type Limited = { readonly wallets: readonly string[]; readonly assets: readonly string[] };

export const NOTHING_LIMITED: Limited = { wallets: [], assets: [] };

export type LimitFact = { readonly position: bigint } & (
  | { readonly kind: 'overdraft'; readonly walletId: string; readonly overdraft: bigint }
  | { readonly kind: 'wallet_limits'; readonly walletId: string; readonly limits: SpendLimits }
  | { readonly kind: 'asset_limits'; readonly asset: string; readonly limits: SpendLimits }
  | Spent
  | {
      readonly kind: 'freed';
      readonly walletId: string;
      readonly amount: bigint;
      readonly counted: CountedHold;
    }
);

/** By one event of one wallet. */
export type Spent = {
  readonly kind: 'spent';
  readonly at: string;
  readonly walletId: string;
  readonly asset: string;
  amount: bigint;
  /** Of a hold: when it says it was counted, and where; null where it says it was not. */
  readonly hold: CountedHold | null | undefined;
};

export type LimitFacts = { readonly add: (event: TrackedEvent) => void; readonly finish: () => LimitFact[] };

export function createLimitFacts(limited: Limited): LimitFacts {
  const wallets = new Set(limited.wallets);
  const assets = new Set(limited.assets);
  const facts: LimitFact[] = [];

  function addSpends(event: Extract<TrackedEvent, { type: 'transaction.posted' }>): void {
    const ofEvent = new Map<string, Spent>();
    for (const { asset, amount, from } of event.data.postings) {
      const { walletId } = from;
      if (!wallets.has(walletId) && !assets.has(asset)) continue;
      const known = ofEvent.get(walletId);
      if (known !== undefined) {
        known.amount += BigInt(amount);
        continue;
      }
      const { position, occurredAt: at } = event;
      const hold = undefined;
      const of = { position, at, walletId: ownText(walletId), asset: ownText(asset) };
      const spent = { kind: 'spent' as const, ...of, amount: BigInt(amount), hold };
      ofEvent.set(walletId, spent);
      facts.push(spent);
    }
  }

  return {
    add(event) {
      const { position, occurredAt: at } = event;
      switch (event.type) {
        case 'wallet.overdraft_changed': {
          const { walletId, overdraft } = event.data;
          facts.push({ kind: 'overdraft', position, walletId, overdraft: BigInt(overdraft) });
          return;
        }
        case 'wallet.limits_changed': {
          const { walletId, limits } = event.data;
          facts.push({ kind: 'wallet_limits', position, walletId, limits: parsedLimits(limits) });
          return;
        }
        case 'asset.limits_changed': {
          const { slug, limits } = event.data;
          facts.push({ kind: 'asset_limits', position, asset: slug, limits: parsedLimits(limits) });
          return;
        }
        case 'transaction.posted':
          if (wallets.size + assets.size > 0 && isSpend(event.data)) addSpends(event);
          return;
        case 'hold.placed': {
          const { walletId, asset, amount, counted } = event.data.hold;
          if (counted === undefined && !wallets.has(walletId) && !assets.has(asset)) return;
          const hold = counted ?? null;
          const of = { position, at, walletId: ownText(walletId), asset: ownText(asset) };
          facts.push({ kind: 'spent', ...of, amount: BigInt(amount), hold });
          return;
        }
        case 'hold.captured':
        case 'hold.released':
        case 'hold.expired': {
          const { hold } = event.data;
          const { walletId, counted } = hold;
          if (hold.status === 'open' || counted === undefined) return;
          facts.push({ kind: 'freed', position, walletId, amount: uncaptured(hold), counted });
          return;
        }
        case 'user.registered':
        case 'user.status_changed':
        case 'user.erased':
        case 'asset.created':
        case 'asset.status_changed':
        case 'wallet.opened':
        case 'wallet.status_changed':
        case 'transaction.rejected':
        case 'scheduled.created':
        case 'scheduled.executed':
        case 'scheduled.cancelled':
      }
    },
    finish: () => facts,
  };
}
