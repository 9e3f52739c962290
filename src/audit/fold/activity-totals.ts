/** Counts and volumes per asset, hour and transaction type, from the events. */
import type { Posting } from '../../events/catalog.ts';
import type { Activity } from './range-summary.ts';
import { ownText } from './read-fact.ts';
import type { TrackedEvent } from './wallet-tracks.ts';

/** '2026-01-01T00' of a time. */
const HOUR_CHARACTERS = 13;

export type ActivityTotals = {
  readonly add: (event: TrackedEvent, recordedAt: string) => void;
  readonly finish: () => Activity[];
};

export function createActivityTotals(): ActivityTotals {
  const totals: Activity[] = [];
  /** Of the hour that is under way, by asset and type. */
  let hour = '';
  const current = new Map<string, Map<string, Activity>>();

  function total(asset: string, recordedAt: string, type: string): Activity {
    if (!recordedAt.startsWith(hour) || hour === '') {
      hour = recordedAt.slice(0, HOUR_CHARACTERS);
      current.clear();
    }
    let byType = current.get(asset);
    if (byType === undefined) current.set(ownText(asset), (byType = new Map()));
    let found = byType.get(type);
    if (found === undefined) {
      found = { asset: ownText(asset), hour, type: ownText(type), posted: 0n, volume: 0n, rejected: 0n };
      byType.set(found.type, found);
      totals.push(found);
    }
    return found;
  }

  function addPostings(postings: readonly Posting[], recordedAt: string, type: string): void {
    const [only] = postings;
    if (postings.length === 1 && only !== undefined) {
      const of = total(only.asset, recordedAt, type);
      of.volume += BigInt(only.amount);
      of.posted += 1n;
      return;
    }
    const counted = new Set<string>();
    for (const { asset, amount } of postings) {
      const of = total(asset, recordedAt, type);
      of.volume += BigInt(amount);
      if (!counted.has(asset)) of.posted += 1n;
      counted.add(asset);
    }
  }

  return {
    add(event, recordedAt) {
      switch (event.type) {
        case 'transaction.posted':
        case 'hold.captured':
          return addPostings(event.data.postings, recordedAt, event.data.type);
        case 'transaction.rejected':
          if (event.data.asset !== null) total(event.data.asset, recordedAt, event.data.type).rejected += 1n;
          return;
        case 'user.registered':
        case 'user.status_changed':
        case 'user.erased':
        case 'asset.created':
        case 'asset.status_changed':
        case 'asset.limits_changed':
        case 'wallet.opened':
        case 'wallet.status_changed':
        case 'wallet.overdraft_changed':
        case 'wallet.limits_changed':
        case 'hold.placed':
        case 'hold.released':
        case 'hold.expired':
        case 'scheduled.created':
        case 'scheduled.executed':
        case 'scheduled.cancelled':
      }
    },
    finish: () => totals,
  };
}

export function activityKey({ asset, hour, type }: Pick<Activity, 'asset' | 'hour' | 'type'>): string {
  return `${asset} ${hour} ${type}`;
}
