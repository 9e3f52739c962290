/** The holds of a range: each is placed once, pays out no more than it holds, and ends once, in time. */
import type { Fact, Hold } from '../../events/catalog.ts';
import type { FindingList } from './finding.ts';
import { ownText } from './read-fact.ts';
import type { EndedHold, HoldChange } from './range-summary.ts';

type HoldEvent = Extract<Fact, { type: `hold.${string}` }> & {
  readonly position: bigint;
  readonly id: string;
  readonly occurredAt: string;
};

export type HoldTracks = { readonly add: (event: HoldEvent) => void; readonly finish: () => HoldChange[] };

export function createHoldTracks(findings: FindingList): HoldTracks {
  const tracks = new Map<string, { -readonly [Name in keyof HoldChange]: HoldChange[Name] }>();

  return {
    add(event) {
      const { hold } = event.data;
      const track = tracks.get(hold.holdId);
      const fault = faultOf(event) ?? (track === undefined ? null : faultAfter(track.hold, event));
      if (fault !== null) {
        const { position } = event;
        findings.add({ check: 'holds', position: position.toString(), walletId: hold.walletId, ...fault });
      }
      if (track === undefined) {
        const ids = { holdId: ownText(hold.holdId), walletId: ownText(hold.walletId) };
        tracks.set(ids.holdId, {
          firstPosition: event.position,
          lastPosition: event.position,
          placed: event.type === 'hold.placed',
          openingCaptured: capturedBefore(event),
          hold: { ...hold, ...ids },
        });
        return;
      }
      track.lastPosition = event.position;
      track.hold = track.placed ? asOfInterest(track.hold, hold) : hold;
    },
    finish: () => Array.from(tracks.values(), (track) => ({ ...track, hold: own(track.hold) })),
  };
}

/** By itself: its strings may be cut out of the text of an event, and what is open is kept for as long as the log goes on. */
function own(hold: Hold | EndedHold): Hold | EndedHold {
  return 'amount' in hold ? (JSON.parse(JSON.stringify(hold)) as Hold) : hold;
}

/** A log has many more holds that have ended than open ones: of those the ids that were known already are kept, which are the same. */
function asOfInterest({ holdId, walletId }: Hold | EndedHold, hold: Hold): Hold | EndedHold {
  const { status } = hold;
  return status === 'open' ? hold : { holdId, walletId, status };
}

type Fault = { readonly expected: string; readonly found: string };

function capturedBefore({ type, data }: HoldEvent): bigint {
  const captured = BigInt(data.hold.captured);
  return type === 'hold.captured' ? captured - BigInt(data.postings[0]?.amount ?? '0') : captured;
}

/** What is wrong with an event by itself. */
function faultOf(event: HoldEvent): Fault | null {
  const { hold } = event.data;
  const isOpen = hold.status === 'open';
  const left = isOpen ? BigInt(hold.amount) - BigInt(hold.captured) : 0n;
  if (BigInt(hold.remaining) !== left)
    return { expected: `${left} remaining of hold ${hold.holdId}`, found: hold.remaining };
  const isDue = hold.expiresAt !== null && hold.expiresAt <= event.occurredAt;
  if (isDue !== (event.type === 'hold.expired')) {
    const found = `${event.type} at ${event.occurredAt}`;
    return { expected: `hold ${hold.holdId} to end at ${hold.expiresAt ?? 'no time'}`, found };
  }
  switch (event.type) {
    case 'hold.placed':
      if (isOpen && hold.captured === '0' && hold.holdId === event.id) return null;
      return { expected: `an untouched hold ${event.id}`, found: describe(hold) };
    case 'hold.captured': {
      const done = isOpen ? BigInt(hold.captured) < BigInt(hold.amount) && !event.data.final : true;
      if (done && BigInt(hold.captured) <= BigInt(hold.amount) && (isOpen || hold.status === 'captured'))
        return null;
      return { expected: `hold ${hold.holdId} captured within ${hold.amount}`, found: describe(hold) };
    }
    case 'hold.released':
    case 'hold.expired': {
      const expected = (BigInt(hold.amount) - BigInt(hold.captured)).toString();
      const status = event.type === 'hold.released' ? 'released' : 'expired';
      if (event.data.released === expected && hold.status === status) return null;
      return {
        expected: `${expected} of hold ${hold.holdId} ${status}`,
        found: `${event.data.released}, ${describe(hold)}`,
      };
    }
  }
}

/** What is wrong with an event after another of the same hold. */
function faultAfter(before: Hold | EndedHold, event: HoldEvent): Fault | null {
  const { hold } = event.data;
  if (event.type === 'hold.placed')
    return { expected: `hold ${hold.holdId} placed once`, found: 'a second time' };
  return faultBetween(before, hold, capturedBefore(event));
}

/** Whether a hold that stood like `before` can be the one that had `captured` taken from it when it went on to `after`. */
export function faultBetween(before: Hold | EndedHold, after: Hold, captured: bigint): Fault | null {
  if (before.status !== 'open')
    return { expected: `hold ${after.holdId} to stay ${before.status}`, found: describe(after) };
  if (BigInt(before.captured) !== captured)
    return { expected: `${before.captured} captured of hold ${after.holdId}`, found: captured.toString() };
  return isSame(before, after) ? null : { expected: `hold ${terms(before)}`, found: terms(after) };
}

function isSame(one: Hold, other: Hold): boolean {
  const isPlain = one.counted === undefined && other.counted === undefined;
  if (!isPlain) return terms(one) === terms(other);
  return (
    one.walletId === other.walletId &&
    one.userId === other.userId &&
    one.asset === other.asset &&
    one.amount === other.amount &&
    one.expiresAt === other.expiresAt &&
    one.reference === other.reference
  );
}

/** What never changes of a hold. */
function terms({ walletId, userId, asset, amount, expiresAt, reference, counted }: Hold): string {
  return JSON.stringify({ walletId, userId, asset, amount, expiresAt, reference, counted });
}

export function describe({ status, amount, captured, remaining }: Hold): string {
  return `${status}, ${captured} captured and ${remaining} remaining of ${amount}`;
}
