/** The state that the commands of a batch are decided from: users and assets by version, wallets as they stand. */
import type { Hold } from '../events/catalog.ts';
import type { Lot } from '../events/lots.ts';
import { emptyState, type LedgerState, type OriginalState, type ScheduleState } from '../events/state.ts';
import type { DirectoryCache, Needs } from './directory-cache.ts';
import type { KnownHeads } from './known-heads.ts';
import type { WalletHead } from './lock-and-read.ts';

/** Ids of the wallets that exist, as far as the cache knows: those to lock. */
export function walletsToLock(cache: DirectoryCache, needs: Needs): string[] {
  const ids = new Set(needs.walletIds);
  for (const key of needs.wallets.keys()) {
    const id = cache.walletId(key);
    if (id !== undefined) ids.add(id);
  }
  return [...ids];
}

/** Null when the cache does not know the asset of a wallet. */
export function stateUnderLocks(read: {
  cache: DirectoryCache;
  needs: Needs;
  wallets: readonly WalletHead[];
  emails: ReadonlyMap<string, string>;
  holds: readonly Hold[];
  lots: ReadonlyMap<string, readonly Lot[]>;
  originals: readonly OriginalState[];
  schedules: readonly ScheduleState[];
}): LedgerState | null {
  const { cache, needs } = read;
  const state = directoryState(cache, needs);
  for (const wallet of read.wallets) {
    const slug = cache.assetSlug(wallet.assetId);
    const asset = slug === undefined ? undefined : cache.asset(slug);
    if (asset === undefined) return null;
    state.assets.set(asset.slug, asset);
    state.wallets.set(wallet.id, { ...wallet, asset: asset.slug });
  }
  nameWallets(state, cache, needs);
  for (const [email, userId] of read.emails) state.emails.set(email, userId);
  for (const hold of read.holds) state.holds.set(hold.holdId, hold);
  for (const [walletId, lots] of read.lots) state.lots.set(walletId, lots);
  for (const original of read.originals) state.originals.set(original.transactionId, original);
  for (const known of read.schedules) state.schedules.set(known.schedule.scheduleId, known);
  return state;
}

/** Null when anything that the batch names is not known: whether it exists must then be read. */
export function stateFromKnown(
  cache: DirectoryCache,
  needs: Needs,
  wallet: KnownHeads['wallet'],
): LedgerState | null {
  if (needs.walletIds.size > 0) return null;
  const state = directoryState(cache, needs);
  if (state.users.size < needs.users.size || state.assets.size < needs.assets.size) return null;
  for (const key of needs.wallets.keys()) {
    const id = cache.walletId(key);
    const known = id === undefined ? undefined : wallet(id);
    // Lots are not kept.
    if (known === undefined || known.nextDueAt !== null) return null;
    state.wallets.set(known.id, known);
  }
  nameWallets(state, cache, needs);
  return state;
}

function directoryState(cache: DirectoryCache, needs: Needs): LedgerState {
  const state = emptyState();
  for (const id of needs.users) {
    const user = cache.user(id);
    if (user !== undefined) state.users.set(id, user);
  }
  for (const slug of needs.assets) {
    const asset = cache.asset(slug);
    if (asset !== undefined) state.assets.set(slug, asset);
  }
  return state;
}

function nameWallets(state: LedgerState, cache: DirectoryCache, needs: Needs): void {
  for (const key of needs.wallets.keys()) {
    const id = cache.walletId(key);
    if (id !== undefined && state.wallets.has(id)) state.walletIds.set(key, id);
  }
}
