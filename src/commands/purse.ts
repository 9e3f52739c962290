/** Wallets and their lots as the movements of one command have left them so far. */
import type { LotShare, NewEvent, Owner } from '../events/catalog.ts';
import { changed, type Lot } from '../events/lots.ts';
import {
  available,
  floorAfter,
  lotsOf,
  openedWallet,
  walletKey,
  walletOf,
  type AssetState,
  type LedgerState,
  type WalletState,
} from '../events/state.ts';
import { newEvent, type DecisionContext } from './decision.ts';

/** Wallets are opened when first named. Most commands move money once, between wallets that exist: what those don't need is not made. */
export class Purse {
  readonly opened: NewEvent[] = [];
  readonly #state: LedgerState;
  readonly #context: DecisionContext;
  /** By id, those that were changed. */
  #wallets: Map<string, WalletState> | null = null;
  #lots: Map<string, readonly Lot[]> | null = null;
  /** By walletKey, as they were opened. */
  #fresh: Map<string, WalletState> | null = null;

  constructor(state: LedgerState, context: DecisionContext) {
    this.#state = state;
    this.#context = context;
  }

  walletOf(owner: Owner, asset: AssetState): WalletState {
    const known = walletOf(this.#state, owner, asset.slug) ?? this.#fresh?.get(walletKey(owner, asset.slug));
    return known === undefined ? this.#open(owner, asset) : (this.#wallets?.get(known.id) ?? known);
  }

  #open(owner: Owner, asset: AssetState): WalletState {
    const walletId = this.#context.nextId();
    const data = { walletId, owner, assetId: asset.id, asset: asset.slug, floor: '0' };
    this.opened.push(newEvent('wallet.opened', data, this.#context));
    const wallet = openedWallet(data);
    this.#fresh ??= new Map();
    this.#fresh.set(walletKey(owner, asset.slug), wallet);
    return wallet;
  }

  put(wallet: WalletState): void {
    this.#wallets ??= new Map();
    this.#wallets.set(wallet.id, { ...wallet, floor: floorAfter(wallet, available(wallet)) });
  }

  lotsOf(wallet: WalletState): readonly Lot[] {
    return this.#lots?.get(wallet.id) ?? lotsOf(this.#state, wallet);
  }

  moveLots(wallet: WalletState, shares: readonly LotShare[], sign: bigint): void {
    for (const { lotId, amount } of shares) {
      const change = { lotId, remaining: sign * BigInt(amount), reserved: 0n };
      this.#lots ??= new Map();
      this.#lots.set(wallet.id, changed(this.lotsOf(wallet), change));
    }
  }
}
