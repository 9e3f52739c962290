/**
 * Overdraft and spend limits of a wallet, and what was spent of it in rolling windows: 24 hours, 7 days and 30 days.
 * A window is counted in buckets of the epoch in UTC, so its size is bounded whatever is spent. A bucket counts until all of
 * it has left the window, so within any true window never more than the limit is spent. Pure: times are handed in.
 */
import { canonicalJson } from './canonical.ts';

export const SPEND_WINDOWS = ['day', 'week', 'month'] as const;
export type SpendWindow = (typeof SPEND_WINDOWS)[number];

export const SPEND_LIMITS = ['perTransaction', ...SPEND_WINDOWS] as const;

/** In minor units; null: none. Of a wallet by itself, or of each wallet of an asset. */
export type SpendLimits = { readonly [Name in (typeof SPEND_LIMITS)[number]]: bigint | null };

/** The same as events, requests and answers spell it. */
export type SpelledLimits = { [Name in (typeof SPEND_LIMITS)[number]]: string | null };

/** Number of a bucket since the epoch, and what was spent in it; in ascending order, none of them empty. */
type Buckets = readonly (readonly [bucket: number, amount: bigint])[];

export type WalletLimits = {
  /** How far below zero the wallet may be taken; 0: it may not. */
  readonly overdraft: bigint;
  readonly limits: SpendLimits;
  /** What was spent while a limit of the window, the wallet's or the asset's, was in force. */
  readonly counted: { readonly [Window in SpendWindow]: Buckets };
};

/** When a hold was counted, and in which windows: what it gives back is taken from there. */
export type CountedHold = { readonly at: string; readonly windows: readonly SpendWindow[] };

export const NO_LIMITS: SpendLimits = { perTransaction: null, day: null, week: null, month: null };

export const NO_WALLET_LIMITS: WalletLimits = {
  overdraft: 0n,
  limits: NO_LIMITS,
  counted: { day: [], week: [], month: [] },
};

const HOUR_MS = 3_600_000;

/** A window is a whole number of its buckets. */
const BUCKETS: { readonly [Window in SpendWindow]: { readonly sizeMs: number; readonly count: number } } = {
  day: { sizeMs: HOUR_MS, count: 24 },
  week: { sizeMs: 6 * HOUR_MS, count: 28 },
  month: { sizeMs: 24 * HOUR_MS, count: 30 },
};

/** RFC 3339, the first millisecond at which nothing of the bucket is within the window any more. */
function freedAt(window: SpendWindow, bucket: number): string {
  const { sizeMs, count } = BUCKETS[window];
  return new Date((bucket + count + 1) * sizeMs).toISOString();
}

function bucketAt(window: SpendWindow, at: string): number {
  return Math.floor(Date.parse(at) / BUCKETS[window].sizeMs);
}

/** The buckets that count at a time. */
function countingAt(counted: WalletLimits['counted'], window: SpendWindow, at: string): Buckets {
  const oldest = bucketAt(window, at) - BUCKETS[window].count;
  return counted[window].filter(([bucket]) => bucket >= oldest);
}

function sumOf(buckets: Buckets): bigint {
  return buckets.reduce((sum, [, amount]) => sum + amount, 0n);
}

/** What counts as spent in a window at a time. */
export function usedAt(limits: WalletLimits | null, window: SpendWindow, at: string): bigint {
  return limits === null ? 0n : sumOf(countingAt(limits.counted, window, at));
}

/** The windows in which a spend has to be counted. */
export function windowsInForce(
  wallet: WalletLimits | null,
  asset: SpendLimits | null,
): readonly SpendWindow[] {
  if (wallet === null && asset === null) return [];
  return SPEND_WINDOWS.filter(
    (window) => (wallet?.limits[window] ?? null) !== null || (asset?.[window] ?? null) !== null,
  );
}

/** With an amount counted in the windows; what has left its window is forgotten. */
export function count(
  limits: WalletLimits | null,
  windows: readonly SpendWindow[],
  amount: bigint,
  at: string,
): WalletLimits | null {
  if (windows.length === 0) return limits;
  const before = limits ?? NO_WALLET_LIMITS;
  const counted = { ...before.counted };
  for (const window of SPEND_WINDOWS) {
    const kept = countingAt(counted, window, at);
    counted[window] = windows.includes(window) ? added(kept, bucketAt(window, at), amount) : kept;
  }
  return { ...before, counted };
}

/** With an amount of a hold given back where it was counted, as far as that still is. */
export function giveBack(
  limits: WalletLimits | null,
  { at, windows }: CountedHold,
  amount: bigint,
): WalletLimits | null {
  if (limits === null || amount === 0n) return limits;
  const counted = { ...limits.counted };
  for (const window of windows) {
    const bucket = bucketAt(window, at);
    if (counted[window].some(([known]) => known === bucket))
      counted[window] = added(counted[window], bucket, -amount);
  }
  return { ...limits, counted };
}

function added(buckets: Buckets, bucket: number, amount: bigint): Buckets {
  const before = buckets.find(([known]) => known === bucket)?.[1] ?? 0n;
  const others = buckets.filter(([known]) => known !== bucket);
  const sum = before + amount;
  return sum === 0n ? others : [...others, [bucket, sum] as const].sort(([one], [other]) => one - other);
}

/** The stricter of a wallet's limit and its asset's, and whose it is. */
export type LimitInForce = { readonly limit: bigint; readonly scope: 'wallet' | 'asset' };

export function limitInForce(
  name: (typeof SPEND_LIMITS)[number],
  wallet: WalletLimits | null,
  asset: SpendLimits | null,
): LimitInForce | null {
  const own = wallet?.limits[name] ?? null;
  const shared = asset?.[name] ?? null;
  if (own === null) return shared === null ? null : { limit: shared, scope: 'asset' };
  return shared !== null && shared < own
    ? { limit: shared, scope: 'asset' }
    : { limit: own, scope: 'wallet' };
}

export type Spender = { readonly wallet: WalletLimits | null; readonly asset: SpendLimits | null };

export type Exceeded = LimitInForce & {
  readonly window: 'transaction' | SpendWindow;
  readonly used: bigint;
  /** RFC 3339: when enough of what is used has left the window; null: never. */
  readonly freesAt: string | null;
};

/** The limit that an amount would exceed; of several the one that stands in its way longest. */
export function exceededBy({ wallet, asset }: Spender, amount: bigint, at: string): Exceeded | null {
  const once = limitInForce('perTransaction', wallet, asset);
  if (once !== null && amount > once.limit)
    return { ...once, window: 'transaction', used: 0n, freesAt: null };
  let longest: Exceeded | null = null;
  for (const window of SPEND_WINDOWS) {
    const inForce = limitInForce(window, wallet, asset);
    if (inForce === null) continue;
    const used = usedAt(wallet, window, at);
    if (used + amount <= inForce.limit) continue;
    const freesAt =
      wallet === null || amount > inForce.limit
        ? null
        : freesFor(window, countingAt(wallet.counted, window, at), used + amount - inForce.limit);
    if (freesAt === null) return { ...inForce, window, used, freesAt };
    if (longest === null || (longest.freesAt !== null && freesAt > longest.freesAt))
      longest = { ...inForce, window, used, freesAt };
  }
  return longest;
}

function freesFor(window: SpendWindow, buckets: Buckets, wanted: bigint): string | null {
  let freed = 0n;
  for (const [bucket, amount] of buckets) {
    freed += amount;
    if (freed >= wanted) return freedAt(window, bucket);
  }
  return null;
}

type LimitLeft = {
  limit: string | null;
  scope: 'wallet' | 'asset' | null;
  used: string;
  left: string | null;
  freesAt: string | null;
};

export type LimitsLeft = { perTransaction: Pick<LimitLeft, 'limit' | 'scope'> } & {
  [Window in SpendWindow]: LimitLeft;
};

/** What is left of each limit at a time. `freesAt`: when the oldest of what is used leaves the window. */
export function limitsLeft({ wallet, asset }: Spender, at: string): LimitsLeft {
  const once = limitInForce('perTransaction', wallet, asset);
  return {
    perTransaction: { limit: once?.limit.toString() ?? null, scope: once?.scope ?? null },
    day: leftIn('day', { wallet, asset }, at),
    week: leftIn('week', { wallet, asset }, at),
    month: leftIn('month', { wallet, asset }, at),
  };
}

function leftIn(window: SpendWindow, { wallet, asset }: Spender, at: string): LimitLeft {
  const inForce = limitInForce(window, wallet, asset);
  const buckets = wallet === null ? [] : countingAt(wallet.counted, window, at);
  const used = sumOf(buckets);
  const [oldest] = buckets;
  const left = inForce === null ? null : inForce.limit > used ? inForce.limit - used : 0n;
  return {
    limit: inForce?.limit.toString() ?? null,
    scope: inForce?.scope ?? null,
    used: used.toString(),
    left: left?.toString() ?? null,
    freesAt: oldest === undefined ? null : freedAt(window, oldest[0]),
  };
}

export function hasAny(limits: SpendLimits | null): limits is SpendLimits {
  return limits !== null && SPEND_LIMITS.some((name) => limits[name] !== null);
}

/** Members in this order, as answers show them. */
export function spelled(limits: SpendLimits): SpelledLimits {
  const { perTransaction, day, week, month } = limits;
  return {
    perTransaction: perTransaction?.toString() ?? null,
    day: day?.toString() ?? null,
    week: week?.toString() ?? null,
    month: month?.toString() ?? null,
  };
}

/** Of a request too, where what is absent is none. */
export function parsedLimits(limits: {
  readonly [Name in keyof SpelledLimits]?: string | null | undefined;
}): SpendLimits {
  const amount = (text: string | null | undefined) => (text ? BigInt(text) : null);
  return {
    perTransaction: amount(limits.perTransaction),
    day: amount(limits.day),
    week: amount(limits.week),
    month: amount(limits.month),
  };
}

/** As the column `limits` of an asset has it: canonical JSON. */
export function limitsText(limits: SpendLimits): string {
  return canonicalJson(spelled(limits));
}

export function limitsOfText(text: string): SpendLimits {
  return parsedLimits(JSON.parse(text) as SpelledLimits);
}

type StoredWalletLimits = {
  overdraft: string;
  limits: SpelledLimits;
  counted: { [Window in SpendWindow]: [string, string][] };
};

/** As the column `limits` of a wallet has it: canonical JSON. */
export function walletLimitsText({ overdraft, limits, counted }: WalletLimits): string {
  const stored: StoredWalletLimits = {
    overdraft: overdraft.toString(),
    limits: spelled(limits),
    counted: { day: written(counted.day), week: written(counted.week), month: written(counted.month) },
  };
  return canonicalJson(stored);
}

function written(buckets: Buckets): [string, string][] {
  return buckets.map(([bucket, amount]) => [bucket.toString(), amount.toString()]);
}

export function walletLimitsOfText(text: string): WalletLimits {
  const { overdraft, limits, counted } = JSON.parse(text) as StoredWalletLimits;
  const read = (buckets: [string, string][]): Buckets =>
    buckets.map(([bucket, amount]) => [Number.parseInt(bucket, 10), BigInt(amount)]);
  return {
    overdraft: BigInt(overdraft),
    limits: parsedLimits(limits),
    counted: { day: read(counted.day), week: read(counted.week), month: read(counted.month) },
  };
}
