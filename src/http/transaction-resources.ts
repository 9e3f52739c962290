/** What answers tell of money that moves, is held, or is to move later. */
import { z } from 'zod';
import { limitsOfWallet } from './limit-resources.ts';
import {
  amount,
  balance,
  metadata,
  position,
  reference,
  slug,
  time,
  transactionType,
  uuid,
  written,
} from './scalars.ts';

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
    expiries: z
      .array(z.object({ transactionId: uuid, amount, position, recordedAt: time }))
      .optional()
      .meta({ description: 'Of a bonus that ended with something left, when it is looked up by its id.' }),
    expiredAmount: amount.optional().meta({ description: 'How much of it went back so.' }),
  })
  .meta({ id: 'Transaction' });

const lotsOfHold = z.array(z.object({ lotId: uuid, amount, expiresAt: time.nullable() })).optional();
const freed = lotsOfHold.meta({ description: 'What it no longer reserves of expiring bonuses.' });

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
  lots: lotsOfHold.meta({
    description: 'What it reserves of expiring bonuses, the earliest to end first; the rest is plain.',
  }),
});
export const hold = holdFields
  .extend({ scheduleId: uuid.optional().meta({ description: 'Of one that was scheduled.' }) })
  .meta({ id: 'Hold' });
export const writtenHold = holdFields.extend({ ...written, freed }).meta({ id: 'WrittenHold' });
export const capturedHold = holdFields
  .extend({
    ...written,
    transactionId: uuid.meta({ description: 'GET /transactions/{id} shows what moved.' }),
    consumed: lotsOfHold.meta({ description: 'What was paid of expiring bonuses; the rest was plain.' }),
    freed,
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
