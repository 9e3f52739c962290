/** What the log says of the ledger at a position: kept while the log is read, and held against tables and read models. */
import type { Hold } from '../../events/catalog.ts';
import type { SpendLimits, WalletLimits } from '../../events/spend-limits.ts';
import type { Activity, ScheduleChange } from './range-summary.ts';

export type WalletHead = {
  readonly walletId: string;
  /** The user's id, or the name of the system account. */
  readonly owner: string;
  readonly isSystem: boolean;
  readonly assetId: string;
  readonly asset: string;
  /** What balance - held must not be taken below, but by force: of a user minus the overdraft; null: no bound. */
  limit: bigint | null;
  balance: bigint;
  held: bigint;
  seq: bigint;
  status: 'ACTIVE' | 'FROZEN';
  /** Of its last entry, or of the event that opened it. */
  movedPosition: bigint;
  readonly openedPosition: bigint;
  /** By the plain sum. */
  plainBalance: bigint;
  plainHeld: bigint;
};

export type UserHead = {
  readonly status: 'ACTIVE' | 'BANNED' | 'ERASED';
  readonly createdAt: string;
  readonly position: bigint;
  /** Of the event that erased the user. */
  readonly erasedPosition: bigint | null;
};

export type AssetHead = {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly scale: string;
  readonly supplyCap: string | null;
  readonly status: 'ACTIVE' | 'FROZEN';
  readonly position: bigint;
};

export type HoldHead = { readonly hold: Hold; readonly position: bigint };

export type LotHead = {
  readonly lotId: string;
  readonly walletId: string;
  readonly amount: bigint;
  readonly remaining: bigint;
  readonly reserved: bigint;
  readonly expired: bigint;
  readonly expiresAt: string;
  readonly position: bigint;
};

/** A schedule that waits. */
export type ScheduleHead = Omit<ScheduleChange, 'firstPosition' | 'created'> & { readonly position: bigint };

/** How much of an original has been taken back. */
export type ReversedSoFar = {
  readonly times: number;
  readonly amounts: readonly bigint[];
  readonly position: bigint;
};

export type Heads = {
  readonly wallets: Map<string, WalletHead>;
  /** Owner and asset of each wallet: there is one of a kind. */
  readonly owners: Set<string>;
  readonly users: Map<string, UserHead>;
  /** By slug. */
  readonly assets: Map<string, AssetHead>;
  /** Open ones only: a closed one is held against its rows where it closes. */
  readonly holds: Map<string, HoldHead>;
  closedHolds: number;
  readonly lots: Map<string, LotHead>;
  /** Those that wait only, as with holds. */
  readonly schedules: Map<string, ScheduleHead>;
  closedSchedules: number;
  readonly activity: Map<string, Activity>;
  /** By the id of the original. */
  readonly reversed: Map<string, ReversedSoFar>;
  /** By wallet, of those that ever had an overdraft, a limit, or a spend that counted. */
  readonly walletLimits: Map<string, WalletLimits>;
  /** By slug, of the assets that ever had limits. */
  readonly assetLimits: Map<string, SpendLimits>;
};

export function emptyHeads(): Heads {
  return {
    wallets: new Map(),
    owners: new Set(),
    users: new Map(),
    assets: new Map(),
    holds: new Map(),
    closedHolds: 0,
    lots: new Map(),
    schedules: new Map(),
    closedSchedules: 0,
    activity: new Map(),
    reversed: new Map(),
    walletLimits: new Map(),
    assetLimits: new Map(),
  };
}

export function setWallet(heads: Heads, head: WalletHead): void {
  heads.wallets.set(head.walletId, head);
  heads.owners.add(ownerAndAsset(head));
}

export function ownerAndAsset({ owner, asset }: WalletHead): string {
  return `${owner} ${asset}`;
}

export function isTreasuryHead(head: WalletHead): boolean {
  return head.isSystem && head.owner === 'treasury';
}

/** The floor that stands beside a wallet: its limit, or where force has taken it. */
export function floorOf(head: WalletHead): bigint | null {
  if (isTreasuryHead(head) || head.limit === null) return head.limit;
  const free = head.balance - head.held;
  return free < head.limit ? free : head.limit;
}
