/**
 * What events are made of: amounts, owners, postings, shares of lots, holds, schedules. Like the events themselves these are
 * never edited: what is stored has to parse for ever.
 */
import { z } from 'zod';
import { AMOUNT, AMOUNT_OR_ZERO } from '../money.ts';
import { RATE } from '../rate.ts';
import { SPEND_WINDOWS } from './spend-limits.ts';

export const id = z.uuid();
export const slug = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/);
const systemName = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/);
export const amount = z.string().regex(AMOUNT);
export const amountOrZero = z.string().regex(AMOUNT_OR_ZERO);
export const balance = z.string().regex(/^(?:0|-?[1-9][0-9]{0,37})$/);
export const scale = z.string().regex(/^(?:[0-9]|1[0-8])$/);
export const time = z.iso.datetime({ precision: 3 });
export const digest = z.string().regex(/^[0-9a-f]{64}$/);
export const reason = z.string().nullable();
export const userStatus = z.enum(['ACTIVE', 'BANNED']);
const freezeStatus = z.enum(['ACTIVE', 'FROZEN']);
const metadata = z.record(z.string(), z.string()).nullable();
const personalMetadata = z.record(z.string(), digest).optional();

/** A user's wallet or one of the named accounts of the system, such as the treasury. */
export const owner = z.union([z.strictObject({ userId: id }), z.strictObject({ system: systemName })]);

/** Lots of one wallet that a movement takes from, or gives back to. */
export const MAX_OPEN_LOTS = 500;

/** What a lot has to do with a movement: the rest of the amount is plain balance. */
export const lotShares = z
  .array(z.strictObject({ lotId: id, amount }))
  .min(1)
  .max(MAX_OPEN_LOTS);

/** When the lots that an event of a hold names end, by their ids: only to be shown. */
export const lotEnds = z.record(id, time).optional();

/** One side of a posting: the wallet and its balance right after this posting, and the lots it touches. */
const side = z.strictObject({ walletId: id, balanceAfter: balance, lots: lotShares.optional() });

/** Money that moves from one wallet to another: leg 2i takes it from `from`, leg 2i + 1 gives it to `to`. */
export const posting = z.strictObject({ asset: slug, amount, from: side, to: side });

const assetShown = z.strictObject({ slug, name: z.string(), scale, status: freezeStatus });

/**
 * What an exchange gives for an amount: toAmount = amount * numerator / denominator, rounded down. The fraction is in
 * lowest terms; `rate` is the decimal that was asked for, null where it was toAmount, which then is exact.
 */
export const exchange = z.strictObject({
  fromAsset: slug,
  toAsset: slug,
  amount,
  toAmount: amount,
  rate: z.string().regex(RATE).nullable(),
  numerator: amount,
  denominator: amount,
  rounding: z.literal('down'),
});

/** Spend limits as they hold from then on; null: none. */
export const spendLimits = z.strictObject({
  perTransaction: amountOrZero.nullable(),
  day: amountOrZero.nullable(),
  week: amountOrZero.nullable(),
  month: amountOrZero.nullable(),
});

/** An asset as answers show it; limits only where it has any. */
export const assetAfter = {
  assetId: id,
  slug,
  name: z.string(),
  scale,
  supplyCap: amountOrZero.nullable(),
  status: freezeStatus,
};

/** A wallet as answers show it. */
export const walletAfter = {
  walletId: id,
  owner,
  asset: assetShown,
  balance,
  held: amountOrZero,
  status: freezeStatus,
};

/** What a transaction was asked for; a refused one has no postings, only the request and the figures. */
export const transactionRequest = {
  type: z.string(),
  asset: slug.nullable(),
  userId: id.nullable(),
  toUserId: id.optional(),
  amount: amount.nullable(),
  reference: z.string().nullable(),
  metadata,
  personalMetadata,
  /** Fields of the request that are shown nowhere else, as they were sent. */
  asked: z.record(z.string(), z.string().nullable()).optional(),
};

/**
 * A hold as an event leaves it. What is held of it is amount - captured while it is open; of one that was closed the
 * rest is free again. Its id is that of the event that placed it.
 */
export const hold = z.strictObject({
  holdId: id,
  walletId: id,
  userId: id,
  asset: slug,
  amount,
  captured: amountOrZero,
  remaining: amountOrZero,
  status: z.enum(['open', 'captured', 'released', 'expired']),
  expiresAt: time.nullable(),
  reference: z.string().nullable(),
  /** What it reserves of lots, the earliest to expire first. */
  lots: lotShares.optional(),
  /** When it was counted as spent, and in which windows; absent where there were no limits. */
  counted: z.strictObject({ at: time, windows: z.array(z.enum(SPEND_WINDOWS)).min(1) }).optional(),
});

/** What JSON can say without numbers. */
type Plain = string | boolean | null | Plain[] | { [name: string]: Plain };
const plain: z.ZodType<Plain> = z.lazy(() =>
  z.union([z.string(), z.boolean(), z.null(), z.array(plain), z.record(z.string(), plain)]),
);

/** A command that waits for its time. Its id is that of the event that created it. */
export const schedule = z.strictObject({
  scheduleId: id,
  /** Which command, as a batch names it. */
  type: z.string(),
  executeAt: time,
  /** Whose money it is about; null where several users' is. */
  userId: id.nullable(),
  /** Its fields as a batch has them, but numbers as digits, and without what is personal. */
  command: z.record(z.string(), plain),
  personalMetadata,
});
