/**
 * What can happen, as facts in the past tense. Each event type has a schema of its current version;
 * older versions are lifted to it in upcast.ts, and a stored sample of every version is kept under
 * tests/events/samples and must parse for ever.
 *
 * `data` is canonical JSON without numbers (amounts, scales and balances are strings), and without
 * anything personal: an e-mail or a personal metadata field is represented by hmac(salt, value).
 */
import { z } from 'zod';
import {
  amount,
  amountOrZero,
  assetAfter,
  balance,
  digest,
  exchange,
  hold,
  id,
  lotEnds,
  lotShares,
  owner,
  posting,
  reason,
  scale,
  schedule,
  slug,
  spendLimits,
  time,
  transactionRequest,
  userStatus,
  walletAfter,
} from './parts.ts';

export const eventSchemas = {
  'user.registered': z.strictObject({ userId: id, email: digest }),
  'user.status_changed': z.strictObject({ userId: id, status: userStatus, reason, createdAt: time }),
  /**
   * Nothing personal is left beside the log. The reason is free text and stays: it must not name the person.
   * `createdAt` is when the user was registered.
   */
  'user.erased': z.strictObject({ userId: id, createdAt: time, reason }),
  'asset.created': z.strictObject({
    assetId: id,
    slug,
    name: z.string(),
    scale,
    supplyCap: amountOrZero.nullable(),
  }),
  'asset.status_changed': z.strictObject({ ...assetAfter, reason, limits: spendLimits.optional() }),
  /** What each wallet of the asset may spend. */
  'asset.limits_changed': z.strictObject({ ...assetAfter, limits: spendLimits }),
  'wallet.opened': z.strictObject({
    walletId: id,
    owner,
    assetId: id,
    asset: slug,
    floor: balance.nullable(),
  }),
  'wallet.status_changed': z.strictObject({
    ...walletAfter,
    reason,
    /** Only where there are any. */
    overdraft: amount.optional(),
    limits: spendLimits.optional(),
  }),
  /** How far below zero the wallet may be taken from then on; its spend limits are only shown. */
  'wallet.overdraft_changed': z.strictObject({
    ...walletAfter,
    overdraft: amountOrZero,
    limits: spendLimits.optional(),
  }),
  /** What the wallet may spend from then on; its overdraft is only shown. */
  'wallet.limits_changed': z.strictObject({
    ...walletAfter,
    overdraft: amount.optional(),
    limits: spendLimits,
  }),
  'transaction.posted': z.strictObject({
    ...transactionRequest,
    /** The transaction that this one takes back, wholly or in part. */
    reverses: id.optional(),
    reversedType: z.string().optional(),
    reason: z.string().nullable().optional(),
    /** The lot that this bonus opens. */
    lot: z.strictObject({ lotId: id, expiresAt: time }).optional(),
    /** The lot whose time is over. */
    expires: id.optional(),
    /** Of an exchange; its two postings take the one amount from the user and give the other. */
    exchange: exchange.optional(),
    postings: z.array(posting).min(1).max(1000),
  }),
  /** Reserves part of a balance: the entry has the amount 0 and says what is held after. */
  'hold.placed': z.strictObject({
    hold,
    expiresInSeconds: z.string().nullable(),
    heldAfter: amountOrZero,
    lotEnds,
  }),
  /** Pays out of a hold, and with `final` ends it: a transaction of one posting. */
  'hold.captured': z.strictObject({
    ...transactionRequest,
    postings: z.array(posting).length(1),
    final: z.boolean(),
    hold,
    heldAfter: amountOrZero,
    /** What it no longer reserves of lots, and did not pay out. */
    freed: lotShares.optional(),
    lotEnds,
  }),
  'hold.released': z.strictObject({
    hold,
    released: amountOrZero,
    heldAfter: amountOrZero,
    freed: lotShares.optional(),
    lotEnds,
  }),
  'hold.expired': z.strictObject({
    hold,
    released: amountOrZero,
    heldAfter: amountOrZero,
    freed: lotShares.optional(),
  }),
  'transaction.rejected': z.strictObject({
    ...transactionRequest,
    exchange: exchange.optional(),
    code: z.string(),
    detail: z.string(),
    figures: z.record(z.string(), z.union([z.string(), z.array(z.string()), z.null()])),
  }),
  'scheduled.created': z.strictObject({ schedule }),
  /** The time has come. What came of it, if it was recorded, is the event right before this one. */
  'scheduled.executed': z.strictObject({
    schedule,
    /** `rejected`: declined and recorded as that. `failed`: what it named is not there. */
    outcome: z.enum(['posted', 'rejected', 'failed']),
    transactionId: id.nullable(),
    holdId: id.nullable(),
    code: z.string().nullable(),
    detail: z.string().nullable(),
  }),
  'scheduled.cancelled': z.strictObject({ schedule, reason }),
} as const;

export type EventType = keyof typeof eventSchemas;
export type EventData<Type extends EventType> = z.infer<(typeof eventSchemas)[Type]>;
export type Owner = z.infer<typeof owner>;
export type Posting = z.infer<typeof posting>;
export type Hold = z.infer<typeof hold>;
export type LotShare = z.infer<typeof lotShares>[number];
export type ExchangeTerms = z.infer<typeof exchange>;
export type Schedule = z.infer<typeof schedule>;

/** The types whose events move money, and those that are transactions, declined ones included. */
export const POSTED_TYPES = ['transaction.posted', 'hold.captured'] as const;
export const TRANSACTION_TYPES = [...POSTED_TYPES, 'transaction.rejected'] as const;

/** The version that is written today, per type. */
export const currentVersion: { readonly [Type in EventType]: number } = {
  'user.registered': 1,
  'user.status_changed': 1,
  'user.erased': 1,
  'asset.created': 1,
  'asset.status_changed': 1,
  'asset.limits_changed': 1,
  'wallet.opened': 1,
  'wallet.status_changed': 1,
  'wallet.overdraft_changed': 1,
  'wallet.limits_changed': 1,
  'transaction.posted': 1,
  'transaction.rejected': 1,
  'hold.placed': 1,
  'hold.captured': 1,
  'hold.released': 1,
  'hold.expired': 1,
  'scheduled.created': 1,
  'scheduled.executed': 1,
  'scheduled.cancelled': 1,
};

/** What happened, before it has a place in the log. */
export type Fact = {
  [Type in EventType]: { readonly type: Type; readonly version: number; readonly data: EventData<Type> };
}[EventType];

/** A personal value beside the log: the event holds its digest, erasing the row erases the value. */
export type PersonalValue = {
  readonly subjectId: string;
  readonly field: string;
  readonly value: string;
  readonly salt: Uint8Array;
};

/** A fact with its identity, decided and about to be appended. */
export type NewEvent = Fact & {
  readonly id: string;
  readonly relatedId: string | null;
  readonly personal: readonly PersonalValue[];
};

/** An event as the log holds it, lifted to the current version. Times are RFC 3339 UTC with milliseconds. */
export type RecordedEvent = Fact & {
  readonly position: bigint;
  readonly id: string;
  readonly actor: string;
  readonly idempotencyKey: string | null;
  readonly correlationId: string | null;
  readonly relatedId: string | null;
  readonly occurredAt: string;
  readonly recordedAt: string;
};

export function isEventType(text: string): text is EventType {
  return Object.hasOwn(eventSchemas, text);
}

/** The owner column of a wallet: the user's id, or the name of a system account (never a UUID). */
export function ownerKey(of: Owner): string {
  return 'userId' in of ? of.userId : of.system;
}
