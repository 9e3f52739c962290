/**
 * The part of a ledger that decisions are made from: loaded under the locks for a batch, or folded from the
 * log by an auditor. Records are replaced, never changed; the maps are updated in place by evolve.
 */
import type { SpendLimits, WalletLimits } from './spend-limits.ts';
import { ownerKey, type EventData, type Hold, type Owner, type Posting, type Schedule } from './catalog.ts';
import { overdueOf, type Lot } from './lots.ts';

export type UserState = {
  readonly id: string;
  /** ERASED is for ever. */
  readonly status: 'ACTIVE' | 'BANNED' | 'ERASED';
  readonly createdAt: string;
};

export type AssetState = {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly scale: string;
  readonly supplyCap: bigint | null;
  readonly status: 'ACTIVE' | 'FROZEN';
  /** Of each wallet of a user; null until there were any. */
  readonly limits: SpendLimits | null;
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
  /** When the next of its lots ends; null for a wallet that has nothing in lots. */
  readonly nextDueAt: string | null;
  /** Overdraft, spend limits and what counts towards them; null until there was any of it. */
  readonly limits: WalletLimits | null;
};

/** A posted transaction that may be taken back, and how much of it has been. */
export type OriginalState = {
  readonly transactionId: string;
  readonly type: string;
  readonly asset: string | null;
  readonly userId: string | null;
  readonly postings: readonly Posting[];
  /** Of the one posting, with what expired of a bonus; where there are several, only all of them can be reversed. */
  readonly reversed: bigint;
  readonly wholly: boolean;
  /** The lot it opened. */
  readonly lotId: string | null;
};

export type ScheduleStatus = 'scheduled' | 'executed' | 'failed' | 'cancelled';

export type ScheduleState = {
  readonly schedule: Schedule;
  readonly status: ScheduleStatus;
  /** By field, what is personal of the command and was not erased. */
  readonly personal: ReadonlyMap<string, string>;
};

export type LedgerState = {
  readonly users: Map<string, UserState>;
  /** By slug, which never changes. */
  readonly assets: Map<string, AssetState>;
  readonly wallets: Map<string, WalletState>;
  /** Wallet id by `walletKey(owner, asset slug)`. */
  readonly walletIds: Map<string, string>;
  /** By id, closed ones too. */
  readonly holds: Map<string, Hold>;
  /** By wallet, in the order in which they are spent; of a wallet whose nextDueAt is null there may be none. */
  readonly lots: Map<string, readonly Lot[]>;
  /** Those that a decision is about, by id. */
  readonly originals: Map<string, OriginalState>;
  /** Those that a decision is about, by id, ended ones too. */
  readonly schedules: Map<string, ScheduleState>;
  /** E-mails known to be taken, and by whom. Never from the log, which has only digests. */
  readonly emails: Map<string, string>;
};

export function emptyState(): LedgerState {
  return {
    users: new Map(),
    assets: new Map(),
    wallets: new Map(),
    walletIds: new Map(),
    holds: new Map(),
    lots: new Map(),
    originals: new Map(),
    schedules: new Map(),
    emails: new Map(),
  };
}

/** A state that goes its own way from here on. Records are shared: they are never changed. */
export function forkState(state: LedgerState): LedgerState {
  return {
    users: new Map(state.users),
    assets: new Map(state.assets),
    wallets: new Map(state.wallets),
    walletIds: new Map(state.walletIds),
    holds: new Map(state.holds),
    lots: new Map(state.lots),
    originals: new Map(state.originals),
    schedules: new Map(state.schedules),
    emails: new Map(state.emails),
  };
}

export function walletKey(owner: Owner, assetSlug: string): string {
  return `${ownerKey(owner)}/${assetSlug}`;
}

export function walletOf(state: LedgerState, owner: Owner, assetSlug: string): WalletState | undefined {
  const id = state.walletIds.get(walletKey(owner, assetSlug));
  return id === undefined ? undefined : state.wallets.get(id);
}

/**
 * The floor of a wallet after it changed: minus its overdraft. Who was forced below it, or was below it when it was lowered, is
 * not lifted by that: the floor goes along, and rises again as the wallet recovers. That of the treasury is minus the supply cap.
 */
export function floorAfter(
  wallet: Pick<WalletState, 'owner' | 'floor' | 'limits'>,
  free: bigint,
): bigint | null {
  if (isTreasury(wallet.owner)) return wallet.floor;
  const limit = wallet.limits === null ? 0n : -wallet.limits.overdraft;
  return free < limit ? free : limit;
}

export const TREASURY: Owner = { system: 'treasury' };

export function isTreasury(owner: Owner): boolean {
  return 'system' in owner && owner.system === 'treasury';
}

export function available(wallet: WalletState): bigint {
  return wallet.balance - wallet.held;
}

/** A wallet right after it was opened. */
export function openedWallet(data: EventData<'wallet.opened'>): WalletState {
  const { walletId, owner, assetId, asset } = data;
  const floor = data.floor === null ? null : BigInt(data.floor);
  const nothing = { balance: 0n, held: 0n, seq: 0n, nextDueAt: null, limits: null };
  return { id: walletId, owner, assetId, asset, floor, status: 'ACTIVE', ...nothing };
}

/** Throws for a wallet whose lots were not looked for. */
export function lotsOf(state: LedgerState, wallet: WalletState): readonly Lot[] {
  const lots = state.lots.get(wallet.id);
  if (lots === undefined && wallet.nextDueAt !== null)
    throw new Error(`lots of wallet ${wallet.id} were not looked for`);
  return lots ?? [];
}

/** What can be spent at a time: neither held nor in a lot that is over, but for the one that is taken from anyway. */
export function spendable(
  wallet: WalletState,
  lots: readonly Lot[],
  { at, first = null }: { readonly at: string; readonly first?: string | null },
): bigint {
  return available(wallet) - overdueOf(lots, at, first);
}
