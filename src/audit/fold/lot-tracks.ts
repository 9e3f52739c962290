/**
 * The lots of a range: how far each goes down and up in it, against wherever it stood. Where it began is only known to the chain of
 * the ranges, which holds both together.
 */
import type { Fact } from '../../events/catalog.ts';
import { lotChangesOf, openedLot } from '../../events/lots.ts';
import type { FindingList } from './finding.ts';
import type { Heads, LotHead } from './heads.ts';

/** A figure that only ever went one way from where it stood, and where it went furthest. */
type Extreme = { readonly change: bigint; readonly position: bigint };

export type LotChanges = {
  readonly lotId: string;
  readonly walletId: string;
  readonly firstPosition: bigint;
  /** Where the range has the bonus that opens it. */
  readonly opened: { readonly amount: bigint; readonly expiresAt: string } | null;
  readonly remaining: bigint;
  readonly reserved: bigint;
  readonly expired: bigint;
  /** Of what is left, of what is reserved, and of what is not reserved. */
  readonly most: Extreme;
  readonly leastReserved: Extreme;
  readonly leastFree: Extreme;
  /** The last of the payments out of it that no hold had set aside; what takes the bonus itself back may do so after its end. */
  readonly spent: { readonly at: string; readonly position: bigint } | null;
  /** Its ends: what was free after each. */
  readonly ends: readonly { readonly at: string; readonly position: bigint; readonly free: bigint }[];
};

type Track = { -readonly [Name in keyof LotChanges]: LotChanges[Name] };

type LotEvent = Fact & { readonly position: bigint; readonly occurredAt: string };

export type LotTracks = { readonly add: (event: LotEvent) => void; readonly finish: () => LotChanges[] };

export function createLotTracks(findings: FindingList): LotTracks {
  const tracks = new Map<string, Track>();

  function trackOf(lotId: string, walletId: string, position: bigint): Track {
    const known = tracks.get(lotId);
    if (known === undefined) {
      const track = untouched(lotId, walletId, position);
      tracks.set(lotId, track);
      return track;
    }
    if (known.walletId !== walletId) {
      const at = { check: 'lots', position: position.toString(), walletId } as const;
      findings.add({ ...at, expected: `lot ${lotId} of wallet ${known.walletId}`, found: `of ${walletId}` });
    }
    return known;
  }

  return {
    add(event) {
      const { position, occurredAt: at } = event;
      const opened = openedLot(event);
      if (opened !== null) {
        const { lotId, walletId, amount, expiresAt } = opened;
        trackOf(lotId, walletId, position).opened = { amount, expiresAt };
      }
      const changes = lotChangesOf(event);
      if (changes.length === 0) return;
      const posted = event.type === 'transaction.posted' ? event.data : null;
      for (const change of changes) {
        const track = trackOf(change.lotId, change.walletId, position);
        track.remaining += change.remaining;
        track.reserved += change.reserved;
        const free = track.remaining - track.reserved;
        if (track.remaining > track.most.change) track.most = { change: track.remaining, position };
        if (track.reserved < track.leastReserved.change)
          track.leastReserved = { change: track.reserved, position };
        if (free < track.leastFree.change) track.leastFree = { change: free, position };
        if (change.lotId === posted?.expires) {
          track.expired -= change.remaining;
          track.ends = [...track.ends, { at, position, free }];
        } else if (change.remaining < 0n && change.reserved === 0n && change.lotId !== posted?.reverses)
          track.spent = { at, position };
      }
    },
    finish: () => [...tracks.values()],
  };
}

function untouched(lotId: string, walletId: string, position: bigint): Track {
  const nothing = { change: 0n, position };
  return {
    ...{ lotId, walletId, firstPosition: position, opened: null, remaining: 0n, reserved: 0n, expired: 0n },
    ...{ most: nothing, leastReserved: nothing, leastFree: nothing, spent: null, ends: [] },
  };
}

/** Goes on from how the lot stood before the range. `partial`: it may have been opened before anything that is known. */
export function addLot(heads: Heads, change: LotChanges, partial: boolean, findings: FindingList): void {
  const { lotId, walletId, firstPosition, opened } = change;
  const known = heads.lots.get(lotId);
  const report = (position: bigint, expected: string, found: string): void =>
    findings.add({ check: 'lots', position: position.toString(), walletId, expected, found });

  if (known !== undefined && opened !== null)
    report(firstPosition, `lot ${lotId} opened once`, 'a second time');
  const before = known ?? openedHead(change);
  if (before === null) {
    if (!partial) report(firstPosition, `lot ${lotId} opened before`, 'it was never opened');
    return;
  }
  if (before.walletId !== walletId)
    report(firstPosition, `lot ${lotId} of ${before.walletId}`, `of ${walletId}`);
  const { most, leastReserved, leastFree, spent, ends } = change;
  const free = before.remaining - before.reserved;
  if (before.remaining + most.change > before.amount)
    report(most.position, `${before.amount} at most in lot ${lotId}`, `${before.remaining + most.change}`);
  if (before.reserved + leastReserved.change < 0n)
    report(
      leastReserved.position,
      `0 or more reserved of lot ${lotId}`,
      `${before.reserved + leastReserved.change}`,
    );
  if (free + leastFree.change < 0n)
    report(leastFree.position, `0 or more free in lot ${lotId}`, `${free + leastFree.change}`);
  if (spent !== null && spent.at >= before.expiresAt)
    report(
      spent.position,
      `nothing spent of lot ${lotId} from ${before.expiresAt} on`,
      `spent at ${spent.at}`,
    );
  for (const end of ends) {
    if (end.at < before.expiresAt)
      report(end.position, `lot ${lotId} to end at ${before.expiresAt}`, `it expired at ${end.at}`);
    if (free + end.free !== 0n)
      report(end.position, `all that is free in lot ${lotId} to expire`, `${free + end.free} was left`);
  }
  heads.lots.set(lotId, {
    ...before,
    remaining: before.remaining + change.remaining,
    reserved: before.reserved + change.reserved,
    expired: before.expired + change.expired,
  });
}

function openedHead({ lotId, walletId, opened, firstPosition: position }: LotChanges): LotHead | null {
  return opened === null
    ? null
    : { lotId, walletId, ...opened, remaining: 0n, reserved: 0n, expired: 0n, position };
}
