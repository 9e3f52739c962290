/** The rules of holds: part of a balance is reserved, paid out in one or several captures, and released. */
import type { Hold, LotShare } from '../events/catalog.ts';
import { afterFirst, endsMember, firstOf, lotsMember, sharesOf } from '../events/lots.ts';
import { windowsInForce } from '../events/spend-limits.ts';
import {
  TREASURY,
  lotsOf,
  openedWallet,
  spendable,
  walletOf,
  type LedgerState,
  type WalletState,
} from '../events/state.ts';
import { isInRange } from '../money.ts';
import { afterOpening, rejection, type Described } from './decide-transaction.ts';
import {
  assetNotFound,
  happened,
  invalid,
  newEvent,
  refused,
  unknownUser,
  type Decision,
  type DecisionContext,
} from './decision.ts';
import {
  isSameParty,
  type CaptureCommand,
  type ExpireHoldCommand,
  type HoldCommand,
  type ReleaseCommand,
} from './money-schemas.ts';
import {
  insufficientFunds,
  outOfRange,
  missingFrom,
  pay,
  statusRefusal,
  type RecordedRefusal,
} from './postings.ts';
import { spendRefusal } from './spend-refusal.ts';

export function decideHold(state: LedgerState, command: HoldCommand, context: DecisionContext): Decision {
  const { userId, assetSlug, expiresInSeconds } = command;
  const unknown = unknownUser(state, userId);
  if (unknown !== null) return unknown;
  const asset = state.assets.get(assetSlug);
  if (asset === undefined) return assetNotFound(assetSlug);

  const holdId = context.nextId();
  const owner = { userId };
  const reference = command.reference ?? null;
  const asked = { expiresInSeconds: expiresInSeconds?.toString() ?? null };
  const request: Described = {
    ...{ type: 'hold', asset: assetSlug, userId, amount: command.amount, reference, metadata: null },
    asked,
  };
  const barred = statusRefusal(state, { from: owner, to: owner }, asset);
  if (barred !== null) return happened(rejection(request, barred, context, { id: holdId }));

  const amount = BigInt(command.amount);
  const wallet = walletOf(state, owner, assetSlug);
  if (wallet === undefined) {
    // That there is nothing to reserve must be a locked fact.
    const data = { walletId: context.nextId(), owner, assetId: asset.id, asset: assetSlug, floor: '0' };
    const refusal = insufficientFunds(openedWallet(data), 0n, amount);
    const opened = newEvent('wallet.opened', data, context);
    return afterOpening([opened], rejection(request, refusal, context, { id: holdId }));
  }
  const lots = lotsOf(state, wallet);
  const free = spendable(wallet, lots, { at: context.occurredAt });
  if (free - amount < (wallet.floor ?? 0n)) {
    const refusal = insufficientFunds(wallet, free, amount);
    return happened(rejection(request, refusal, context, { id: holdId }));
  }
  if (!isInRange(wallet.held + amount))
    return happened(rejection(request, outOfRange(amount), context, { id: holdId }));
  const limited = spendRefusal(state, [{ payer: wallet, amount }], context.occurredAt);
  if (limited !== null) return happened(rejection(request, limited.refusal, context, { id: holdId }));
  const windows = windowsInForce(wallet.limits, asset.limits);
  const hold: Hold = {
    ...{ holdId, walletId: wallet.id, userId, asset: assetSlug },
    ...{ amount: command.amount, captured: '0', remaining: command.amount, status: 'open' },
    expiresAt: expiresInSeconds === undefined ? null : later(context.occurredAt, expiresInSeconds),
    reference,
    ...lotsMember(sharesOf(lots, amount, context.occurredAt)),
    ...(windows.length > 0 ? { counted: { at: context.occurredAt, windows: [...windows] } } : {}),
  };
  const heldAfter = (wallet.held + amount).toString();
  const ends = endsMember(lots, hold.lots ?? []);
  const data = { hold, expiresInSeconds: asked.expiresInSeconds, heldAfter, ...ends };
  return happened(newEvent('hold.placed', data, context, { id: holdId }));
}

export function decideCapture(
  state: LedgerState,
  command: CaptureCommand,
  context: DecisionContext,
): Decision {
  const { holdId } = command;
  const found = holdOf(state, holdId);
  if (found === null) return holdNotFound(holdId);
  const { hold, wallet } = found;
  const to = command.to ?? TREASURY;
  const from = { userId: hold.userId };
  if (isSameParty(from, to)) return invalid('to', "must not be the hold's own user");
  const amount = command.amount === undefined ? BigInt(hold.remaining) : BigInt(command.amount);
  const fromLots = firstOf(hold.lots ?? [], amount);
  const movement = { from, to, assetSlug: hold.asset, amount, fromLots };
  const missing = missingFrom(state, [movement]);
  if (missing !== null) return missing;

  const transactionId = context.nextId();
  const request: Described = {
    ...{
      type: 'capture',
      asset: hold.asset,
      userId: hold.userId,
      amount: amount > 0n ? amount.toString() : null,
    },
    ...{ reference: hold.reference, metadata: null },
    asked: {
      amount: command.amount ?? null,
      final: command.final?.toString() ?? null,
      to: command.to === undefined ? null : JSON.stringify(command.to),
    },
  };
  const finish = { id: transactionId, relatedId: holdId };
  const refusal = closedRefusal(hold, context) ?? exceededRefusal(hold, amount);
  if (refusal !== null) return happened(rejection(request, refusal, context, finish));
  const paid = pay(state, [movement], context, { fromHold: amount });
  if (paid.kind === 'refused')
    return afterOpening(paid.opened, rejection(request, paid.refusal, context, finish));

  const left = BigInt(hold.remaining) - amount;
  const final = command.final ?? true;
  const closed = final || left === 0n;
  const released = closed ? left : 0n;
  const { lots = [], ...rest } = hold;
  const reserved = afterFirst(lots, amount);
  const after: Hold = {
    ...rest,
    captured: (BigInt(hold.captured) + amount).toString(),
    remaining: (closed ? 0n : left).toString(),
    status: closed ? 'captured' : 'open',
    ...lotsMember(closed ? [] : reserved),
  };
  const heldAfter = (wallet.held - amount - released).toString();
  const data = {
    ...request,
    postings: [...paid.postings],
    ...{ final, hold: after, heldAfter },
    ...(closed ? freedMember(reserved) : {}),
    ...endsMember(lotsOf(state, wallet), lots),
  };
  return afterOpening(paid.opened, newEvent('hold.captured', data, context, finish));
}

export function decideRelease(
  state: LedgerState,
  command: ReleaseCommand,
  context: DecisionContext,
): Decision {
  const { holdId } = command;
  const found = holdOf(state, holdId);
  if (found === null) return holdNotFound(holdId);
  const { hold, wallet } = found;
  const refusal = closedRefusal(hold, context);
  if (refusal === null) {
    const ends = endsMember(lotsOf(state, wallet), hold.lots ?? []);
    const data = { ...ended(hold, wallet, 'released'), ...ends };
    return happened(newEvent('hold.released', data, context, { relatedId: holdId }));
  }
  const request: Described = {
    ...{ type: 'release', asset: hold.asset, userId: hold.userId, amount: null },
    ...{ reference: hold.reference, metadata: null },
  };
  return happened(rejection(request, refusal, context, { id: context.nextId(), relatedId: holdId }));
}

export function decideExpiry(
  state: LedgerState,
  command: ExpireHoldCommand,
  context: DecisionContext,
): Decision {
  const found = holdOf(state, command.holdId);
  if (found === null || found.hold.status !== 'open' || !isDue(found.hold, context))
    return { kind: 'nothing' };
  const { hold, wallet } = found;
  return happened(
    newEvent('hold.expired', ended(hold, wallet, 'expired'), context, { relatedId: hold.holdId }),
  );
}

function holdOf(state: LedgerState, holdId: string): { hold: Hold; wallet: WalletState } | null {
  const hold = state.holds.get(holdId);
  const wallet = hold && state.wallets.get(hold.walletId);
  return hold === undefined || wallet === undefined ? null : { hold, wallet };
}

function holdNotFound(holdId: string): Decision {
  return refused('hold_not_found', 'There is no hold with this id.', { holdId });
}

function ended(hold: Hold, wallet: WalletState, status: 'released' | 'expired') {
  const heldAfter = (wallet.held - BigInt(hold.remaining)).toString();
  const { lots = [], ...rest } = hold;
  const after: Hold = { ...rest, remaining: '0', status };
  return { hold: after, released: hold.remaining, heldAfter, ...freedMember(lots) };
}

function freedMember(shares: readonly LotShare[]): { freed?: LotShare[] } {
  return shares.length === 0 ? {} : { freed: [...shares] };
}

/** By the time of the decision, whether or not anybody has noticed yet. */
function isDue({ expiresAt }: Hold, { occurredAt }: DecisionContext): boolean {
  return expiresAt !== null && expiresAt <= occurredAt;
}

function closedRefusal(hold: Hold, context: DecisionContext): RecordedRefusal | null {
  const status = hold.status === 'open' && isDue(hold, context) ? 'expired' : hold.status;
  if (status === 'open') return null;
  return {
    code: 'hold_closed',
    detail: `The hold is closed: it was ${status}.`,
    figures: { holdId: hold.holdId, holdStatus: status, expiresAt: hold.expiresAt },
  };
}

function exceededRefusal(hold: Hold, amount: bigint): RecordedRefusal | null {
  if (amount <= BigInt(hold.remaining)) return null;
  return {
    code: 'hold_exceeded',
    detail: `Of the hold ${hold.remaining} are left, ${amount} were asked for.`,
    figures: { holdId: hold.holdId, remaining: hold.remaining, required: amount.toString() },
  };
}

function later(time: string, seconds: number): string {
  return new Date(Date.parse(time) + seconds * 1_000).toISOString();
}
