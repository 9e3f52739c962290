/**
 * What a range of the log comes to, seen by itself: how each wallet and hold it touches stood before and after. Ranges are
 * folded side by side, and the chain of their summaries, where each has to begin as the one before ended, is the fold of the
 * whole log.
 */
import type { EventData, Hold } from '../../events/catalog.ts';
import type { ScheduleStatus } from '../../events/state.ts';
import type { BlockHashes } from '../tree/block-hashes.ts';
import type { Finding } from './finding.ts';
import type { LimitFact } from './limit-facts.ts';
import type { LotChanges } from './lot-tracks.ts';
import type { PackedWallets } from './packed-wallets.ts';

/** Positions of a range: from < position <= to. */
export type PositionRange = { readonly from: bigint; readonly to: bigint };

export type Lowest = { readonly change: bigint; readonly position: bigint };

/** Null stands for what the events of the range do not tell. */
export type WalletChange = {
  readonly walletId: string;
  readonly firstPosition: bigint;
  /** Of its last entry, or of the event that opened it; 0 where the range has neither. */
  readonly movedPosition: bigint;
  readonly opened: EventData<'wallet.opened'> | null;
  /** By its entries. */
  readonly assetId: string | null;
  /** Slugs, as the events name them: one, or something is wrong. */
  readonly assets: readonly string[];
  readonly openingBalance: bigint | null;
  readonly openingHeld: bigint | null;
  readonly openingSeq: bigint | null;
  readonly closingBalance: bigint | null;
  readonly closingHeld: bigint | null;
  readonly entries: number;
  /** By the plain sum. */
  readonly balanceChange: bigint;
  readonly heldChange: bigint;
  /** The least that was free after an event that took from it by no force, against what was free before the range. */
  readonly lowest: Lowest | null;
  /** Changes of its overdraft, each with the least that was free since the one before; `lowest` is after the last one. */
  readonly overdrafts: readonly { readonly overdraft: bigint; readonly lowestBefore: Lowest | null }[];
  readonly status: 'ACTIVE' | 'FROZEN' | null;
};

export type HoldChange = {
  readonly firstPosition: bigint;
  readonly lastPosition: bigint;
  /** Whether the range has the event that placed it; else how much of it was captured before the range. */
  readonly placed: boolean;
  readonly openingCaptured: bigint;
  /** After the range. Of one that began and ended in it no more is of interest than that it did. */
  readonly hold: Hold | EndedHold;
};

export type EndedHold = Pick<Hold, 'holdId' | 'walletId'> & {
  readonly status: Exclude<Hold['status'], 'open'>;
};

export type ScheduleChange = {
  readonly scheduleId: string;
  readonly type: string;
  readonly userId: string | null;
  readonly executeAt: string;
  /** Equal for equal schedules. */
  readonly terms: string;
  /** After the range. */
  readonly status: ScheduleStatus;
  readonly firstPosition: bigint;
  /** Whether the range has the event that created it. */
  readonly created: boolean;
};

/** Users and assets, as their events describe them. */
export type DirectoryChange = { readonly position: bigint; readonly occurredAt: string } & (
  | { readonly type: 'user.registered'; readonly data: EventData<'user.registered'> }
  | { readonly type: 'user.status_changed'; readonly data: EventData<'user.status_changed'> }
  | { readonly type: 'user.erased'; readonly data: EventData<'user.erased'> }
  | { readonly type: 'asset.created'; readonly data: EventData<'asset.created'> }
  | { readonly type: 'asset.status_changed'; readonly data: EventData<'asset.status_changed'> }
  | { readonly type: 'asset.limits_changed'; readonly data: EventData<'asset.limits_changed'> }
);

/** Transactions of one asset, hour and type. */
export type Activity = {
  readonly asset: string;
  readonly hour: string;
  readonly type: string;
  posted: bigint;
  volume: bigint;
  rejected: bigint;
};

export type Reversal = {
  readonly position: bigint;
  readonly originalId: string;
  /** Of each posting, in the order of the original's. */
  readonly amounts: readonly bigint[];
};

export type RangeSummary = PositionRange & {
  readonly events: number;
  readonly entries: number;
  readonly keys: number;
  readonly firstRecordedAt: string | null;
  readonly lastRecordedAt: string | null;
  readonly wallets: PackedWallets;
  readonly holds: readonly HoldChange[];
  readonly lots: readonly LotChanges[];
  readonly schedules: readonly ScheduleChange[];
  readonly directory: readonly DirectoryChange[];
  readonly activity: readonly Activity[];
  readonly reversals: readonly Reversal[];
  readonly limits: readonly LimitFact[];
  readonly hashes: BlockHashes;
  readonly findings: readonly Finding[];
  /** All of them, also those that are not listed. */
  readonly findingCount: number;
};
