/** The rules of bonuses that expire: each opens a lot, and what is left of it at its time goes back to who gave it. */
import type { LotShare } from '../events/catalog.ts';
import { freeOf } from '../events/lots.ts';
import { lotsOf, type LedgerState } from '../events/state.ts';
import { happened, invalid, newEvent, type Decision, type DecisionContext } from './decision.ts';
import { MAX_LOT_DAYS, type BonusCommand, type ExpireLotCommand } from './money-schemas.ts';
import { pay, type Movement } from './postings.ts';

const DAY_MS = 86_400_000;

export type OpenedLot = { readonly lotId: string; readonly expiresAt: string };

/** A bonus that is over before it is given, or long after anybody remembers it. */
export function expiryFault({ expiresAt }: BonusCommand, { occurredAt }: DecisionContext): Decision | null {
  if (expiresAt === undefined) return null;
  if (expiresAt <= occurredAt) return invalid('expiresAt', 'must be in the future');
  if (Date.parse(expiresAt) > Date.parse(occurredAt) + MAX_LOT_DAYS * DAY_MS)
    return invalid('expiresAt', `must be at most ${MAX_LOT_DAYS} days from now`);
  return null;
}

/** Null for a bonus without an end. */
export function lotOf(command: BonusCommand, lotId: string, context: DecisionContext): OpenedLot | null {
  const { expiresAt, expiresInDays } = command;
  if (expiresAt !== undefined) return { lotId, expiresAt };
  if (expiresInDays === undefined) return null;
  const end = Date.parse(context.occurredAt) + expiresInDays * DAY_MS;
  return { lotId, expiresAt: new Date(end).toISOString() };
}

/** As the event keeps it, to tell another request from this one. */
export function askedOfBonus({ expiresAt, expiresInDays }: BonusCommand) {
  if (expiresAt === undefined && expiresInDays === undefined) return {};
  return { asked: { expiresAt: expiresAt ?? null, expiresInDays: expiresInDays?.toString() ?? null } };
}

export function intoLot(movements: readonly Movement[], { lotId }: OpenedLot): Movement[] {
  return movements.map((movement) => ({
    ...movement,
    toLots: [{ lotId, amount: movement.amount.toString() }],
  }));
}

/** What no hold reserves goes back; the rest follows when the holds end. */
export function decideLotExpiry(
  state: LedgerState,
  { lotId }: ExpireLotCommand,
  context: DecisionContext,
): Decision {
  const bonus = state.originals.get(lotId);
  const [posting] = bonus?.postings ?? [];
  const wallet = posting && state.wallets.get(posting.to.walletId);
  const giver = posting && state.wallets.get(posting.from.walletId);
  if (bonus === undefined || wallet === undefined || giver === undefined) return { kind: 'nothing' };
  const lot = lotsOf(state, wallet).find((candidate) => candidate.lotId === lotId);
  if (lot === undefined || lot.expiresAt > context.occurredAt || freeOf(lot) === 0n)
    return { kind: 'nothing' };
  const amount = freeOf(lot);
  const fromLots: LotShare[] = [{ lotId, amount: amount.toString() }];
  const movement = { from: wallet.owner, to: giver.owner, assetSlug: wallet.asset, amount, fromLots };
  const paid = pay(state, [movement], context, { forced: true, spends: false });
  // Force stops at balances of more than 38 digits only: then it stays, and nobody can spend it.
  if (paid.kind === 'refused') return { kind: 'nothing' };
  const data = {
    ...{ type: 'expiry', asset: wallet.asset, userId: bonus.userId, amount: amount.toString() },
    ...{ reference: null, metadata: null },
    postings: [...paid.postings],
    expires: lotId,
  };
  return happened(newEvent('transaction.posted', data, context, { relatedId: lotId }));
}
