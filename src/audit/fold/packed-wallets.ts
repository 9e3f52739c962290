/** What a range tells of its wallets, packed to be handed from one thread to another: a few arrays, and not an object a wallet. */
import type { Owner } from '../../events/catalog.ts';
import { readColumn, type PackedColumn } from './exact-column.ts';
import type { WalletChange } from './range-summary.ts';

export const FIGURES = [
  ...(['firstPosition', 'movedPosition', 'openingBalance', 'openingHeld', 'openingSeq'] as const),
  ...(['closingBalance', 'closingHeld', 'balanceChange', 'heldChange', 'openedFloor'] as const),
  ...(['lowestChange', 'lowestPosition'] as const),
];

export type Figure = (typeof FIGURES)[number];

/** What only a few wallets of a range have. */
export type Seldom = {
  /** Other slugs than the first one by which its events name its asset: something is wrong. */
  assets: string[];
  overdrafts: WalletChange['overdrafts'][number][];
  status: WalletChange['status'];
};

export type Opened = { readonly owner: Owner; readonly asset: number; readonly assetId: number };

export type PackedWallets = {
  readonly ids: readonly string[];
  readonly figures: Readonly<Record<Figure, PackedColumn>>;
  readonly entries: Uint32Array;
  /** Slugs and ids of assets, and the places of each wallet's among them; -1 for none. */
  readonly names: readonly string[];
  readonly asset: Int32Array;
  readonly assetId: Int32Array;
  /** By place, what the event that opened it says of each that was opened in the range; names as above. */
  readonly opened: ReadonlyMap<number, Opened>;
  readonly seldom: ReadonlyMap<number, Seldom>;
};

/** One after the other. */
export function* walletChanges(packed: PackedWallets): Generator<WalletChange> {
  const { ids, entries, names, asset, assetId, opened, seldom } = packed;
  const figures = Object.fromEntries(
    FIGURES.map((name) => [name, readColumn(packed.figures[name])]),
  ) as Record<Figure, (place: number) => bigint | null>;
  for (const [place, walletId] of ids.entries()) {
    const slug = names[asset[place] ?? -1];
    const rare = seldom.get(place);
    const change = figures.lowestChange(place);
    yield {
      walletId,
      firstPosition: figures.firstPosition(place) ?? 0n,
      movedPosition: figures.movedPosition(place) ?? 0n,
      opened: openedAs(place, walletId),
      assetId: names[assetId[place] ?? -1] ?? null,
      assets: [...(slug === undefined ? [] : [slug]), ...(rare?.assets ?? [])],
      openingBalance: figures.openingBalance(place),
      openingHeld: figures.openingHeld(place),
      openingSeq: figures.openingSeq(place),
      closingBalance: figures.closingBalance(place),
      closingHeld: figures.closingHeld(place),
      entries: entries[place] ?? 0,
      balanceChange: figures.balanceChange(place) ?? 0n,
      heldChange: figures.heldChange(place) ?? 0n,
      lowest: change === null ? null : { change, position: figures.lowestPosition(place) ?? 0n },
      overdrafts: rare?.overdrafts ?? [],
      status: rare?.status ?? null,
    };
  }

  function openedAs(place: number, walletId: string): WalletChange['opened'] {
    const known = opened.get(place);
    if (known === undefined) return null;
    const floor = figures.openedFloor(place)?.toString() ?? null;
    const { owner } = known;
    return { walletId, owner, assetId: names[known.assetId] ?? '', asset: names[known.asset] ?? '', floor };
  }
}
