/** The rule of erasure: only of a user who has nothing, since nobody could be paid what an erased user still has. */
import type { LedgerState, WalletState } from '../events/state.ts';
import { rejection, type Described } from './decide-transaction.ts';
import {
  happened,
  newEvent,
  subjectErased,
  userNotFound,
  type Decision,
  type DecisionContext,
} from './decision.ts';
import type { RecordedRefusal } from './postings.ts';
import type { EraseUserCommand } from './schemas.ts';

/** Wallets that a refusal shows. */
const SHOWN = 10;

/** Of a state that knows all wallets of the user. */
export function decideErasure(
  state: LedgerState,
  command: EraseUserCommand,
  context: DecisionContext,
): Decision {
  const { userId } = command;
  const user = state.users.get(userId);
  if (user === undefined) return userNotFound(userId);
  if (user.status === 'ERASED') return subjectErased(userId);
  const reason = command.reason ?? null;
  const left = walletsWithSomething(state, userId);
  if (left.length === 0) {
    return happened(newEvent('user.erased', { userId, createdAt: user.createdAt, reason }, context));
  }
  const request: Described = {
    ...{ type: command.kind, asset: null, userId, amount: null, reference: null, metadata: null },
    asked: { reason },
  };
  return happened(rejection(request, notEmpty(userId, left), context, { id: context.nextId() }));
}

/** In the order of their assets. What was taken by force counts too: a debt is not forgotten with its debtor; nor is a lot that
 * a debt hides, since it would be taken back of nobody. */
function walletsWithSomething(state: LedgerState, userId: string): WalletState[] {
  return [...state.wallets.values()]
    .filter(({ owner, balance, held, nextDueAt }) => {
      const isEmpty = balance === 0n && held === 0n && nextDueAt === null;
      return 'userId' in owner && owner.userId === userId && !isEmpty;
    })
    .sort((one, other) => (one.asset < other.asset ? -1 : 1));
}

function notEmpty(userId: string, left: readonly WalletState[]): RecordedRefusal {
  const shown = left.slice(0, SHOWN);
  const wallets = left.length === 1 ? 'a wallet' : `${left.length} wallets`;
  return {
    code: 'user_not_empty',
    detail: `The user has ${wallets} with a balance that is not 0, with something held, or with a bonus that has yet to expire.`,
    figures: {
      userId,
      wallets: left.length.toString(),
      assets: shown.map(({ asset }) => asset),
      balances: shown.map(({ balance }) => balance.toString()),
      held: shown.map(({ held }) => held.toString()),
    },
  };
}
