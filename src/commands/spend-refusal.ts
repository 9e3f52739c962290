/** Whether what a command takes from users' wallets is within their spend limits: all that it takes from a wallet counts together. */
import { exceededBy, type Exceeded } from '../events/spend-limits.ts';
import type { LedgerState, WalletState } from '../events/state.ts';
import type { Refusal } from '../errors.ts';

/** What one wallet pays by a command. */
export type Payment = { readonly payer: WalletState; readonly amount: bigint };

export type LimitRefusal = { readonly payer: WalletState; readonly refusal: Refusal<'limit_exceeded'> };

/** Of the first wallet, in the order of the payments, that would exceed a limit. */
export function spendRefusal(
  state: LedgerState,
  payments: readonly Payment[],
  occurredAt: string,
): LimitRefusal | null {
  if (!payments.some(({ payer }) => isLimited(state, payer))) return null;
  const totals = new Map<string, bigint>();
  for (const { payer, amount } of payments) totals.set(payer.id, (totals.get(payer.id) ?? 0n) + amount);
  for (const { payer } of payments) {
    if (!isLimited(state, payer)) continue;
    const asset = state.assets.get(payer.asset)?.limits ?? null;
    const amount = totals.get(payer.id) ?? 0n;
    const exceeded = exceededBy({ wallet: payer.limits, asset }, amount, occurredAt);
    if (exceeded !== null) return { payer, refusal: refusalOf(exceeded, payer, amount) };
  }
  return null;
}

function isLimited(state: LedgerState, { owner, limits, asset }: WalletState): boolean {
  return 'userId' in owner && (limits !== null || (state.assets.get(asset)?.limits ?? null) !== null);
}

function refusalOf(exceeded: Exceeded, payer: WalletState, amount: bigint): Refusal<'limit_exceeded'> {
  const { window, scope, limit, used, freesAt } = exceeded;
  const what =
    window === 'transaction'
      ? `The ${scope}'s limit of one transaction is ${limit}`
      : `The ${scope}'s limit of a ${window} is ${limit}, ${used} of it are used`;
  return {
    code: 'limit_exceeded',
    detail: `${what}, ${amount} are required.`,
    figures: {
      ...{ walletId: payer.id, window, scope },
      ...{ limit: limit.toString(), used: used.toString(), required: amount.toString(), freesAt },
    },
  };
}
