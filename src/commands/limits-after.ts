/** What a plan would leave of spend limits, event by event: what a dry run adds to its answers. Pure. */
import { evolveWithEntries } from '../events/evolve.ts';
import { hasAny, limitsLeft, type LimitsLeft } from '../events/spend-limits.ts';
import type { LedgerState } from '../events/state.ts';
import type { NewEvent } from '../events/catalog.ts';
import type { BatchPlan } from './batch-plan.ts';
import type { Answer, Settlement } from './submission.ts';

type LimitsOfWallet = { walletId: string } & LimitsLeft;

/** `before` is the state that the plan was made from; it goes through the plan's events once more. */
export function withLimitsAfter(settlement: Settlement, plan: BatchPlan, before: LedgerState): Settlement {
  const [planned] = plan.settlements;
  if (settlement.kind !== 'answered' || planned?.kind !== 'answered') return settlement;
  const after = plan.events.map(({ event }) => {
    evolveWithEntries(before, { ...event, occurredAt: plan.occurredAt });
    return payersOf(event).flatMap((walletId) => limitsOf(before, walletId, plan.occurredAt));
  });
  const answers = settlement.answers.map((answer, index) => {
    const of = planned.planned[index];
    return of?.kind === 'appended' ? withLimits(answer, after[of.index] ?? []) : answer;
  });
  return { kind: 'answered', answers };
}

function withLimits(answer: Answer, limits: readonly LimitsOfWallet[]): Answer {
  const { outcome } = answer;
  if (outcome.kind !== 'accepted' || limits.length === 0) return answer;
  return { ...answer, outcome: { ...outcome, body: { ...outcome.body, limits } } };
}

function payersOf(event: NewEvent): readonly string[] {
  if ('hold' in event.data) return [event.data.hold.walletId];
  if (event.type !== 'transaction.posted') return [];
  return [...new Set(event.data.postings.map(({ from }) => from.walletId))];
}

function limitsOf(state: LedgerState, walletId: string, at: string): LimitsOfWallet[] {
  const wallet = state.wallets.get(walletId);
  if (wallet === undefined || 'system' in wallet.owner) return [];
  const asset = state.assets.get(wallet.asset)?.limits ?? null;
  if (!hasAny(asset) && !hasAny(wallet.limits?.limits ?? null)) return [];
  return [{ walletId, ...limitsLeft({ wallet: wallet.limits, asset }, at) }];
}
