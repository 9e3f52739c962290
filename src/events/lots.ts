/**
 * Lots: value with an end. A bonus that expires opens one, and is part of the wallet's balance like any other money; what is
 * spent comes out of the lot that expires first, plain balance last. Pure.
 */
import type { Fact, LotShare } from './catalog.ts';

export type Lot = {
  /** The id of the transaction that opened it. */
  readonly lotId: string;
  readonly walletId: string;
  readonly amount: bigint;
  readonly remaining: bigint;
  /** What holds reserve of what remains: it does not expire before they end. */
  readonly reserved: bigint;
  readonly expiresAt: string;
};

/** What an event does to a lot: signed, in minor units. */
export type LotChange = {
  readonly walletId: string;
  readonly lotId: string;
  readonly remaining: bigint;
  readonly reserved: bigint;
};

/** The lot that an event opens, with nothing in it yet. */
export function openedLot(event: Fact): Lot | null {
  if (event.type !== 'transaction.posted' || event.data.lot === undefined) return null;
  const { lotId, expiresAt } = event.data.lot;
  const [posting] = event.data.postings;
  if (posting === undefined) return null;
  const amount = BigInt(posting.amount);
  return { lotId, walletId: posting.to.walletId, amount, remaining: 0n, reserved: 0n, expiresAt };
}

const NO_CHANGES: readonly LotChange[] = [];

/** In the order of the event's postings. */
export function lotChangesOf(event: Fact): readonly LotChange[] {
  switch (event.type) {
    case 'transaction.posted': {
      const { postings } = event.data;
      if (postings.every(({ from, to }) => from.lots === undefined && to.lots === undefined))
        return NO_CHANGES;
      return postings.flatMap(({ from, to }) => [
        ...changes(from.walletId, from.lots, { remaining: -1n, reserved: 0n }),
        ...changes(to.walletId, to.lots, { remaining: 1n, reserved: 0n }),
      ]);
    }
    case 'hold.captured': {
      const { postings, freed, hold } = event.data;
      return [
        ...postings.flatMap(({ from }) =>
          changes(from.walletId, from.lots, { remaining: -1n, reserved: -1n }),
        ),
        ...changes(hold.walletId, freed, { remaining: 0n, reserved: -1n }),
      ];
    }
    case 'hold.placed':
      return changes(event.data.hold.walletId, event.data.hold.lots, { remaining: 0n, reserved: 1n });
    case 'hold.released':
    case 'hold.expired':
      return changes(event.data.hold.walletId, event.data.freed, { remaining: 0n, reserved: -1n });
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
    case 'transaction.rejected':
    case 'scheduled.created':
    case 'scheduled.executed':
    case 'scheduled.cancelled':
      return NO_CHANGES;
  }
}

function changes(
  walletId: string,
  shares: readonly LotShare[] | undefined,
  sign: { readonly remaining: bigint; readonly reserved: bigint },
): readonly LotChange[] {
  if (shares === undefined) return NO_CHANGES;
  return shares.map(({ lotId, amount }) => ({
    ...{ walletId, lotId },
    remaining: BigInt(amount) * sign.remaining,
    reserved: BigInt(amount) * sign.reserved,
  }));
}

/** The lots of a wallet with another one, in the order in which they are spent. */
export function withLot(lots: readonly Lot[], lot: Lot): readonly Lot[] {
  return [...lots, lot].sort(byExpiry);
}

function byExpiry(one: Lot, other: Lot): number {
  if (one.expiresAt !== other.expiresAt) return one.expiresAt < other.expiresAt ? -1 : 1;
  return one.lotId < other.lotId ? -1 : 1;
}

/** The lots of a wallet after a change to one of them; one that is not among them is left alone. */
export function changed(lots: readonly Lot[], change: Omit<LotChange, 'walletId'>): readonly Lot[] {
  return lots.map((lot) =>
    lot.lotId === change.lotId
      ? { ...lot, remaining: lot.remaining + change.remaining, reserved: lot.reserved + change.reserved }
      : lot,
  );
}

/** What is not reserved. */
export function freeOf({ remaining, reserved }: Lot): bigint {
  return remaining - reserved;
}

/** What is over by then, noticed or not: it is part of the balance until it is taken back, but nobody can spend it. */
export function overdueOf(lots: readonly Lot[], at: string, but: string | null = null): bigint {
  return lots.reduce((sum, lot) => (lot.expiresAt <= at && lot.lotId !== but ? sum + freeOf(lot) : sum), 0n);
}

/** When the next lot of the wallet ends; null for a wallet that has nothing in lots. */
export function nextDueAt(lots: readonly Lot[]): string | null {
  return lots.find(({ remaining }) => remaining > 0n)?.expiresAt ?? null;
}

export function openLots(lots: readonly Lot[]): number {
  return lots.filter(({ remaining }) => remaining > 0n).length;
}

/** How many more lots have something left once these are given. */
export function openedBy(lots: readonly Lot[], shares: readonly LotShare[]): number {
  const open = new Set(lots.flatMap(({ lotId, remaining }) => (remaining > 0n ? [lotId] : [])));
  return new Set(shares.flatMap(({ lotId }) => (open.has(lotId) ? [] : [lotId]))).size;
}

/** Out of which lots an amount is taken at a time: the earliest to expire first. What they do not cover is plain balance. */
export function sharesOf(lots: readonly Lot[], amount: bigint, at: string): LotShare[] {
  const spendable = lots.filter((lot) => lot.expiresAt > at);
  return upTo(
    spendable.map((lot) => ({ lotId: lot.lotId, amount: freeOf(lot) })),
    amount,
  );
}

/** The first so much of these, in their order. */
export function firstOf(shares: readonly LotShare[], amount: bigint): LotShare[] {
  return upTo(
    shares.map((share) => ({ lotId: share.lotId, amount: BigInt(share.amount) })),
    amount,
  );
}

/** What is left of these when the first so much is gone. */
export function afterFirst(shares: readonly LotShare[], gone: bigint): LotShare[] {
  let left = gone;
  return shares.flatMap(({ lotId, amount }) => {
    const taken = smaller(BigInt(amount), left);
    left -= taken;
    return shareOf(lotId, BigInt(amount) - taken);
  });
}

function upTo(
  parts: readonly { readonly lotId: string; readonly amount: bigint }[],
  amount: bigint,
): LotShare[] {
  let left = amount;
  return parts.flatMap(({ lotId, amount: there }) => {
    const taken = smaller(there, left);
    left -= taken;
    return shareOf(lotId, taken);
  });
}

function shareOf(lotId: string, amount: bigint): LotShare[] {
  return amount > 0n ? [{ lotId, amount: amount.toString() }] : [];
}

function smaller(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}

/** When the lots of these shares end, as far as they are known: a member that is there only where there are any. */
export function endsMember(
  lots: readonly Lot[],
  shares: readonly LotShare[],
): { lotEnds?: Record<string, string> } {
  const named = new Set(shares.map(({ lotId }) => lotId));
  const ends = lots.flatMap(({ lotId, expiresAt }) =>
    named.has(lotId) ? [[lotId, expiresAt] as const] : [],
  );
  return ends.length === 0 ? {} : { lotEnds: Object.fromEntries(ends) };
}

/** As a member that is there only where there is something to say. */
export function lotsMember(shares: readonly LotShare[]): { lots?: LotShare[] } {
  return shares.length === 0 ? {} : { lots: [...shares] };
}
