/**
 * The wallets of a range, folded twice: by evolve, from the balance that the first mention of a wallet tells, and by the plain
 * sum, as a change from wherever it stood.
 */
import type { Fact } from '../../events/catalog.ts';
import { evolveWithEntries, type Entry } from '../../events/evolve.ts';
import { emptyState, type WalletState } from '../../events/state.ts';
import { isOfWallet, parseEntryLine, type StoredEntry } from './entry-lines.ts';
import type { Change } from './plain-sum.ts';
import type { WalletChange } from './range-summary.ts';

/** What an event tells of how a wallet stood right before it; undefined where it does not. */
type Told = { balance?: bigint | undefined; held?: bigint | undefined; seq?: bigint | undefined };

type Track = { -readonly [Name in keyof WalletChange]: WalletChange[Name] } & {
  assets: string[];
  overdrafts: WalletChange['overdrafts'][number][];
};

export type TrackedEvent = Fact & { readonly position: bigint; readonly occurredAt: string };

/** What is known of a wallet by now: only that can be held against what is stored. */
export type Known = { readonly balance: boolean; readonly held: boolean; readonly seq: boolean };

const ALL_KNOWN: Known = { balance: true, held: true, seq: true };

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
  readonly finish: () => WalletChange[];
};

export function createWalletTracks(): WalletTracks {
  const state = emptyState();
  const tracks = new Map<string, Track>();
  const assetIds = new Map<string, string>();

  /** The same string for the same id: one that was cut out of a longer text would keep all of it in memory. */
  function kept(assetId: string): string {
    const known = assetIds.get(assetId);
    if (known === undefined) assetIds.set(assetId, assetId);
    return known ?? assetId;
  }

  function trackOf(walletId: string, position: bigint): Track {
    let track = tracks.get(walletId);
    if (track === undefined) {
      track = untouched(walletId, position);
      tracks.set(walletId, track);
    }
    return track;
  }

  /** `tell` is asked where something is not known yet. */
  function mention(
    walletId: string,
    asset: string,
    event: TrackedEvent,
    stored: readonly string[],
    tell: () => Told,
  ): void {
    const track = trackOf(walletId, event.position);
    if (!track.assets.includes(asset)) track.assets.push(asset);
    if (isKnown(track)) return;
    const told = tell();
    const line = stored.find((candidate) => isOfWallet(candidate, walletId));
    const entry = line === undefined ? undefined : parseEntryLine(line);
    const { balance, held, seq } = entry === undefined ? told : toldBy(entry, told);
    const assetId = entry === undefined ? undefined : kept(entry.assetId);
    track.assetId ??= assetId ?? null;
    const known = state.wallets.get(walletId) ?? blank(walletId);
    const learned = {
      ...(track.openingBalance === null && balance !== undefined ? { balance } : {}),
      ...(track.openingHeld === null && held !== undefined ? { held } : {}),
      ...(track.openingSeq === null && seq !== undefined ? { seq } : {}),
    };
    track.openingBalance ??= balance ?? null;
    track.openingHeld ??= held ?? null;
    if (learned.seq !== undefined) track.openingSeq = learned.seq - BigInt(track.entries);
    state.wallets.set(walletId, { ...known, assetId: assetId ?? known.assetId, ...learned });
  }

  function mentionAll(event: TrackedEvent, changes: readonly Change[], stored: readonly string[]): void {
    switch (event.type) {
      case 'transaction.posted':
      case 'hold.captured':
        // First, since its entries say what is held after it.
        if (event.type === 'hold.captured') mentionHeld(event, changes, stored);
        for (const { asset, amount, from, to } of event.data.postings) {
          mention(from.walletId, asset, event, stored, () => ({
            balance: BigInt(from.balanceAfter) + BigInt(amount),
          }));
          mention(to.walletId, asset, event, stored, () => ({
            balance: BigInt(to.balanceAfter) - BigInt(amount),
          }));
        }
        return;
      case 'hold.placed':
      case 'hold.released':
      case 'hold.expired':
        return mentionHeld(event, changes, stored);
      case 'wallet.status_changed':
      case 'wallet.overdraft_changed':
      case 'wallet.limits_changed': {
        const { walletId, asset, balance, held } = event.data;
        const tell = (): Told => ({ balance: BigInt(balance), held: BigInt(held) });
        return mention(walletId, asset.slug, event, stored, tell);
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
    const change = changes.at(-1)?.held ?? 0n;
    mention(hold.walletId, hold.asset, event, stored, () => ({ held: BigInt(heldAfter) - change }));
  }

  function addPlain(changes: readonly Change[], position: bigint, forced: boolean): void {
    const touched = new Map<Track, bigint>();
    for (const { walletId, balance, held } of changes) {
      const track = trackOf(walletId, position);
      if (!touched.has(track)) touched.set(track, track.balanceChange - track.heldChange);
      track.balanceChange += balance;
      track.heldChange += held;
    }
    if (forced) return;
    for (const [track, before] of touched) {
      const change = track.balanceChange - track.heldChange;
      if (change < before && (track.lowest === null || change < track.lowest.change))
        track.lowest = { change, position };
    }
  }

  return {
    fold(event, changes, stored) {
      mentionAll(event, changes, stored);
      // Commands that wait move nothing, and there may be many.
      const entries = 'schedule' in event.data ? [] : evolveWithEntries(state, event);
      for (const { walletId } of entries) {
        const track = trackOf(walletId, event.position);
        track.entries += 1;
        track.movedPosition = event.position;
      }
      if (event.type === 'wallet.opened') {
        const { walletId } = event.data;
        if (tracks.has(walletId)) throw new Error(`wallet ${walletId} was there before it was opened`);
        const track = trackOf(walletId, event.position);
        Object.assign(track, {
          movedPosition: event.position,
          opened: event.data,
          openingBalance: 0n,
          openingHeld: 0n,
          openingSeq: 0n,
        });
      }
      if (event.type === 'wallet.status_changed')
        trackOf(event.data.walletId, event.position).status = event.data.status;
      if (event.type === 'wallet.overdraft_changed') {
        const track = trackOf(event.data.walletId, event.position);
        track.overdrafts.push({ overdraft: BigInt(event.data.overdraft), lowestBefore: track.lowest });
        track.lowest = null;
      }
      addPlain(changes, event.position, isForced(event));
      return entries;
    },
    knows(walletId) {
      const track = tracks.get(walletId) ?? untouched(walletId, 0n);
      if (isKnown(track)) return ALL_KNOWN;
      return {
        balance: track.openingBalance !== null,
        held: track.openingHeld !== null,
        seq: track.openingSeq !== null,
      };
    },
    plainHeld(walletId) {
      const track = tracks.get(walletId);
      return track === undefined || track.openingHeld === null ? null : track.openingHeld + track.heldChange;
    },
    correct(walletId, to) {
      const known = state.wallets.get(walletId);
      if (known !== undefined) state.wallets.set(walletId, { ...known, ...to });
    },
    finish: () =>
      [...tracks.values()].map((track) => {
        const after = state.wallets.get(track.walletId);
        return {
          ...track,
          closingBalance: track.openingBalance === null ? null : (after?.balance ?? null),
          closingHeld: track.openingHeld === null ? null : (after?.held ?? null),
        };
      }),
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

function isKnown({ openingBalance, openingHeld, openingSeq }: Track): boolean {
  return openingBalance !== null && openingHeld !== null && openingSeq !== null;
}

function blank(walletId: string): WalletState {
  return {
    ...{ id: walletId, owner: { userId: walletId }, assetId: '', asset: '' },
    ...{ balance: 0n, held: 0n, floor: null, seq: 0n, status: 'ACTIVE', limits: null },
    nextDueAt: null,
  };
}

function untouched(walletId: string, position: bigint): Track {
  return {
    ...{ walletId, firstPosition: position, movedPosition: 0n, opened: null },
    ...{ openingBalance: null, openingHeld: null, openingSeq: null },
    ...{ closingBalance: null, closingHeld: null },
    ...{
      assetId: null,
      assets: [],
      entries: 0,
      balanceChange: 0n,
      heldChange: 0n,
      lowest: null,
      overdrafts: [],
      status: null,
    },
  };
}
