/** The rules of reversals: what a transaction moved goes back, wholly or in part, never more and never twice. */
import type { Owner } from '../events/catalog.ts';
import type { LedgerState, OriginalState } from '../events/state.ts';
import { afterOpening, rejection, type Described } from './decide-transaction.ts';
import { happened, invalid, newEvent, refused, type Decision, type DecisionContext } from './decision.ts';
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
  const [first] = original.postings;
  const single = original.postings.length === 1 && first !== undefined;
  if (command.amount !== undefined && original.postings.length > 1)
    return invalid('amount', 'a transaction of several postings can only be reversed as a whole');

  const left = single ? BigInt(first.amount) - original.reversed : 0n;
  const amount = command.amount === undefined ? left : BigInt(command.amount);
  const reason = command.reason ?? null;
  const request: Described = {
    type: 'reversal',
    asset: original.asset,
    userId: original.userId,
    amount: single && amount > 0n ? amount.toString() : null,
    ...{ reference: null, metadata: null },
    asked: { amount: command.amount ?? null, reason, force: command.force?.toString() ?? null },
  };
  const finish = { id: context.nextId(), relatedId: originalId };
  const refusal = reversalRefusal(original, { single, left, amount });
  if (refusal !== null) return happened(rejection(request, refusal, context, finish));

  const movements = movementsBack(state, original, single ? amount : null);
  const paid = pay(state, movements, context, { forced: command.force ?? false });
  if (paid.kind === 'refused')
    return afterOpening(paid.opened, rejection(request, paid.refusal, context, finish));
  const data = {
    ...request,
    postings: [...paid.postings],
    ...{ reverses: originalId, reversedType: original.type, reason },
  };
  return afterOpening(paid.opened, newEvent('transaction.posted', data, context, finish));
}

/** The postings the other way round, the last one first. */
function movementsBack(state: LedgerState, original: OriginalState, amount: bigint | null): Movement[] {
  return original.postings
    .toReversed()
    .map(({ asset, amount: whole, from, to }) => ({
      from: ownerOf(state, to.walletId),
      to: ownerOf(state, from.walletId),
      assetSlug: asset,
      amount: amount ?? BigInt(whole),
    }));
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
  if (type === 'reversal' || original.postings.length === 0) {
    return {
      code: 'not_reversible',
      detail: type === 'reversal' ? 'A reversal cannot be reversed.' : 'It moved no money: it was declined.',
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
        : 'The original has been reversed already.',
    figures: {
      original: transactionId,
      ...(single ? { remaining: left.toString(), required: amount.toString() } : {}),
    },
  };
}
