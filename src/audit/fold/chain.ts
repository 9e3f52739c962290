/**
 * Joins the summaries of ranges, in order, to what the log says of the whole ledger: each wallet and hold has to stand at the
 * beginning of a range as the ranges before left it.
 */
import { activityKey } from './activity-totals.ts';
import type { CheckName, FindingList } from './finding.ts';
import { emptyHeads, ownerAndAsset, setWallet, type Heads, type WalletHead } from './heads.ts';
import { addToDirectory } from './directory-heads.ts';
import { faultBetween } from './hold-tracks.ts';
import { addLimitFact } from './limit-chain.ts';
import { addLot } from './lot-tracks.ts';
import { walletChanges } from './packed-wallets.ts';
import { faultBetween as faultOfSchedule } from './schedule-tracks.ts';
import { createCompactRange, type CompactRange, type Subtree } from '../tree/merkle.ts';
import type {
  DirectoryChange,
  HoldChange,
  Lowest,
  RangeSummary,
  Reversal,
  ScheduleChange,
  WalletChange,
} from './range-summary.ts';

export type Chain = {
  readonly heads: Heads;
  /** Positions folded so far. */
  readonly position: () => bigint;
  /** Of the events so far; of no use once some are missing. */
  readonly tree: CompactRange;
  /** The next range. Throws for one that does not begin where the last one ended. */
  readonly add: (summary: RangeSummary) => void;
};

export type ChainStart = {
  /** Where the chain begins: at 0 with nothing, else with what is known of the ledger there. */
  readonly position: bigint;
  readonly heads: Heads;
  readonly subtrees: readonly Subtree[];
  /** Whether a hold or an original from before the start may be unknown. */
  readonly partial: boolean;
};

export const FROM_THE_BEGINNING: () => ChainStart = () => ({
  position: 0n,
  heads: emptyHeads(),
  subtrees: [],
  partial: false,
});

export function createChain(
  start: ChainStart,
  findings: FindingList,
  /** Told the root at each tree size that was marked, null where events before it are missing. */
  onMark: (treeSize: bigint, root: Buffer | null) => void,
): Chain {
  const { heads, partial } = start;
  const tree = createCompactRange(start.subtrees);
  let position = start.position;
  let lastRecordedAt = '';
  let whole = true;

  function report(
    check: CheckName,
    at: { position: bigint; walletId?: string },
    expected: string,
    found: string,
  ): void {
    const place = { position: at.position.toString(), walletId: at.walletId ?? null };
    findings.add({ check, ...place, expected, found });
  }

  function addWallet(change: WalletChange): void {
    const { walletId } = change;
    const at = { position: change.firstPosition, walletId };
    const known = heads.wallets.get(walletId);
    if (known !== undefined && change.opened !== null)
      report('wallets', at, 'a wallet that is opened once', 'it was open already');
    if (known === undefined && change.opened === null)
      report('wallets', at, 'a wallet that was opened before', 'it was never opened');
    const head = known ?? openedHead(change);
    if (change.opened !== null && heads.owners.has(ownerAndAsset(head)))
      report('wallets', at, `one wallet of ${ownerAndAsset(head)}`, 'another one');
    checkOpening(change, head, at);
    if (known === undefined) setWallet(heads, head);
    advance(head, change);
  }

  function checkOpening(
    change: WalletChange,
    before: WalletHead,
    at: { position: bigint; walletId: string },
  ): void {
    const { openingBalance, openingHeld, openingSeq } = change;
    if (openingBalance !== null && openingBalance !== before.balance)
      report('balances', at, `${before.balance} before`, `${openingBalance} before`);
    if (openingHeld !== null && openingHeld !== before.held)
      report('balances', at, `${before.held} held before`, `${openingHeld} held before`);
    if (openingSeq !== null && openingSeq !== before.seq)
      report('entries', at, `seq ${before.seq} before`, `seq ${openingSeq} before`);
    checkFloors(change, before);
    for (const asset of change.assets)
      if (asset !== before.asset) report('entries', at, `asset ${before.asset}`, `asset ${asset}`);
    if (change.assetId !== null && change.assetId !== before.assetId)
      report('entries', at, `asset ${before.assetId}`, `asset ${change.assetId}`);
  }

  /** Each against the limit that held at its time. */
  function checkFloors({ walletId, overdrafts, lowest }: WalletChange, before: WalletHead): void {
    let { limit } = before;
    const check = (least: Lowest | null): void => {
      if (least === null || limit === null) return;
      const free = before.plainBalance - before.plainHeld + least.change;
      const { position: at } = least;
      if (free < limit) report('floors', { position: at, walletId }, `${limit} or more`, free.toString());
    };
    for (const { overdraft, lowestBefore } of overdrafts) {
      check(lowestBefore);
      limit = -overdraft;
    }
    check(lowest);
  }

  /** In place: there are as many as wallets, for each range. Once a wallet differs it does so ever after: it is said where it begins. */
  function advance(head: WalletHead, change: WalletChange): void {
    const agreed = head.plainBalance === head.balance && head.plainHeld === head.held;
    head.balance = change.closingBalance ?? head.balance;
    head.held = change.closingHeld ?? head.held;
    head.limit = limitAfter(head, change);
    head.seq += BigInt(change.entries);
    head.status = change.status ?? head.status;
    if (change.movedPosition > head.movedPosition) head.movedPosition = change.movedPosition;
    head.plainBalance += change.balanceChange;
    head.plainHeld += change.heldChange;
    if (head.plainBalance === head.balance && head.plainHeld === head.held) {
      // As one figure in memory, as long as they are equal.
      head.plainBalance = head.balance;
      head.plainHeld = head.held;
      return;
    }
    if (!agreed) return;
    const at = { position: change.movedPosition, walletId: change.walletId };
    const expected = `${head.plainBalance}, ${head.plainHeld} held`;
    report('plain_sum', at, expected, `${head.balance}, ${head.held} held`);
  }

  function addHold({ firstPosition, placed, openingCaptured, hold }: HoldChange): void {
    const { holdId, walletId } = hold;
    const at = { position: firstPosition, walletId };
    const known = heads.holds.get(holdId);
    if (placed && known !== undefined) report('holds', at, `hold ${holdId} placed once`, 'a second time');
    if (!placed && known === undefined && !partial)
      report('holds', at, `an open hold ${holdId}`, 'it is not open, or was never placed');
    const fault =
      placed || known === undefined || !('amount' in hold)
        ? null
        : faultBetween(known.hold, hold, openingCaptured);
    if (fault !== null) report('holds', at, fault.expected, fault.found);
    if (hold.status === 'open') heads.holds.set(holdId, { hold, position: known?.position ?? firstPosition });
    else {
      heads.holds.delete(holdId);
      heads.closedHolds += 1;
    }
  }

  function checkNotErased({ type, data, position: at }: DirectoryChange): void {
    const erasedAt = 'userId' in data ? heads.users.get(data.userId)?.erasedPosition : null;
    if (typeof erasedAt === 'bigint')
      report('erased', { position: at }, `nothing of a user who was erased at position ${erasedAt}`, type);
  }

  function addSchedule({ firstPosition, created, ...change }: ScheduleChange): void {
    const { scheduleId, terms, status } = change;
    const at = { position: firstPosition };
    const known = heads.schedules.get(scheduleId);
    if (created && known !== undefined)
      report('schedules', at, `schedule ${scheduleId} created once`, 'a second time');
    if (!created && known === undefined && !partial)
      report('schedules', at, `schedule ${scheduleId} to wait`, 'it has ended, or was never created');
    const fault = created || known === undefined ? null : faultOfSchedule(known, terms, status);
    if (fault !== null) report('schedules', at, fault.expected, fault.found);
    if (status === 'scheduled')
      heads.schedules.set(scheduleId, { ...change, position: known?.position ?? firstPosition });
    else {
      heads.schedules.delete(scheduleId);
      heads.closedSchedules += 1;
    }
  }

  function addReversal({ position: at, originalId, amounts }: Reversal): void {
    const known = heads.reversed.get(originalId);
    const sums = amounts.map((amount, index) => amount + (known?.amounts[index] ?? 0n));
    heads.reversed.set(originalId, { times: (known?.times ?? 0) + 1, amounts: sums, position: at });
  }

  /** Where events are missing there is no tree from there on: that they are missing was said. */
  function joinTree({ from, to, events, hashes }: RangeSummary): void {
    whole &&= BigInt(events) === to - from;
    if (!whole) return hashes.marks.forEach(({ size }) => onMark(size, null));
    let done = 0;
    for (const mark of hashes.marks) {
      for (; done < mark.after; done += 1) appendSubtree(hashes.subtrees[done]);
      const marked = createCompactRange(tree.subtrees());
      for (const subtree of mark.subtrees) marked.append(subtree);
      onMark(mark.size, marked.root());
    }
    for (; done < hashes.subtrees.length; done += 1) appendSubtree(hashes.subtrees[done]);
  }

  function appendSubtree(subtree: Subtree | undefined): void {
    if (subtree !== undefined) tree.append(subtree);
  }

  return {
    heads,
    tree,
    position: () => position,
    add(summary) {
      if (summary.from !== position)
        throw new Error(`range from ${summary.from} does not follow ${position}`);
      position = summary.to;
      const { firstRecordedAt, from } = summary;
      if (firstRecordedAt !== null && firstRecordedAt < lastRecordedAt)
        report('times', { position: from + 1n }, `recorded at ${lastRecordedAt} or later`, firstRecordedAt);
      lastRecordedAt = summary.lastRecordedAt ?? lastRecordedAt;
      for (const finding of summary.findings) findings.add(finding);
      for (const change of walletChanges(summary.wallets)) addWallet(change);
      for (const change of summary.holds) addHold(change);
      for (const change of summary.lots) addLot(heads, change, partial, findings);
      for (const change of summary.schedules) addSchedule(change);
      for (const change of summary.directory) {
        checkNotErased(change);
        addToDirectory(heads, change);
      }
      for (const of of summary.activity) addActivity(heads, of);
      for (const reversal of summary.reversals) addReversal(reversal);
      // What was spent before the start is not known.
      if (!partial) for (const fact of summary.limits) addLimitFact(heads, fact, report);
      joinTree(summary);
    },
  };
}

/** Minus the overdraft, once there was one. */
function limitAfter({ limit }: WalletHead, { overdrafts }: WalletChange): bigint | null {
  const last = overdrafts.at(-1);
  return last === undefined ? limit : -last.overdraft;
}

function openedHead({ walletId, opened, firstPosition, assets, assetId }: WalletChange): WalletHead {
  const owner = opened?.owner ?? { userId: '' };
  const isSystem = 'system' in owner;
  return {
    walletId,
    isSystem,
    owner: isSystem ? owner.system : owner.userId,
    assetId: opened?.assetId ?? assetId ?? '',
    asset: opened?.asset ?? assets[0] ?? '',
    limit: opened === null || opened.floor === null ? null : BigInt(opened.floor),
    ...{ balance: 0n, held: 0n, seq: 0n, plainBalance: 0n, plainHeld: 0n, status: 'ACTIVE' },
    ...{ openedPosition: firstPosition, movedPosition: firstPosition },
  };
}

function addActivity(heads: Heads, of: RangeSummary['activity'][number]): void {
  const key = activityKey(of);
  const known = heads.activity.get(key);
  if (known === undefined) heads.activity.set(key, { ...of });
  else {
    known.posted += of.posted;
    known.volume += of.volume;
    known.rejected += of.rejected;
  }
}
