/** What an event does to the spend counters of wallets. What users pay counts; what is taken back, or expires, does not. */
import type { EventData, Hold } from './catalog.ts';
import {
  count,
  giveBack,
  NO_WALLET_LIMITS,
  parsedLimits,
  windowsInForce,
  type SpelledLimits,
} from './spend-limits.ts';
import { floorAfter, available, type LedgerState, type WalletState } from './state.ts';

/** Whether what users pay by a transaction is spent: not where it takes another back, or a bonus has expired. */
export function isSpend({ reverses, expires }: EventData<'transaction.posted'>): boolean {
  return reverses === undefined && expires === undefined;
}

/** Of a posted transaction, after its postings. */
export function countSpends(state: LedgerState, data: EventData<'transaction.posted'>, at: string): void {
  if (!isSpend(data)) return;
  for (const { asset, amount, from } of data.postings) {
    const payer = state.wallets.get(from.walletId);
    const ofAsset = state.assets.get(asset)?.limits ?? null;
    if (payer === undefined || 'system' in payer.owner || (payer.limits === null && ofAsset === null))
      continue;
    const limits = count(payer.limits, windowsInForce(payer.limits, ofAsset), BigInt(amount), at);
    state.wallets.set(payer.id, { ...payer, limits });
  }
}

/** A hold counts when it is placed, by its own word; what is not captured of it is given back when it ends. */
export function countHold(state: LedgerState, type: `hold.${string}`, hold: Hold): void {
  const wallet = state.wallets.get(hold.walletId);
  if (hold.counted === undefined || wallet === undefined) return;
  const { at, windows } = hold.counted;
  if (type === 'hold.placed') {
    const limits = count(wallet.limits, windows, BigInt(hold.amount), at);
    state.wallets.set(wallet.id, { ...wallet, limits });
  } else if (hold.status !== 'open') {
    const limits = giveBack(wallet.limits, hold.counted, uncaptured(hold));
    state.wallets.set(wallet.id, { ...wallet, limits });
  }
}

/** Of a hold that has ended. */
export function uncaptured({ amount, captured }: Hold): bigint {
  return BigInt(amount) - BigInt(captured);
}

export function withOverdraft(wallet: WalletState, overdraft: string): WalletState {
  const limits = { ...(wallet.limits ?? NO_WALLET_LIMITS), overdraft: BigInt(overdraft) };
  const changed = { ...wallet, limits };
  return { ...changed, floor: floorAfter(changed, available(wallet)) };
}

export function withSpendLimits(wallet: WalletState, limits: SpelledLimits): WalletState {
  return { ...wallet, limits: { ...(wallet.limits ?? NO_WALLET_LIMITS), limits: parsedLimits(limits) } };
}
