/** Folds what ranges tell of overdrafts and limits, one after the other, and holds each spend against the limits of its time. */
import {
  count,
  exceededBy,
  giveBack,
  NO_WALLET_LIMITS,
  windowsInForce,
  type WalletLimits,
} from '../../events/spend-limits.ts';
import type { CheckName } from './finding.ts';
import type { Heads } from './heads.ts';
import type { LimitFact, Spent } from './limit-facts.ts';

type Report = (
  check: CheckName,
  at: { position: bigint; walletId?: string },
  expected: string,
  found: string,
) => void;

export function addLimitFact(heads: Heads, fact: LimitFact, report: Report): void {
  switch (fact.kind) {
    case 'overdraft':
      return put(heads, fact.walletId, { ...limitsOf(heads, fact.walletId), overdraft: fact.overdraft });
    case 'wallet_limits':
      return put(heads, fact.walletId, { ...limitsOf(heads, fact.walletId), limits: fact.limits });
    case 'asset_limits':
      heads.assetLimits.set(fact.asset, fact.limits);
      return;
    case 'spent':
      return addSpent(heads, fact, report);
    case 'freed': {
      const known = heads.walletLimits.get(fact.walletId) ?? null;
      return put(heads, fact.walletId, giveBack(known, fact.counted, fact.amount));
    }
  }
}

function limitsOf(heads: Heads, walletId: string): WalletLimits {
  return heads.walletLimits.get(walletId) ?? NO_WALLET_LIMITS;
}

function put(heads: Heads, walletId: string, limits: WalletLimits | null): void {
  if (limits !== null) heads.walletLimits.set(walletId, limits);
}

function addSpent(heads: Heads, fact: Spent & { readonly position: bigint }, report: Report): void {
  const { position, walletId, amount, at, hold } = fact;
  const place = { position, walletId };
  if (heads.wallets.get(walletId)?.isSystem === true) return;
  const wallet = heads.walletLimits.get(walletId) ?? null;
  const asset = heads.assetLimits.get(fact.asset) ?? null;
  const exceeded = exceededBy({ wallet, asset }, amount, at);
  if (exceeded !== null) {
    const { window, scope, limit, used } = exceeded;
    report('limits', place, `at most ${limit} in a ${window}, the limit of the ${scope}`, `${used + amount}`);
  }
  const windows = windowsInForce(wallet, asset);
  const said = hold === undefined ? null : `${hold?.windows.join(', ') ?? ''} at ${hold?.at ?? at}`;
  const expected = `${windows.join(', ')} at ${at}`;
  if (said !== null && said !== expected)
    report('limits', place, `a hold counted in ${expected}`, `counted in ${said}`);
  put(heads, walletId, count(wallet, hold === undefined ? windows : (hold?.windows ?? []), amount, at));
}
