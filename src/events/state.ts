/**
 * The part of a ledger that decisions are made from: loaded under the locks for a batch, or folded from the
 * log by an auditor. Records are replaced, never changed; the maps are updated in place by evolve.
 */
import { ownerKey, type EventData, type Owner } from './catalog.ts';

export type UserState = {
  readonly id: string;
  readonly status: 'ACTIVE' | 'BANNED';
  readonly createdAt: string;
};

export type AssetState = {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly scale: string;
  readonly supplyCap: bigint | null;
  readonly status: 'ACTIVE' | 'FROZEN';
};

export type WalletState = {
  readonly id: string;
  readonly owner: Owner;
  readonly assetId: string;
  readonly asset: string;
  readonly balance: bigint;
  readonly held: bigint;
  /** What balance - held must not go below; null has no bound. */
  readonly floor: bigint | null;
  /** How many entries the wallet has had. */
  readonly seq: bigint;
  readonly status: 'ACTIVE' | 'FROZEN';
};

export type LedgerState = {
  readonly users: Map<string, UserState>;
  /** By slug, which never changes. */
  readonly assets: Map<string, AssetState>;
  readonly wallets: Map<string, WalletState>;
  /** Wallet id by `walletKey(owner, asset slug)`. */
  readonly walletIds: Map<string, string>;
  /** E-mails known to be taken. Never from the log, which has only digests. */
  readonly emails: Set<string>;
};

export function emptyState(): LedgerState {
  return { users: new Map(), assets: new Map(), wallets: new Map(), walletIds: new Map(), emails: new Set() };
}

export function walletKey(owner: Owner, assetSlug: string): string {
  return `${ownerKey(owner)}/${assetSlug}`;
}

export function walletOf(state: LedgerState, owner: Owner, assetSlug: string): WalletState | undefined {
  const id = state.walletIds.get(walletKey(owner, assetSlug));
  return id === undefined ? undefined : state.wallets.get(id);
}

export function available(wallet: WalletState): bigint {
  return wallet.balance - wallet.held;
}

/** A wallet right after it was opened. */
export function openedWallet(data: EventData<'wallet.opened'>): WalletState {
  const { walletId, owner, assetId, asset } = data;
  const floor = data.floor === null ? null : BigInt(data.floor);
  return { id: walletId, owner, assetId, asset, balance: 0n, held: 0n, floor, seq: 0n, status: 'ACTIVE' };
}
