/**
 * How money moves from wallet to wallet: postings one after the other, each seeing what those before it did, all of
 * them or none. Pure: nothing is written into the state, the caller's event does that.
 */
import type { RecordedRefusalCode, Refusal } from '../errors.ts';
import { ownerKey, type LotShare, type NewEvent, type Owner, type Posting } from '../events/catalog.ts';
import { MAX_OPEN_LOTS } from '../events/parts.ts';
import { changed, lotsMember, openLots, openedBy, sharesOf, type Lot } from '../events/lots.ts';
import {
  available,
  floorAfter,
  isTreasury,
  lotsOf,
  openedWallet,
  spendable,
  walletKey,
  walletOf,
  type AssetState,
  type LedgerState,
  type WalletState,
} from '../events/state.ts';
import { isInRange } from '../money.ts';
import { assetNotFound, newEvent, unknownUser, type Decision, type DecisionContext } from './decision.ts';
import { spendRefusal, type Payment } from './spend-refusal.ts';

export type RecordedRefusal = Refusal<RecordedRefusalCode>;

export type Movement = {
  readonly from: Owner;
  readonly to: Owner;
  readonly assetSlug: string;
  readonly amount: bigint;
  /** The lots that it comes out of, where that was settled before: what a hold reserves, or what expires. */
  readonly fromLots?: readonly LotShare[];
  /** The lots that it goes into. */
  readonly toLots?: readonly LotShare[];
};

export type PayRules = {
  /** A user may be taken below zero, banned or frozen or not: what is taken back by force. */
  readonly forced?: boolean;
  /** So much of what is held of the payer's wallet is what is paid here. */
  readonly fromHold?: bigint;
  /** False where what users pay is not spent, so that no limit of theirs is asked: what is taken back. */
  readonly spends?: boolean;
};

/** `opened` come before the event that is told of: wallets that the outcome rests on. */
export type Paid = { readonly opened: readonly NewEvent[] } & (
  | { readonly kind: 'paid'; readonly postings: readonly Posting[] }
  | { readonly kind: 'refused'; readonly refusal: RecordedRefusal }
);

/** What the state does not know, or who was erased; null when all that the movements name exists. */
export function missingFrom(state: LedgerState, movements: readonly Movement[]): Decision | null {
  for (const { from, to, assetSlug } of movements) {
    for (const party of [from, to]) {
      const unknown = 'userId' in party ? unknownUser(state, party.userId) : null;
      if (unknown !== null) return unknown;
    }
    if (!state.assets.has(assetSlug)) return assetNotFound(assetSlug);
  }
  return null;
}

/** Of movements whose users and assets exist. */
export function pay(
  state: LedgerState,
  movements: readonly Movement[],
  context: DecisionContext,
  rules: PayRules = {},
): Paid {
  const purse = createPurse(state, context);
  if (rules.forced !== true) {
    for (const movement of movements) {
      const barred = statusRefusal(state, movement, assetOf(state, movement));
      if (barred !== null) return { kind: 'refused', refusal: barred, opened: [] };
    }
  }
  const postings: Posting[] = [];
  const payments: Payment[] = [];
  for (const movement of movements) {
    const { from, to, amount } = movement;
    const asset = assetOf(state, movement);
    const payer = purse.walletOf(from, asset);
    const lots = purse.lotsOf(payer);
    const unaffordable = paymentRefusal({ payer, lots, movement, asset, rules, at: context.occurredAt });
    // That there is nothing to pay with must be a locked fact, so the payer's wallet is opened.
    if (unaffordable !== null) {
      return { kind: 'refused', refusal: unaffordable, opened: purse.opened().filter(opens(payer)) };
    }
    const payee = purse.walletOf(to, asset);
    const fromBalance = payer.balance - amount;
    const toBalance = payee.balance + amount;
    const held = payer.held - (rules.fromHold ?? 0n);
    // The floor goes along with what is free.
    if (!isInRange(fromBalance) || !isInRange(toBalance) || !isInRange(fromBalance - held)) {
      return { kind: 'refused', refusal: outOfRange(amount), opened: purse.opened() };
    }
    const crowded = crowdedRefusal(purse.lotsOf(payee), movement.toLots ?? []);
    if (crowded !== null)
      return { kind: 'refused', refusal: crowded, opened: purse.opened().filter(opens(payee)) };
    const fromLots = movement.fromLots ?? sharesFor(movement, lots, context);
    purse.put({ ...payer, balance: fromBalance, held });
    purse.put({ ...payee, balance: toBalance });
    purse.moveLots(payer, fromLots, -1n);
    purse.moveLots(payee, movement.toLots ?? [], 1n);
    payments.push({ payer, amount });
    // In the order of their names: canonical JSON needs no copy then.
    postings.push({
      amount: amount.toString(),
      asset: asset.slug,
      from: { balanceAfter: fromBalance.toString(), ...lotsMember(fromLots), walletId: payer.id },
      to: { balanceAfter: toBalance.toString(), ...lotsMember(movement.toLots ?? []), walletId: payee.id },
    });
  }
  // A hold was counted when it was placed.
  const counts = rules.spends !== false && rules.fromHold === undefined;
  const limited = counts ? spendRefusal(state, payments, context.occurredAt) : null;
  if (limited !== null) {
    const { payer, refusal } = limited;
    return { kind: 'refused', refusal, opened: purse.opened().filter(opens(payer)) };
  }
  return { kind: 'paid', postings, opened: purse.opened() };
}

function opens(wallet: WalletState): (event: NewEvent) => boolean {
  return (event) => event.type === 'wallet.opened' && event.data.walletId === wallet.id;
}

function assetOf(state: LedgerState, { assetSlug }: Movement): AssetState {
  const asset = state.assets.get(assetSlug);
  if (asset === undefined) throw new Error(`asset ${assetSlug} was not looked for`);
  return asset;
}

function sharesFor(
  { amount }: Movement,
  lots: readonly Lot[],
  { occurredAt }: DecisionContext,
): readonly LotShare[] {
  return lots.length === 0 ? [] : sharesOf(lots, amount, occurredAt);
}

/** Wallets and their lots as the movements so far have left them, opened when first named. */
function createPurse(state: LedgerState, context: DecisionContext) {
  /** By id, those that were changed. */
  const wallets = new Map<string, WalletState>();
  const lots = new Map<string, readonly Lot[]>();
  const opened: NewEvent[] = [];
  /** By walletKey, as they were opened. */
  const fresh = new Map<string, WalletState>();
  return {
    walletOf(owner: Owner, asset: AssetState): WalletState {
      const known = walletOf(state, owner, asset.slug) ?? fresh.get(walletKey(owner, asset.slug));
      if (known !== undefined) return wallets.get(known.id) ?? known;
      const data = { walletId: context.nextId(), owner, assetId: asset.id, asset: asset.slug, floor: '0' };
      opened.push(newEvent('wallet.opened', data, context));
      const wallet = openedWallet(data);
      fresh.set(walletKey(owner, asset.slug), wallet);
      return wallet;
    },
    put(wallet: WalletState): void {
      const floor = floorAfter(wallet, available(wallet));
      wallets.set(wallet.id, { ...wallet, floor });
    },
    lotsOf: (wallet: WalletState): readonly Lot[] => lots.get(wallet.id) ?? lotsOf(state, wallet),
    moveLots(wallet: WalletState, shares: readonly LotShare[], sign: bigint): void {
      for (const { lotId, amount } of shares) {
        const change = { lotId, remaining: sign * BigInt(amount), reserved: 0n };
        lots.set(wallet.id, changed(this.lotsOf(wallet), change));
      }
    },
    opened: (): readonly NewEvent[] => opened,
  };
}

export function statusRefusal(
  state: LedgerState,
  parties: { readonly from: Owner; readonly to: Owner },
  asset: AssetState,
): RecordedRefusal | null {
  for (const party of [parties.from, parties.to]) {
    if ('userId' in party && state.users.get(party.userId)?.status === 'BANNED') {
      return { code: 'user_banned', detail: 'The user is banned.', figures: { userId: party.userId } };
    }
  }
  if (asset.status === 'FROZEN') {
    return { code: 'asset_frozen', detail: 'The asset is frozen.', figures: { asset: asset.slug } };
  }
  for (const party of [parties.from, parties.to]) {
    const wallet = walletOf(state, party, asset.slug);
    if (wallet?.status === 'FROZEN') {
      return { code: 'wallet_frozen', detail: 'The wallet is frozen.', figures: { walletId: wallet.id } };
    }
  }
  return null;
}

function paymentRefusal(payment: {
  payer: WalletState;
  lots: readonly Lot[];
  movement: Movement;
  asset: AssetState;
  rules: PayRules;
  at: string;
}): RecordedRefusal | null {
  const { payer, lots, asset, rules, at } = payment;
  const { amount, fromLots } = payment.movement;
  const first = fromLots?.[0]?.lotId ?? null;
  if (payer.floor === null) return null;
  // What is held was set aside before anything of it was over.
  const free =
    rules.fromHold === undefined ? spendable(payer, lots, { at, first }) : available(payer) + rules.fromHold;
  if (free - amount >= payer.floor) return null;
  if (rules.forced === true && 'userId' in payer.owner) return null;
  if (isTreasury(payer.owner)) return capExceeded({ treasury: payer, floor: payer.floor, amount, asset });
  return insufficientFunds(payer, free, amount);
}

export function insufficientFunds(payer: WalletState, free: bigint, amount: bigint): RecordedRefusal {
  const account = 'system' in payer.owner ? { system: ownerKey(payer.owner) } : {};
  const overdraft = payer.limits?.overdraft ?? 0n;
  const and = overdraft > 0n ? ` and an overdraft of ${overdraft}` : '';
  return {
    code: 'insufficient_funds',
    detail: `The wallet has ${free} available${and}, ${amount} are required.`,
    figures: {
      ...{ available: free.toString(), required: amount.toString(), ...account },
      ...(overdraft > 0n ? { overdraft: overdraft.toString() } : {}),
    },
  };
}

function capExceeded(of: {
  treasury: WalletState;
  floor: bigint;
  amount: bigint;
  asset: AssetState;
}): RecordedRefusal {
  const cap = -of.floor;
  const circulation = -of.treasury.balance;
  return {
    code: 'supply_cap_exceeded',
    detail: `The supply cap is ${cap}, ${circulation} are in circulation, ${of.amount} more were asked for.`,
    figures: { asset: of.asset.slug, supplyCap: cap.toString(), circulation: circulation.toString() },
  };
}

/** A command that spends all lots of a wallet must stay an event of bounded size. */
function crowdedRefusal(lots: readonly Lot[], into: readonly LotShare[]): RecordedRefusal | null {
  if (into.length === 0) return null;
  const open = openLots(lots) + openedBy(lots, into);
  if (open <= MAX_OPEN_LOTS) return null;
  return {
    code: 'too_many_lots',
    detail: `The wallet would have ${open} expiring bonuses with something left.`,
    figures: { lots: open.toString(), limit: MAX_OPEN_LOTS.toString() },
  };
}

export function outOfRange(amount: bigint): RecordedRefusal {
  return {
    code: 'balance_out_of_range',
    detail: 'A balance would have more than 38 digits.',
    figures: { amount: amount.toString() },
  };
}
