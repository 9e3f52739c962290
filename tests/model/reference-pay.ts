/** How money moves, once more: one posting after the other, each from what those before it left. */
import { isSystem, refused, walletName } from './reference-words.ts';
import { beyondLimits, note } from './reference-limits.ts';
import { letGoOfPots, overdueIn, takeFromPots } from './reference-pots.ts';
import type {
  Done,
  Hold,
  Ledger,
  Line,
  Outcome,
  Posting,
  Refused,
  Taken,
  Transaction,
} from './reference-terms.ts';

export const TREASURY = '@treasury';
const LARGEST = 10n ** 38n - 1n;

export function walletIn(ledger: Ledger, owner: string, asset: string) {
  return ledger.wallets.get(walletName(owner, asset)) ?? { balance: 0n, held: 0n, frozen: false };
}

export function missing(ledger: Ledger, postings: readonly Posting[]): Refused | null {
  for (const { from, to, asset } of postings) {
    for (const owner of [from, to].filter((party) => !isSystem(party))) {
      const user = ledger.users.get(owner);
      if (user === undefined) return refused(404, 'user_not_found');
      if (user.erased) return refused(410, 'subject_erased');
    }
    if (!ledger.assets.has(asset)) return refused(404, 'asset_not_found');
  }
  return null;
}

export function barred(ledger: Ledger, postings: readonly Posting[]): Refused | null {
  for (const { from, to, asset } of postings) {
    if ([from, to].some((owner) => ledger.users.get(owner)?.banned)) return refused(422, 'user_banned');
    if (ledger.assets.get(asset)?.frozen) return refused(422, 'asset_frozen');
    if ([from, to].some((owner) => walletIn(ledger, owner, asset).frozen))
      return refused(422, 'wallet_frozen');
  }
  return null;
}

type Rules = {
  readonly force?: boolean;
  readonly fromHold?: Hold;
  readonly takesBack?: boolean;
  /** The pot that is taken from before the others. */
  readonly first?: number;
  /** Into which pots the posting goes; asked once it was taken from its payer. */
  readonly into?: (index: number) => Taken[];
};

/** One after the other, each from what those before it left: all of them, or none. */
export function pay(ledger: Ledger, postings: readonly Posting[], rules: Rules = {}): Line[] | Refused {
  const stopped = rules.force === true ? null : barred(ledger, postings);
  if (stopped !== null) return stopped;
  const before = ledger.wallets;
  const potsBefore = structuredClone(ledger.pots);
  ledger.wallets = new Map(before);
  const lines: Line[] = [];
  for (const [index, posting] of postings.entries()) {
    const { from, to, asset, amount } = posting;
    const payer = walletIn(ledger, from, asset);
    const payee = walletIn(ledger, to, asset);
    const balances = { from: payer.balance - amount, to: payee.balance + amount };
    const outOfRange = -balances.from > LARGEST || balances.to > LARGEST;
    const refusal =
      unaffordable(ledger, posting, rules) ?? (outOfRange ? refused(422, 'balance_out_of_range') : null);
    if (refusal !== null) {
      ledger.wallets = before;
      ledger.pots = potsBefore;
      return refusal;
    }
    ledger.wallets.set(walletName(from, asset), { ...payer, balance: balances.from });
    ledger.wallets.set(walletName(to, asset), { ...payee, balance: balances.to });
    const taken =
      rules.fromHold === undefined
        ? takeFromPots(ledger, { owner: from, asset, amount, first: rules.first ?? -1 })
        : letGoOfPots(ledger, rules.fromHold, { amount, paid: true });
    const put = rules.into?.(index) ?? [];
    lines.push({ owner: from, asset, direction: 'DEBIT', amount, balanceAfter: balances.from, pots: taken });
    lines.push({ owner: to, asset, direction: 'CREDIT', amount, balanceAfter: balances.to, pots: put });
  }
  if (rules.fromHold !== undefined || rules.takesBack === true) return lines;
  const beyond = beyondLimits(ledger, postings);
  if (beyond !== null) {
    ledger.wallets = before;
    ledger.pots = potsBefore;
    return beyond;
  }
  note(ledger, postings);
  return lines;
}

function unaffordable(ledger: Ledger, { from, asset, amount }: Posting, rules: Rules): Refused | null {
  const { balance } = walletIn(ledger, from, asset);
  if (from === TREASURY) {
    const cap = ledger.assets.get(asset)?.cap ?? null;
    return cap === null || balance - amount >= -cap ? null : refused(422, 'supply_cap_exceeded');
  }
  if (rules.fromHold !== undefined || (rules.force === true && !isSystem(from))) return null;
  const available = freeIn(ledger, from, asset, rules.first);
  if (available - amount >= -overdraftOf(ledger, from, asset)) return null;
  return refused(422, 'insufficient_funds', { available, required: amount });
}

/** What may be spent now. */
export function freeIn(ledger: Ledger, owner: string, asset: string, first = -1): bigint {
  const { balance, held } = walletIn(ledger, owner, asset);
  return balance - held - overdueIn(ledger, owner, asset, first);
}

export function overdraftOf(ledger: Ledger, owner: string, asset: string): bigint {
  return ledger.overdrafts.get(walletName(owner, asset)) ?? 0n;
}

export function post(
  ledger: Ledger,
  posted: Pick<Transaction, 'type' | 'user' | 'asset' | 'postings'>,
  lines: readonly Line[] | Refused,
): Outcome {
  if ('kind' in lines) return lines;
  const transaction = { ...posted, declined: false, lines, reversed: 0n, reversals: 0 };
  return done({ transaction: ledger.transactions.push(transaction) - 1, posted: { ...transaction } });
}

export function done(made: Partial<Done>): Done {
  return { kind: 'done', transaction: null, posted: null, hold: null, ...made };
}
