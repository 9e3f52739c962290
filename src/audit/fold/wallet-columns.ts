/**
 * The wallets of a range as places in columns of figures, and the state that evolve folds, kept in the same columns. What is
 * folded millions of times leaves nothing behind that the collector would have to move, and a wallet takes some 200 bytes.
 */
import type { EventData } from '../../events/catalog.ts';
import { emptyState, type LedgerState, type WalletState } from '../../events/state.ts';
import { createExactColumn, type ExactColumn } from './exact-column.ts';
import { ownText } from './read-fact.ts';
import { FIGURES, type Figure, type Opened, type PackedWallets, type Seldom } from './packed-wallets.ts';

const FIRST_PLACES = 1_024;
const NO_NAME = -1;

export type WalletColumns = {
  readonly state: LedgerState;
  /** The figures of the range, and in `closing...` those of the fold. */
  readonly figures: Readonly<Record<Figure | 'seq', ExactColumn>>;
  /** Undefined for a wallet that the range has not mentioned. */
  readonly find: (walletId: string) => number | undefined;
  /** Its place, from its first mention on. */
  readonly placeOf: (walletId: string, position: bigint) => number;
  readonly idOf: (place: number) => string;
  readonly noteAsset: (place: number, slug: string) => void;
  /** The first one stays. */
  readonly noteAssetId: (place: number, assetId: string) => void;
  readonly noteEntry: (place: number, position: bigint) => void;
  readonly entriesOf: (place: number) => number;
  /** What evolve is told of a wallet next is read anew, since it has changed otherwise than by evolve, or what evolve made of it is not to count. */
  readonly forgetState: (place: number) => void;
  readonly noteOpened: (place: number, opened: EventData<'wallet.opened'>, position: bigint) => void;
  readonly seldomOf: (place: number) => Seldom;
  /** A wallet that evolve can fold from here on, though the range has not seen it opened. */
  readonly setState: (place: number, known: Partial<Pick<WalletState, 'balance' | 'held' | 'seq'>>) => void;
  readonly pack: () => PackedWallets;
};

/** A wallet that was mentioned a moment ago. */
type Mention = { id: string; place: number; state: WalletState | null };

function nobody(): Mention {
  return { id: '', place: -1, state: null };
}

export function createWalletColumns(): WalletColumns {
  const places = new Map<string, number>();
  const ids: string[] = [];
  const figures = Object.fromEntries(
    [...FIGURES, 'seq' as const].map((name) => [name, createExactColumn()]),
  ) as Record<Figure | 'seq', ExactColumn>;
  const floor = createExactColumn();
  const names: string[] = [];
  const nameNumbers = new Map<string, number>();
  const opened = new Map<number, Opened>();
  const seldom = new Map<number, Seldom>();
  /** What evolve keeps of a wallet beside figures, where there is any of it. */
  const limits = new Map<number, Pick<WalletState, 'limits' | 'nextDueAt' | 'status'>>();
  let entries = new Uint32Array(FIRST_PLACES);
  let asset = new Int32Array(FIRST_PLACES).fill(NO_NAME);
  let assetId = new Int32Array(FIRST_PLACES).fill(NO_NAME);
  // An event mentions the same wallets several times over: the last two are at hand, and how they stand, once evolve has asked.
  let [last, last2] = [nobody(), nobody()];

  function makeRoom(): void {
    const wider = <Column extends Uint32Array | Int32Array>(to: Column, from: Column): Column => {
      to.set(from);
      return to;
    };
    const length = 2 * entries.length;
    entries = wider(new Uint32Array(length), entries);
    asset = wider(new Int32Array(length).fill(NO_NAME), asset);
    assetId = wider(new Int32Array(length).fill(NO_NAME), assetId);
  }

  function find(walletId: string): number | undefined {
    if (last.id === walletId) return last.place;
    if (last2.id === walletId) {
      [last, last2] = [last2, last];
      return last.place;
    }
    const place = places.get(walletId);
    if (place === undefined) return undefined;
    [last, last2] = [last2, last];
    last.id = walletId;
    last.place = place;
    last.state = null;
    return place;
  }

  function forgetState(place: number): void {
    if (last.place === place) last.state = null;
    if (last2.place === place) last2.state = null;
  }

  function placeOf(walletId: string, position: bigint): number {
    const known = find(walletId);
    if (known !== undefined) return known;
    const place = ids.length;
    if (place === entries.length) makeRoom();
    const id = ownText(walletId);
    ids.push(id);
    places.set(id, place);
    for (const name of ['movedPosition', 'balanceChange', 'heldChange'] as const)
      figures[name].set(place, 0n);
    figures.firstPosition.set(place, position);
    return place;
  }

  function numberOf(name: string): number {
    const known = nameNumbers.get(name);
    if (known !== undefined) return known;
    nameNumbers.set(name, names.length);
    return names.push(name) - 1;
  }

  function seldomOf(place: number): Seldom {
    let found = seldom.get(place);
    if (found === undefined) seldom.set(place, (found = { assets: [], overdrafts: [], status: null }));
    return found;
  }

  /** Undefined until evolve can fold it. */
  function stateOf(walletId: string): WalletState | undefined {
    const place = find(walletId);
    if (place === undefined || figures.seq.get(place) === null) return undefined;
    return (last.state ??= readState(walletId, place));
  }

  function readState(walletId: string, place: number): WalletState {
    const known = opened.get(place);
    const more = limits.get(place);
    return {
      id: walletId,
      owner: known?.owner ?? { userId: walletId },
      assetId: names[known?.assetId ?? assetId[place] ?? NO_NAME] ?? '',
      asset: names[known?.asset ?? NO_NAME] ?? '',
      balance: figures.closingBalance.figure(place),
      held: figures.closingHeld.figure(place),
      floor: floor.get(place),
      seq: figures.seq.figure(place),
      status: more?.status ?? 'ACTIVE',
      nextDueAt: more?.nextDueAt ?? null,
      limits: more?.limits ?? null,
    };
  }

  function setStateOf(walletId: string, after: WalletState): void {
    const place = find(walletId);
    if (place === undefined) throw new Error(`wallet ${walletId} was not mentioned`);
    figures.closingBalance.set(place, after.balance);
    figures.closingHeld.set(place, after.held);
    figures.seq.set(place, after.seq);
    floor.set(place, after.floor);
    const { limits: ofWallet, nextDueAt, status } = after;
    if (ofWallet !== null || nextDueAt !== null || status !== 'ACTIVE')
      limits.set(place, { limits: ofWallet, nextDueAt, status });
    else if (limits.size > 0) limits.delete(place);
    last.state = after;
  }

  const state = emptyState();
  // The fold asks for wallets and sets them, nothing else: this is the map it does so with.
  state.wallets.get = stateOf;
  state.wallets.set = (walletId, after) => {
    setStateOf(walletId, after);
    return state.wallets;
  };
  // What it sets and nobody asks for is not kept: even a map that is emptied in time keeps alive what was in it, once it is old.
  for (const unread of [state.holds, state.users, state.walletIds] as Map<string, unknown>[])
    unread.set = () => unread;

  return {
    ...{ state, figures, find, placeOf },
    idOf: (place) => ids[place] ?? '',
    noteAsset(place, slug) {
      const first = asset[place] ?? NO_NAME;
      if (names[first] === slug) return;
      if (first === NO_NAME) asset[place] = numberOf(slug);
      else if (!seldomOf(place).assets.includes(slug)) seldomOf(place).assets.push(slug);
    },
    noteAssetId(place, id) {
      if (assetId[place] !== NO_NAME) return;
      assetId[place] = numberOf(id);
      forgetState(place);
    },
    noteEntry(place, position) {
      entries[place] = (entries[place] ?? 0) + 1;
      figures.movedPosition.set(place, position);
    },
    entriesOf: (place) => entries[place] ?? 0,
    noteOpened(place, { owner, asset: slug, assetId: id, floor: text }, position) {
      opened.set(place, { owner, asset: numberOf(slug), assetId: numberOf(id) });
      for (const name of ['openingBalance', 'openingHeld', 'openingSeq'] as const)
        figures[name].set(place, 0n);
      figures.movedPosition.set(place, position);
      figures.openedFloor.set(place, text === null ? null : BigInt(text));
    },
    ...{ seldomOf, forgetState },
    setState(place, known) {
      for (const [name, value] of [
        ['closingBalance', known.balance],
        ['closingHeld', known.held],
        ['seq', known.seq],
      ] as const)
        if (value !== undefined) figures[name].set(place, value);
        else if (figures[name].get(place) === null) figures[name].set(place, 0n);
      forgetState(place);
    },
    pack() {
      const count = ids.length;
      // What was never known at the beginning is not known in the end either.
      for (let place = 0; place < count; place += 1) {
        if (figures.openingBalance.get(place) === null) figures.closingBalance.set(place, null);
        if (figures.openingHeld.get(place) === null) figures.closingHeld.set(place, null);
      }
      return {
        ...{ ids, names, opened, seldom, entries: entries.slice(0, count) },
        ...{ asset: asset.slice(0, count), assetId: assetId.slice(0, count) },
        figures: Object.fromEntries(
          FIGURES.map((name) => [name, figures[name].packed(count)]),
        ) as PackedWallets['figures'],
      };
    },
  };
}
