/**
 * The wallets of a range, folded twice: by evolve, from the balance that the first mention of a wallet tells, and by the plain
 * sum, as a change from wherever it stood.
 */
import type { Fact, Posting } from '../../events/catalog.ts';
import { evolveWithEntries, type Entry } from '../../events/evolve.ts';
import { isOfWallet, parseEntryLine, type StoredEntry } from './entry-lines.ts';
import type { Change } from './plain-sum.ts';
import type { PackedWallets } from './packed-wallets.ts';
import { createWalletColumns } from './wallet-columns.ts';

/** What an event tells of how a wallet stood right before it; undefined where it does not. */
type Told = { balance?: bigint | undefined; held?: bigint | undefined; seq?: bigint | undefined };

export type TrackedEvent = Fact & { readonly position: bigint; readonly occurredAt: string };

/** What is known of a wallet by now: only that can be held against what is stored. */
export type Known = { readonly balance: boolean; readonly held: boolean; readonly seq: boolean };

const ALL_KNOWN: Known = { balance: true, held: true, seq: true };
const NOTHING_KNOWN: Known = { balance: false, held: false, seq: false };

export type WalletTracks = {
  /**
   * Folds an event, after learning from it, and from the lines of its entries where there are any, how its wallets stood if that is not known
   * yet. Throws for an event that names a wallet which cannot be folded.
   */
  readonly fold: (event: TrackedEvent, changes: readonly Change[], stored: readonly string[]) => Entry[];
  readonly knows: (walletId: string) => Known;
  /** The held amount by the plain sum; null where it is not known. */
  readonly plainHeld: (walletId: string) => bigint | null;
  /** Goes on from what an event states, so that one wrong figure is not found again in every event after it. */
  readonly correct: (walletId: string, to: { balance?: bigint; held?: bigint }) => void;
  readonly finish: () => PackedWallets;
};

export function createWalletTracks(): WalletTracks {
  const columns = createWalletColumns();
  const { state, figures, find, placeOf } = columns;

  function mentioned(walletId: string, asset: string, position: bigint): number {
    const place = placeOf(walletId, position);
    columns.noteAsset(place, asset);
    return place;
  }

  function isKnown(place: number): boolean {
    return (
      figures.openingSeq.get(place) !== null &&
      figures.openingHeld.get(place) !== null &&
      figures.openingBalance.get(place) !== null
    );
  }

  /** Where neither the event nor an entry can tell what is missing there is nothing to learn. */
  function hasToLearn(place: number, stored: readonly string[], tells: 'balance' | 'held'): boolean {
    if (isKnown(place)) return false;
    if (stored.length > 0 || figures.seq.get(place) === null) return true;
    return (tells === 'balance' ? figures.openingBalance : figures.openingHeld).get(place) === null;
  }

  /** What is not known yet of a wallet is told by an event, and by its stored entry. */
  function learn(place: number, stored: readonly string[], told: Told): void {
    const walletId = columns.idOf(place);
    const line = stored.find((candidate) => isOfWallet(candidate, walletId));
    const entry = line === undefined ? undefined : parseEntryLine(line);
    const { balance, held, seq } = entry === undefined ? told : toldBy(entry, told);
    if (entry !== undefined) columns.noteAssetId(place, entry.assetId);
    const { openingBalance, openingHeld, openingSeq } = figures;
    const learned = {
      ...(openingBalance.get(place) === null && balance !== undefined ? { balance } : {}),
      ...(openingHeld.get(place) === null && held !== undefined ? { held } : {}),
      ...(openingSeq.get(place) === null && seq !== undefined ? { seq } : {}),
    };
    if (learned.balance !== undefined) openingBalance.set(place, learned.balance);
    if (learned.held !== undefined) openingHeld.set(place, learned.held);
    if (learned.seq !== undefined) openingSeq.set(place, learned.seq - BigInt(columns.entriesOf(place)));
    columns.setState(place, learned);
  }

  function mentionPostings(postings: readonly Posting[], position: bigint, stored: readonly string[]): void {
    for (const { asset, amount, from, to } of postings) {
      const payer = mentioned(from.walletId, asset, position);
      if (hasToLearn(payer, stored, 'balance'))
        learn(payer, stored, { balance: BigInt(from.balanceAfter) + BigInt(amount) });
      const payee = mentioned(to.walletId, asset, position);
      if (hasToLearn(payee, stored, 'balance'))
        learn(payee, stored, { balance: BigInt(to.balanceAfter) - BigInt(amount) });
    }
  }

  function mentionAll(event: TrackedEvent, changes: readonly Change[], stored: readonly string[]): void {
    switch (event.type) {
      case 'transaction.posted':
        return mentionPostings(event.data.postings, event.position, stored);
      case 'hold.captured':
        // First, since its entries say what is held after it.
        mentionHeld(event, changes, stored);
        return mentionPostings(event.data.postings, event.position, stored);
      case 'hold.placed':
      case 'hold.released':
      case 'hold.expired':
        return mentionHeld(event, changes, stored);
      case 'wallet.status_changed':
      case 'wallet.overdraft_changed':
      case 'wallet.limits_changed': {
        const { walletId, asset, balance, held } = event.data;
        const place = mentioned(walletId, asset.slug, event.position);
        if (!isKnown(place)) learn(place, stored, { balance: BigInt(balance), held: BigInt(held) });
        return;
      }
      case 'wallet.opened':
      case 'user.registered':
      case 'user.status_changed':
      case 'user.erased':
      case 'asset.created':
      case 'asset.status_changed':
      case 'asset.limits_changed':
      case 'transaction.rejected':
      case 'scheduled.created':
      case 'scheduled.executed':
      case 'scheduled.cancelled':
    }
  }

  function mentionHeld(
    event: TrackedEvent & { type: `hold.${string}` },
    changes: readonly Change[],
    stored: readonly string[],
  ): void {
    const { hold, heldAfter } = event.data;
    const place = mentioned(hold.walletId, hold.asset, event.position);
    if (hasToLearn(place, stored, 'held'))
      learn(place, stored, { held: BigInt(heldAfter) - (changes.at(-1)?.held ?? 0n) });
  }

  function freeOf(place: number): bigint {
    return figures.balanceChange.figure(place) - figures.heldChange.figure(place);
  }

  function add({ balance, held }: Change, place: number): void {
    if (balance !== 0n) figures.balanceChange.set(place, figures.balanceChange.figure(place) + balance);
    if (held !== 0n) figures.heldChange.set(place, figures.heldChange.figure(place) + held);
  }

  function noteLowest(place: number, freeBefore: bigint, position: bigint): void {
    const change = freeOf(place);
    if (change >= freeBefore) return;
    const lowest = figures.lowestChange.get(place);
    if (lowest !== null && change >= lowest) return;
    figures.lowestChange.set(place, change);
    figures.lowestPosition.set(place, position);
  }

  function addPlain(changes: readonly Change[], position: bigint, forced: boolean): void {
    const [first, second] = changes;
    if (first === undefined) return;
    if (changes.length > 2 || first.walletId === second?.walletId) return addMany(changes, position, forced);
    for (const change of changes) {
      const place = placeOf(change.walletId, position);
      const freeBefore = freeOf(place);
      add(change, place);
      if (!forced) noteLowest(place, freeBefore, position);
    }
  }

  /** Of changes that may name a wallet more than once: it is looked at when all are done. */
  function addMany(changes: readonly Change[], position: bigint, forced: boolean): void {
    const before = new Map<number, bigint>();
    for (const change of changes) {
      const place = placeOf(change.walletId, position);
      if (!before.has(place)) before.set(place, freeOf(place));
      add(change, place);
    }
    if (forced) return;
    for (const [place, freeBefore] of before) noteLowest(place, freeBefore, position);
  }

  function noteOverdraft(walletId: string, overdraft: string, position: bigint): void {
    const place = placeOf(walletId, position);
    const change = figures.lowestChange.get(place);
    const lowestBefore =
      change === null ? null : { change, position: figures.lowestPosition.get(place) ?? 0n };
    columns.seldomOf(place).overdrafts.push({ overdraft: BigInt(overdraft), lowestBefore });
    figures.lowestChange.set(place, null);
  }

  return {
    fold(event, changes, stored) {
      const { position } = event;
      const opened = event.type === 'wallet.opened' ? event.data : null;
      const isTwice = opened !== null && find(opened.walletId) !== undefined;
      // Evolve folds what has a place.
      if (opened !== null) placeOf(opened.walletId, position);
      mentionAll(event, changes, stored);
      // Commands that wait move nothing, and there may be many.
      const entries = isOfSchedule(event) ? [] : evolveWithEntries(state, event);
      for (const { walletId } of entries) columns.noteEntry(placeOf(walletId, position), position);
      if (opened !== null) columns.forgetState(placeOf(opened.walletId, position));
      if (isTwice) throw new Error(`wallet ${opened.walletId} was there before it was opened`);
      if (opened !== null) columns.noteOpened(placeOf(opened.walletId, position), opened, position);
      if (event.type === 'wallet.status_changed')
        columns.seldomOf(placeOf(event.data.walletId, position)).status = event.data.status;
      if (event.type === 'wallet.overdraft_changed')
        noteOverdraft(event.data.walletId, event.data.overdraft, position);
      addPlain(changes, position, isForced(event));
      return entries;
    },
    knows(walletId) {
      const place = find(walletId);
      if (place === undefined) return NOTHING_KNOWN;
      if (isKnown(place)) return ALL_KNOWN;
      return {
        balance: figures.openingBalance.get(place) !== null,
        held: figures.openingHeld.get(place) !== null,
        seq: figures.openingSeq.get(place) !== null,
      };
    },
    plainHeld(walletId) {
      const place = find(walletId);
      const opening = place === undefined ? null : figures.openingHeld.get(place);
      return place === undefined || opening === null ? null : opening + figures.heldChange.figure(place);
    },
    correct(walletId, to) {
      const place = find(walletId);
      if (place !== undefined && figures.seq.get(place) !== null) columns.setState(place, to);
    },
    finish: columns.pack,
  };
}

/** The event's own word comes first; its stored entry tells what the event does not. */
function toldBy(entry: StoredEntry, told: Told): Told {
  return {
    balance: told.balance ?? entry.balanceAfter - entry.amount,
    held: told.held ?? entry.heldAfter,
    seq: entry.seq - 1n,
  };
}

/** A user's wallet goes below its limit by force only, and where a bonus expires that had covered for it. */
function isForced(event: TrackedEvent): boolean {
  if (event.type !== 'transaction.posted') return false;
  return event.data.asked?.['force'] === 'true' || event.data.expires !== undefined;
}

function isOfSchedule({ type }: TrackedEvent): boolean {
  return type === 'scheduled.created' || type === 'scheduled.executed' || type === 'scheduled.cancelled';
}
