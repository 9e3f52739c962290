/** The rules of reversals: what a transaction moved goes back, wholly or in part, never more and never twice. */
import type { LotShare, Owner, Posting } from '../events/catalog.ts';
import { afterFirst, firstOf, freeOf } from '../events/lots.ts';
import { lotsOf, type LedgerState, type OriginalState } from '../events/state.ts';
import { afterOpening, rejection, type Described } from './decide-transaction.ts';
import {
  happened,
  invalid,
  newEvent,
  refused,
  subjectErased,
  type Decision,
  type DecisionContext,
} from './decision.ts';
import type { ReversalCommand } from './money-schemas.ts';
import { pay, type Movement, type RecordedRefusal } from './postings.ts';

export function decideReversal(
  state: LedgerState,
  command: ReversalCommand,
  context: DecisionContext,
): Decision {
  const { transactionId: originalId } = command;
  const original = state.originals.get(originalId);
  if (original === undefined) {
    return refused('transaction_not_found', 'There is no transaction with this id.', {
      transactionId: originalId,
    });
  }
  // By force it would leave a debt with nobody, and paid to nobody nothing can be.
  const erased = erasedParty(state, original);
  if (erased !== null) return subjectErased(erased);

  const [first] = original.postings;
  const single = original.postings.length === 1 && first !== undefined;
  if (command.amount !== undefined && original.postings.length > 1)
    return invalid('amount', 'a transaction of several postings can only be reversed as a whole');

  const left = single ? leftOf(state, original, first) : 0n;
  const amount = command.amount === undefined ? left : BigInt(command.amount);
  const reason = command.reason ?? null;
  const request: Described = {
    type: 'reversal',
    // Of several postings each entry names its own, though an exchange has one that it is paid in.
    asset: original.postings.length > 1 ? null : original.asset,
    userId: original.userId,
    amount: single && amount > 0n ? amount.toString() : null,
    ...{ reference: null, metadata: null },
    asked: { amount: command.amount ?? null, reason, force: command.force?.toString() ?? null },
  };
  const finish = { id: context.nextId(), relatedId: originalId };
  const refusal = reversalRefusal(original, { single, left, amount });
  if (refusal !== null) return happened(rejection(request, refusal, context, finish));

  const movements = movementsBack(state, original, single ? amount : null);
  const paid = pay(state, movements, context, { forced: command.force ?? false, spends: false });
  if (paid.kind === 'refused')
    return afterOpening(paid.opened, rejection(request, paid.refusal, context, finish));
  const data = {
    ...request,
    postings: [...paid.postings],
    ...{ reverses: originalId, reversedType: original.type, reason },
  };
  return afterOpening(paid.opened, newEvent('transaction.posted', data, context, finish));
}

/**
 * Of a bonus that expires, what is left in its lot and held by nobody: what was spent of it may come back to the lot, and would
 * be taken twice if it had been taken out of other money.
 */
function leftOf(state: LedgerState, { lotId, reversed }: OriginalState, { amount, to }: Posting): bigint {
  if (lotId === null) return BigInt(amount) - reversed;
  const wallet = state.wallets.get(to.walletId);
  const lot = wallet && lotsOf(state, wallet).find((candidate) => candidate.lotId === lotId);
  return lot === undefined ? 0n : freeOf(lot);
}

/** The postings the other way round, the last one first. */
function movementsBack(state: LedgerState, original: OriginalState, amount: bigint | null): Movement[] {
  return original.postings
    .toReversed()
    .map((posting) => ({
      ...(original.lotId === null || amount === null
        ? {}
        : { fromLots: [{ lotId: original.lotId, amount: amount.toString() }] }),
      from: ownerOf(state, posting.to.walletId),
      to: ownerOf(state, posting.from.walletId),
      assetSlug: posting.asset,
      amount: amount ?? BigInt(posting.amount),
      toLots: backIntoLots(posting, original.reversed, amount ?? BigInt(posting.amount)),
    }));
}

/** What was spent last comes back first: plain balance, then the lots from the last to expire on. */
function backIntoLots({ amount, from }: Posting, reversed: bigint, back: bigint): LotShare[] {
  const { lots = [] } = from;
  const plain = lots.reduce((left, share) => left - BigInt(share.amount), BigInt(amount));
  const before = reversed > plain ? reversed - plain : 0n;
  const plainLeft = reversed < plain ? plain - reversed : 0n;
  return firstOf(afterFirst(lots.toReversed(), before), back > plainLeft ? back - plainLeft : 0n);
}

function erasedParty(state: LedgerState, { postings }: OriginalState): string | null {
  const owners = postings
    .flatMap(({ from, to }) => [from, to])
    .map(({ walletId }) => ownerOf(state, walletId));
  const erased = owners.find(
    (owner) => 'userId' in owner && state.users.get(owner.userId)?.status === 'ERASED',
  );
  return erased === undefined || !('userId' in erased) ? null : erased.userId;
}

function ownerOf(state: LedgerState, walletId: string): Owner {
  const wallet = state.wallets.get(walletId);
  if (wallet === undefined) throw new Error(`wallet ${walletId} of a transaction was not looked for`);
  return wallet.owner;
}

function reversalRefusal(
  original: OriginalState,
  asked: { single: boolean; left: bigint; amount: bigint },
): RecordedRefusal | null {
  const { transactionId, type } = original;
  if (type === 'reversal' || type === 'expiry' || original.postings.length === 0) {
    return {
      code: 'not_reversible',
      detail:
        original.postings.length === 0
          ? 'It moved no money: it was declined.'
          : `A${type === 'expiry' ? 'n expiry' : ' reversal'} cannot be reversed.`,
      figures: { original: transactionId },
    };
  }
  const { single, left, amount } = asked;
  const exceeded = single ? left === 0n || amount > left : original.wholly;
  if (!exceeded) return null;
  return {
    code: 'reversal_exceeds_original',
    detail:
      single && left > 0n
        ? `Of the original ${left} are left, ${amount} were asked for.`
        : `Nothing is left of the original${original.lotId === null ? ': it has been reversed already' : ' in its lot'}.`,
    figures: {
      original: transactionId,
      ...(single ? { remaining: left.toString(), required: amount.toString() } : {}),
    },
  };
}
