/**
 * What answers look like, for the OpenAPI document and the tests that hold every answer to it. An `id` makes a
 * schema a component of the document.
 */
import { z } from 'zod';
import { overdraft, spendLimits } from './limit-resources.ts';
import { amount, balance, digits, position, slug, time, transactionType, uuid, written } from './scalars.ts';

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

const date = z.iso.date().meta({ description: 'A day in UTC.', examples: ['2026-01-01'] });

export const dailyBalance = z
  .object({ date, balance, held: amount })
  .meta({ id: 'DailyBalance', description: 'At the end of the day; of today, now.' });

export const dailyActivity = z
  .object({
    date,
    circulation: balance.meta({ description: 'At the end of the day; of today, now.' }),
    types: z
      .record(z.string(), z.object({ count: digits, volume: amount }))
      .meta({ description: 'By type of transaction, those that were posted.' }),
  })
  .meta({ id: 'DailyActivity' });

export const trialBalance = z
  .object({
    position,
    assets: z.array(z.object({ asset: slug, sum: balance, circulation: balance, wallets: digits })),
  })
  .meta({ id: 'TrialBalance' });

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), nextCursor: z.string().nullable() });
}
