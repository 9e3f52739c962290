/**
 * How money moves from wallet to wallet: postings one after the other, each seeing what those before it did, all of
 * them or none. Pure: nothing is written into the state, the caller's event does that.
 */
import type { RecordedRefusalCode, Refusal } from '../errors.ts';
import { ownerKey, type LotShare, type NewEvent, type Owner, type Posting } from '../events/catalog.ts';
import { MAX_OPEN_LOTS } from '../events/parts.ts';
import { lotsMember, openLots, openedBy, sharesOf, type Lot } from '../events/lots.ts';
import {
  available,
  isTreasury,
  spendable,
  walletOf,
  type AssetState,
  type LedgerState,
  type WalletState,
} from '../events/state.ts';
import { isInRange } from '../money.ts';
import { assetNotFound, unknownUser, type Decision, type DecisionContext } from './decision.ts';
import { Purse } from './purse.ts';
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
    const unknown = unknownParty(state, from) ?? unknownParty(state, to);
    if (unknown !== null) return unknown;
    if (!state.assets.has(assetSlug)) return assetNotFound(assetSlug);
  }
  return null;
}

function unknownParty(state: LedgerState, party: Owner): Decision | null {
  return 'userId' in party ? unknownUser(state, party.userId) : null;
}

/** Of movements whose users and assets exist. */
export function pay(
  state: LedgerState,
  movements: readonly Movement[],
  context: DecisionContext,
  rules: PayRules = {},
): Paid {
  const purse = new Purse(state, context);
  if (rules.forced !== true) {
    for (const movement of movements) {
      const barred = statusRefusal(state, movement, assetOf(state, movement));
      if (barred !== null) return { kind: 'refused', refusal: barred, opened: [] };
    }
  }
  const postings: Posting[] = [];
  const payments: Payment[] = [];
  for (const [index, movement] of movements.entries()) {
    const { from, to, amount } = movement;
    const asset = assetOf(state, movement);
    const payer = purse.walletOf(from, asset);
    const lots = purse.lotsOf(payer);
    const unaffordable = paymentRefusal({ payer, lots, movement, asset, rules, at: context.occurredAt });
    // That there is nothing to pay with must be a locked fact, so the payer's wallet is opened.
    if (unaffordable !== null) {
      return { kind: 'refused', refusal: unaffordable, opened: purse.opened.filter(opens(payer)) };
    }
    const payee = purse.walletOf(to, asset);
    const fromBalance = payer.balance - amount;
    const toBalance = payee.balance + amount;
    const held = payer.held - (rules.fromHold ?? 0n);
    // The floor goes along with what is free.
    if (!isInRange(fromBalance) || !isInRange(toBalance) || !isInRange(fromBalance - held)) {
      return { kind: 'refused', refusal: outOfRange(amount), opened: purse.opened };
    }
    const toLots = movement.toLots ?? NO_LOTS;
    const crowded = crowdedRefusal(purse.lotsOf(payee), toLots);
    if (crowded !== null)
      return { kind: 'refused', refusal: crowded, opened: purse.opened.filter(opens(payee)) };
    const fromLots = movement.fromLots ?? sharesFor(movement, lots, context);
    // For the movements after it, of which most commands have none.
    if (index < movements.length - 1) {
      purse.put({ ...payer, balance: fromBalance, held });
      purse.put({ ...payee, balance: toBalance });
      purse.moveLots(payer, fromLots, -1n);
      purse.moveLots(payee, toLots, 1n);
    }
    payments.push({ payer, amount });
    // In the order of their names: canonical JSON needs no copy then.
    postings.push({
      amount: amount.toString(),
      asset: asset.slug,
      from: sideOf(payer, fromBalance, fromLots),
      to: sideOf(payee, toBalance, toLots),
    });
  }
  // A hold was counted when it was placed.
  const counts = rules.spends !== false && rules.fromHold === undefined;
  const limited = counts ? spendRefusal(state, payments, context.occurredAt) : null;
  if (limited !== null) {
    const { payer, refusal } = limited;
    return { kind: 'refused', refusal, opened: purse.opened.filter(opens(payer)) };
  }
  return { kind: 'paid', postings, opened: purse.opened };
}

const NO_LOTS: readonly LotShare[] = [];

function sideOf({ id }: WalletState, balance: bigint, lots: readonly LotShare[]): Posting['from'] {
  const balanceAfter = balance.toString();
  if (lots.length === 0) return { balanceAfter, walletId: id };
  return { balanceAfter, ...lotsMember(lots), walletId: id };
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
  return lots.length === 0 ? NO_LOTS : sharesOf(lots, amount, occurredAt);
}

export function statusRefusal(
  state: LedgerState,
  parties: { readonly from: Owner; readonly to: Owner },
  asset: AssetState,
): RecordedRefusal | null {
  const { from, to } = parties;
  const banned = isBanned(state, from) ? from : isBanned(state, to) ? to : null;
  if (banned !== null && 'userId' in banned)
    return { code: 'user_banned', detail: 'The user is banned.', figures: { userId: banned.userId } };
  if (asset.status === 'FROZEN') {
    return { code: 'asset_frozen', detail: 'The asset is frozen.', figures: { asset: asset.slug } };
  }
  const frozen = frozenWallet(state, from, asset) ?? frozenWallet(state, to, asset);
  if (frozen === null) return null;
  return { code: 'wallet_frozen', detail: 'The wallet is frozen.', figures: { walletId: frozen.id } };
}

function isBanned(state: LedgerState, party: Owner): boolean {
  return 'userId' in party && state.users.get(party.userId)?.status === 'BANNED';
}

function frozenWallet(state: LedgerState, party: Owner, asset: AssetState): WalletState | null {
  const wallet = walletOf(state, party, asset.slug);
  return wallet?.status === 'FROZEN' ? wallet : null;
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
