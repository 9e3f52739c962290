/** What answers tell of overdrafts and spend limits. */
import { z } from 'zod';
import { amount, time, uuid } from './scalars.ts';

export const overdraft = amount;

/** As they were set; null: none. */
export const spendLimits = z
  .object({
    perTransaction: amount.nullable(),
    day: amount.nullable(),
    week: amount.nullable(),
    month: amount.nullable(),
  })
  .meta({ id: 'SpendLimits', description: 'Null: no limit.' });

const limit = amount
  .nullable()
  .meta({ description: "The stricter of the wallet's own and its asset's; null: none." });
const scope = z.enum(['wallet', 'asset']).nullable().meta({ description: 'Whose limit that is.' });

const window = z
  .object({
    limit,
    scope,
    used: amount.meta({ description: 'What counts as spent now.' }),
    left: amount.nullable().meta({ description: 'What may still be spent; null: any amount.' }),
    freesAt: time
      .nullable()
      .meta({ description: 'When the oldest of what is used leaves the window; null: nothing is used.' }),
  })
  .meta({ id: 'LimitWindow' });

const left = { perTransaction: z.object({ limit, scope }), day: window, week: window, month: window };

/** What is left of the limits of one wallet. */
export const limitsOfWallet = z.object({ walletId: uuid, ...left }).meta({ id: 'LimitsLeft' });

export const walletLimitsFields = {
  overdraft: z.object({
    limit: amount.meta({ description: 'How far below zero the wallet may be taken.' }),
    used: amount.meta({ description: 'How far below zero it is, by force too.' }),
  }),
  ...left,
};

export const walletLimits = z.object({ walletId: uuid, ...walletLimitsFields }).meta({ id: 'WalletLimits' });
