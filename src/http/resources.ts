/**
 * What answers look like, for the OpenAPI document and the tests that hold every answer to it. An `id` makes a
 * schema a component of the document.
 */
import { z } from 'zod';
import { limitsOfWallet, overdraft, spendLimits, walletLimitsFields } from './limit-resources.ts';
import { amount, balance, digits, position, time, uuid } from './scalars.ts';

const slug = z.string().meta({ examples: ['gold_coins'] });
const transactionType = z.string().meta({ examples: ['topup'] });
const reference = z
  .string()
  .nullable()
  .meta({ examples: ['order-1001'] });
const metadata = z
  .record(z.string(), z.string())
  .nullable()
  .meta({ examples: [{ order: 'A-1001' }] });

const written = { position, recordedAt: time };

const userFields = z.object({
  id: uuid,
  email: z.string().meta({ examples: ['alice@example.com'] }),
  status: z.enum(['ACTIVE', 'BANNED']),
  createdAt: time,
});
export const user = userFields.meta({ id: 'User' });
export const writtenUser = userFields.extend(written).meta({ id: 'WrittenUser' });

export const erasedUser = userFields
  .extend({ email: z.null(), status: z.literal('ERASED'), ...written })
  .meta({ id: 'ErasedUser' });

const assetFields = z.object({
  id: uuid,
  slug,
  name: z.string().meta({ examples: ['Gold coins'] }),
  scale: z.int().meta({ description: 'How many decimals a display shows.', examples: [0] }),
  status: z.enum(['ACTIVE', 'FROZEN']),
  supplyCap: amount.nullable().meta({ description: 'Null: no bound.' }),
  limits: spendLimits.optional().meta({ description: 'Of each wallet; left out where there are none.' }),
});
export const asset = assetFields.meta({ id: 'Asset' });
export const writtenAsset = assetFields.extend(written).meta({ id: 'WrittenAsset' });

const walletFields = z.object({
  id: uuid,
  userId: uuid.nullable(),
  system: z.string().nullable().meta({ description: 'The name of a system account, such as treasury.' }),
  asset: assetFields.pick({ slug: true, name: true, scale: true, status: true }),
  balance,
  held: amount,
  available: balance,
  status: z.enum(['ACTIVE', 'FROZEN']),
  overdraft: overdraft
    .optional()
    .meta({ description: 'How far below zero it may go; left out where it may not.' }),
  limits: spendLimits.optional().meta({ description: "The wallet's own; left out where there are none." }),
});
export const wallet = walletFields.meta({ id: 'Wallet' });
export const writtenWallet = walletFields.extend(written).meta({ id: 'WrittenWallet' });

export const balanceAnswer = z
  .object({
    balance,
    asset: slug,
    userId: uuid,
    held: amount,
    available: balance,
    walletId: uuid.nullable().meta({ description: 'Null while the user has no wallet in this asset.' }),
    position: position.meta({ description: 'Where the balance holds.' }),
    expiring: z
      .array(z.object({ amount, at: time }))
      .optional()
      .meta({
        description:
          'What of the balance goes back and when, the earliest first: at most 100 times. Left out for a point in time.',
      }),
  })
  .meta({ id: 'Balance' });

const entry = z
  .object({
    walletId: uuid,
    direction: z.enum(['DEBIT', 'CREDIT']),
    amount,
    asset: z.string().optional().meta({ description: 'Where a transaction has several postings.' }),
    balanceAfter: balance,
    lots: z
      .array(z.object({ lotId: uuid, amount }))
      .optional()
      .meta({
        description: 'What of it came out of expiring bonuses, or went into them. The rest is plain.',
      }),
  })
  .meta({ id: 'Entry' });

const exchangeFields = {
  fromAsset: slug.optional().meta({ description: 'Of an exchange: what is paid with, as `asset` is.' }),
  toAsset: slug.optional().meta({ description: 'Of an exchange: what is got.' }),
  toAmount: amount.optional().meta({ description: 'Of an exchange: how much of it.' }),
  toBalanceAfter: balance.nullish().meta({ description: 'Of an exchange: of toAsset; null if declined.' }),
  rate: z.string().nullish().meta({ description: 'Of an exchange: as sent; null where toAmount was.' }),
  exactRate: z.object({ numerator: amount, denominator: amount }).optional(),
  rounding: z.literal('down').optional().meta({ description: 'Of an exchange: how toAmount is rounded.' }),
};

const transactionFields = {
  transactionId: uuid,
  type: transactionType,
  asset: slug.nullable(),
  userId: uuid.nullable(),
  amount: amount.nullable(),
  balanceAfter: balance.nullable(),
  entries: z.array(entry),
  position,
  recordedAt: time,
  reference,
  metadata,
  toUserId: uuid.optional().meta({ description: 'Of a transfer.' }),
  ...exchangeFields,
  holdId: uuid.optional().meta({ description: 'Of a capture.' }),
  scheduleId: uuid
    .optional()
    .meta({
      description: 'Of what was scheduled, when it is looked up by its id, and of a declined cancel.',
    }),
  reverses: uuid.optional().meta({ description: 'Of a reversal: the transaction that it takes back.' }),
  reason: z.string().nullable().optional().meta({ description: 'Of a reversal.' }),
  expiresAt: time
    .nullable()
    .optional()
    .meta({ description: 'Of a bonus that ends: when what is left of it goes back.' }),
  expires: uuid.nullable().optional().meta({ description: 'Of an expiry: the bonus that has ended.' }),
};

export const lot = z
  .object({
    lotId: uuid.meta({ description: 'The transactionId of the bonus.' }),
    walletId: uuid,
    amount,
    remaining: amount,
    reserved: amount.meta({ description: 'What holds reserve of what remains: it stays until they end.' }),
    spent: amount,
    expired: amount,
    status: z.enum(['open', 'spent', 'expired']),
    expiresAt: time,
  })
  .meta({ id: 'Lot' });

export const postedTransaction = z
  .object({ ...transactionFields, status: z.literal('posted') })
  .meta({ id: 'PostedTransaction' });

const figure = z.union([z.string(), z.array(z.string()), z.null()]);

export const transaction = z
  .object({
    ...transactionFields,
    status: z.enum(['posted', 'rejected']),
    rejection: z
      .object({ code: z.string(), detail: z.string(), figures: z.record(z.string(), figure) })
      .optional()
      .meta({ description: 'Of a declined attempt: why, with the figures seen under the lock.' }),
    reversals: z
      .array(z.object({ transactionId: uuid, amount: amount.nullable(), position, recordedAt: time }))
      .optional()
      .meta({ description: 'Of a transaction that was reversed, when it is looked up by its id.' }),
    reversedAmount: amount
      .nullable()
      .optional()
      .meta({ description: 'What was reversed so far; null where there are several postings.' }),
  })
  .meta({ id: 'Transaction' });

const holdFields = z.object({
  holdId: uuid,
  walletId: uuid,
  userId: uuid,
  asset: slug,
  amount,
  captured: amount,
  remaining: amount.meta({ description: 'What is held of it now.' }),
  status: z.enum(['open', 'captured', 'released', 'expired']),
  expiresAt: time.nullable(),
  reference,
});
export const hold = holdFields.meta({ id: 'Hold' });
export const writtenHold = holdFields.extend(written).meta({ id: 'WrittenHold' });
export const capturedHold = holdFields
  .extend({
    ...written,
    transactionId: uuid.meta({ description: 'GET /transactions/{id} shows what moved.' }),
  })
  .meta({ id: 'CapturedHold' });

const scheduleFields = z.object({
  scheduleId: uuid,
  status: z
    .enum(['scheduled', 'executed', 'failed', 'cancelled'])
    .meta({ description: '`failed`: at its time it was declined, or what it named was not there.' }),
  type: z.string().meta({ description: 'The command, as a batch names it.', examples: ['spend'] }),
  executeAt: time,
  userId: uuid.nullable().meta({ description: 'Whose money it is about; null for postings.' }),
  command: z
    .record(z.string(), z.unknown())
    .meta({ description: 'The fields of the command, as a batch has them.', examples: [{ amount: '100' }] }),
  result: z
    .object({
      outcome: z.enum(['posted', 'rejected', 'failed']),
      transactionId: uuid.nullable(),
      holdId: uuid.nullable(),
      code: z.string().nullable().meta({ description: 'Why it was declined, or failed.' }),
      detail: z.string().nullable(),
      position,
      recordedAt: time,
    })
    .nullable()
    .meta({ description: 'What came of it; null until its time.' }),
  reason: z.string().nullable().meta({ description: 'Why it was cancelled.' }),
});
export const schedule = scheduleFields.meta({ id: 'Schedule' });
export const writtenSchedule = scheduleFields.extend(written).meta({ id: 'WrittenSchedule' });

export const dryRunAnswer = z
  .looseObject({
    dryRun: z.literal(true),
    position: z.null(),
    recordedAt: z.null(),
    limits: z
      .array(limitsOfWallet)
      .optional()
      .meta({ description: 'Of the users that pay: what would be left of limits, where any are in force.' }),
  })
  .meta({
    id: 'DryRun',
    description: 'The answer as it would be now, without the id, position and time that it does not have.',
  });

export const batchAnswer = z
  .object({
    results: z
      .array(
        z.object({
          status: z.int().meta({ description: 'As HTTP has it: 201 is done.', examples: [201] }),
          body: z.record(z.string(), z.unknown()).meta({ description: 'The answer or the problem.' }),
        }),
      )
      .meta({ description: 'One for each command, in their order.' }),
  })
  .meta({ id: 'BatchResults' });

export const explanation = z
  .object({
    walletId: uuid,
    position: position.meta({ description: 'The position explained; 0 is before the first event.' }),
    opening: balance,
    movements: z
      .array(z.object({ type: transactionType, count: digits, credits: amount, debits: amount }))
      .meta({ description: 'Totals by type of transaction, from the first entry on.' }),
    balance,
    holds: z.array(hold).meta({ description: 'Those open at that position, the oldest first; at most 500.' }),
    holdCount: digits.meta({ description: 'How many are open, those not shown included.' }),
    held: amount,
    lots: z
      .array(z.object({ lotId: uuid, amount, remaining: amount, expiresAt: time }))
      .meta({ description: 'Expiring bonuses with something left, the earliest to end first.' }),
    available: balance,
    limits: z
      .object(walletLimitsFields)
      .optional()
      .meta({
        description:
          'Overdraft and limits as they are now; left out where there are none, and of an explanation of the past.',
      }),
  })
  .meta({ id: 'Explanation' });

export const historyLine = z
  .object({
    position,
    transactionId: uuid,
    type: transactionType,
    direction: z.enum(['CREDIT', 'DEBIT']),
    amount,
    balanceAfter: balance,
    counterparty: z.union([z.object({ userId: uuid }), z.object({ system: z.string() })]).nullable(),
    reference,
    metadata,
    recordedAt: time,
  })
  .meta({ id: 'HistoryLine' });

export const event = z
  .object({
    position,
    id: uuid,
    type: z.string().meta({ examples: ['transaction.posted'] }),
    version: z.int(),
    occurredAt: time,
    recordedAt: time,
    actor: z.string(),
    idempotencyKey: z.string().nullable(),
    correlationId: z.string().nullable(),
    relatedId: uuid.nullable(),
    data: z
      .record(z.string(), z.unknown())
      .meta({ description: 'What happened, in the words of its type and version.' }),
  })
  .meta({ id: 'Event' });

export const eventPage = z.object({ data: z.array(event), nextAfter: position }).meta({ id: 'EventPage' });

const activity = z
  .object({
    at: time.meta({ description: 'Where the hour or day begins.' }),
    type: transactionType,
    posted: digits,
    volume: amount,
    rejected: digits,
  })
  .meta({ id: 'Activity' });

export const activityList = z.object({ data: z.array(activity) }).meta({ id: 'ActivityList' });

export const trialBalance = z
  .object({
    position,
    assets: z.array(z.object({ asset: slug, sum: balance, circulation: balance, wallets: digits })),
  })
  .meta({ id: 'TrialBalance' });

export const rememberedKey = z
  .object({
    status: z.int().meta({ description: 'The HTTP status that was answered.' }),
    position,
    outcome: z.record(z.string(), z.unknown()).meta({ description: 'The body that was answered.' }),
  })
  .meta({ id: 'RememberedKey' });

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), nextCursor: z.string().nullable() });
}
