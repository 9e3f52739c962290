/**
 * Overdrafts and limits once more: a list of what was spent, each with the time from which it no longer counts. Nothing is
 * added up before it is asked for.
 */
import { isSystem, refused, walletName } from './reference-words.ts';
import type { Ledger, Limits, Posting, Refused, Spend, Window } from './reference-terms.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A spend is taken for one at the end of its piece of the clock, and counts for the length of the window after that. */
const WINDOWS: Readonly<Record<Window, { piece: number; length: number }>> = {
  day: { piece: HOUR, length: DAY },
  week: { piece: 6 * HOUR, length: 7 * DAY },
  month: { piece: DAY, length: 30 * DAY },
};
export const WINDOW_NAMES = ['day', 'week', 'month'] as const;

function end(window: Window, { at }: Spend): number {
  const { piece, length } = WINDOWS[window];
  return at - (at % piece) + piece + length;
}

function counting(ledger: Ledger, wallet: string, window: Window): Spend[] {
  return ledger.spends.filter(
    (spend) => spend.wallet === wallet && spend.windows.includes(window) && end(window, spend) > ledger.now,
  );
}

export function usedOf(ledger: Ledger, wallet: string, window: Window): bigint {
  return counting(ledger, wallet, window).reduce((sum, { amount }) => sum + amount, 0n);
}

/** The stricter of the wallet's and the asset's. */
export function strictest(ledger: Ledger, owner: string, asset: string, name: keyof Limits) {
  const own = ledger.limits.get(walletName(owner, asset))?.[name] ?? null;
  const shared = ledger.assetLimits.get(asset)?.[name] ?? null;
  if (own === null && shared === null) return null;
  if (own === null || (shared !== null && shared < own)) return { scope: 'asset', limit: shared! };
  return { scope: 'wallet', limit: own };
}

type Asked = { readonly owner: string; readonly asset: string; readonly amount: bigint };

/** What users pay of each wallet. */
function asked(postings: readonly Posting[]): Asked[] {
  const all = Map.groupBy(
    postings.filter(({ from }) => !isSystem(from)),
    ({ from, asset }) => walletName(from, asset),
  );
  return [...all.values()].map((ofOne) => {
    const { from: owner, asset } = ofOne[0]!;
    return { owner, asset, amount: ofOne.reduce((sum, posting) => sum + posting.amount, 0n) };
  });
}

export function beyondLimits(ledger: Ledger, postings: readonly Posting[]): Refused | null {
  for (const one of asked(postings)) {
    const refusal = beyond(ledger, one);
    if (refusal !== null) return refusal;
  }
  return null;
}

function beyond(ledger: Ledger, { owner, asset, amount: required }: Asked): Refused | null {
  const once = strictest(ledger, owner, asset, 'perTransaction');
  if (once !== null && once.limit < required)
    return refused(422, 'limit_exceeded', {
      window: 'transaction',
      ...once,
      used: 0n,
      required,
      freesAt: null,
    });
  const wallet = walletName(owner, asset);
  const full = WINDOW_NAMES.flatMap((window) => {
    const inForce = strictest(ledger, owner, asset, window);
    const used = usedOf(ledger, wallet, window);
    if (inForce === null || used + required <= inForce.limit) return [];
    return [
      {
        window,
        ...inForce,
        used,
        required,
        freesAt: fitsAt(ledger, wallet, { window, required, ...inForce }),
      },
    ];
  });
  if (full.length === 0) return null;
  const longest = full.reduce((one, other) => (other.freesAt > one.freesAt ? other : one));
  const { freesAt, ...figures } = longest;
  const time = freesAt === Infinity ? null : new Date(freesAt).toISOString();
  return refused(422, 'limit_exceeded', { ...figures, freesAt: time });
}

function fitsAt(
  ledger: Ledger,
  wallet: string,
  { window, required, limit }: { window: Window; required: bigint; limit: bigint },
): number {
  const spends = counting(ledger, wallet, window);
  const times = spends.map((spend) => end(window, spend)).sort((one, other) => one - other);
  for (const time of times) {
    const left = spends.filter((spend) => end(window, spend) > time);
    if (left.reduce((sum, { amount }) => sum + amount, 0n) + required <= limit) return time;
  }
  return Infinity;
}

/** Counts in the windows of which a limit is in force. */
export function note(ledger: Ledger, postings: readonly Posting[], hold: number | null = null): void {
  for (const { owner, asset, amount } of asked(postings)) {
    const windows = WINDOW_NAMES.filter((window) => strictest(ledger, owner, asset, window) !== null);
    const wallet = walletName(owner, asset);
    if (windows.length > 0) ledger.spends.push({ wallet, amount, at: ledger.now, windows, hold });
  }
}

/** What is not paid out of a hold was not spent. */
export function takeBack(ledger: Ledger, hold: number, amount: bigint): void {
  for (const spend of ledger.spends) if (spend.hold === hold) spend.amount -= amount;
}
