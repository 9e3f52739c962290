/** Folds the events of a range, one after the other, and holds each against what it says of itself and what is stored beside it. */
import type { Fact } from '../../events/catalog.ts';
import { createActivityTotals } from './activity-totals.ts';
import { createBlockHasher } from '../tree/block-hashes.ts';
import { createFindingList, type CheckName } from './finding.ts';
import { createHoldTracks } from './hold-tracks.ts';
import { createLimitFacts, NOTHING_LIMITED, type Limited } from './limit-facts.ts';
import { createLotTracks } from './lot-tracks.ts';
import { createScheduleTracks, type Previous, type ScheduleEvent } from './schedule-tracks.ts';
import type { LoggedEvent } from '../tree/decode-leaf.ts';
import { createEventChecks, type Place, type Report } from './event-checks.ts';
import { faultOfExchange } from './exchange-terms.ts';
import { changesOf } from './plain-sum.ts';
import type { ReadFact } from './read-fact.ts';
import type { DirectoryChange, PositionRange, RangeSummary, Reversal } from './range-summary.ts';
import { createWalletTracks, type TrackedEvent } from './wallet-tracks.ts';

/** Of each check. */
const FINDINGS_A_RANGE = 200;

export type RangeFold = {
  /** The next event, its leaf hash, and the lines of its entries, or null where only the events are at hand. */
  readonly add: (leaf: LoggedEvent, leafHash: Buffer, stored: readonly string[] | null) => Fact | null;
  /** An event that is part of the tree, and comes after what is wanted. */
  readonly pass: (leaf: LoggedEvent, leafHash: Buffer) => void;
  readonly report: Report;
  readonly finish: () => RangeSummary;
};

/** `marked`: the tree sizes within the range at which checkpoints stand. `limited`: whose spends are wanted. */
export function createRangeFold(
  { from, to }: PositionRange,
  marked: readonly bigint[],
  readFact: ReadFact,
  limited: Limited = NOTHING_LIMITED,
): RangeFold {
  const findings = createFindingList(FINDINGS_A_RANGE);
  const hasher = createBlockHasher(from, marked);
  const wallets = createWalletTracks();
  const holds = createHoldTracks(findings);
  const lots = createLotTracks(findings);
  const schedules = createScheduleTracks(findings);
  let previous: Previous = null;
  const checks = createEventChecks(wallets, report);
  const activity = createActivityTotals();
  const limits = createLimitFacts(limited);
  const directory: DirectoryChange[] = [];
  const reversals: Reversal[] = [];
  const counts = { events: 0, entries: 0, keys: 0 };
  let firstRecordedAt: string | null = null;
  let lastRecordedAt: string | null = null;
  let last = from;

  function report(check: CheckName, { position, walletId }: Place, expected: string, found: string): void {
    const place = { position: position?.toString() ?? null, walletId: walletId ?? null };
    findings.add({ check, ...place, expected, found });
  }

  function place(leaf: LoggedEvent, leafHash: Buffer): void {
    checkPlace(leaf);
    hasher.add(leafHash);
    counts.events += 1;
  }

  function checkPlace(leaf: LoggedEvent): void {
    const { position, occurredAt, recordedAt } = leaf;
    if (position !== last + 1n)
      report('positions', { position }, `position ${last + 1n}`, `position ${position}`);
    last = position;
    if (lastRecordedAt !== null && recordedAt < lastRecordedAt)
      report('times', { position }, `recorded at ${lastRecordedAt} or later`, recordedAt);
    if (occurredAt > recordedAt)
      report('times', { position }, `decided at ${recordedAt} or before`, occurredAt);
    firstRecordedAt ??= recordedAt;
    lastRecordedAt = recordedAt;
  }

  /** Null for an event that does not fit its schema: it cannot be folded. */
  function read(leaf: LoggedEvent): { event: TrackedEvent & { id: string }; data: unknown } | null {
    const { position, id, type, version, occurredAt } = leaf;
    try {
      const { fact, data } = readFact({ type, version, text: leaf.data });
      return {
        // As a fact is: a spread of it would cost as much as a field for each of its names.
        event: { type: fact.type, version, data: fact.data, position, id, occurredAt } as TrackedEvent & {
          id: string;
        },
        data,
      };
    } catch (error) {
      report('schema', { position }, `${type} of version ${version}`, messageOf(error));
      return null;
    }
  }

  return {
    report,
    pass: place,
    add(leaf, leafHash, stored) {
      place(leaf, leafHash);
      counts.entries += stored?.length ?? 0;
      if (leaf.idempotencyKey !== null) counts.keys += 1;
      const found = read(leaf);
      const before = previous;
      previous = found?.event ?? null;
      if (found === null) return null;
      const { event, data } = found;
      if ('schedule' in event.data) schedules.add(event as ScheduleEvent, before);
      try {
        const entries = wallets.fold(event, changesOf(leaf.type, data), stored ?? []);
        checks.balances(event, entries);
        activity.add(event, leaf.recordedAt);
        if ('hold' in event.data) holds.add(event as Parameters<typeof holds.add>[0]);
        lots.add(event);
        if (stored !== null) checks.entries(leaf, entries, stored);
      } catch (error) {
        report('balances', { position: leaf.position }, 'an event that can be folded', messageOf(error));
      }
      const fault = faultOfExchange(event);
      if (fault !== null) report('exchanges', { position: leaf.position }, fault.expected, fault.found);
      noteDirectory(directory, event);
      noteReversal(reversals, event);
      limits.add(event);
      return event;
    },
    finish() {
      if (last < to)
        report('positions', { position: last + 1n }, `positions up to ${to}`, `none after ${last}`);
      return {
        ...{ from, to, ...counts, firstRecordedAt, lastRecordedAt },
        wallets: wallets.finish(),
        holds: holds.finish(),
        lots: lots.finish(),
        schedules: schedules.finish(),
        directory,
        activity: activity.finish(),
        reversals,
        limits: limits.finish(),
        hashes: hasher.finish(),
        findings: findings.items,
        findingCount: findings.count(),
      };
    },
  };
}

function noteDirectory(directory: DirectoryChange[], event: TrackedEvent): void {
  switch (event.type) {
    case 'user.registered':
    case 'user.status_changed':
    case 'user.erased':
    case 'asset.created':
    case 'asset.status_changed':
    case 'asset.limits_changed':
      directory.push(event);
      return;
    case 'wallet.opened':
    case 'wallet.status_changed':
    case 'wallet.overdraft_changed':
    case 'wallet.limits_changed':
    case 'transaction.posted':
    case 'transaction.rejected':
    case 'hold.placed':
    case 'hold.captured':
    case 'hold.released':
    case 'hold.expired':
    case 'scheduled.created':
    case 'scheduled.executed':
    case 'scheduled.cancelled':
  }
}

function noteReversal(reversals: Reversal[], event: TrackedEvent): void {
  if (event.type !== 'transaction.posted' || event.data.reverses === undefined) return;
  const amounts = event.data.postings.map(({ amount }) => BigInt(amount)).reverse();
  reversals.push({ position: event.position, originalId: event.data.reverses, amounts });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
