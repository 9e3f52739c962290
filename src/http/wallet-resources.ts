/** What answers tell of how a wallet came to its balance. */
import { z } from 'zod';
import { walletLimitsFields } from './limit-resources.ts';
import {
  amount,
  balance,
  digits,
  metadata,
  position,
  reference,
  time,
  transactionType,
  uuid,
} from './scalars.ts';
import { hold } from './transaction-resources.ts';

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

export const explanation = z
  .object({
    walletId: uuid,
    position: position.meta({ description: 'The position explained; 0 is before the first event.' }),
    opening: balance.meta({
      description: 'The balance before what is accounted for: 0 unless `since` is told.',
    }),
    movements: z
      .array(z.object({ type: transactionType, count: digits, credits: amount, debits: amount }))
      .meta({ description: 'Totals by type of transaction, from the opening on.' }),
    balance,
    holds: z.array(hold).meta({ description: 'Those open at that position, the oldest first; at most 500.' }),
    holdCount: digits.meta({ description: 'How many are open, those not shown included.' }),
    held: amount,
    lots: z
      .array(z.object({ lotId: uuid, amount, remaining: amount, reserved: amount, expiresAt: time }))
      .meta({ description: 'Expiring bonuses with something left, the earliest to end first.' }),
    available: balance,
    limits: z
      .object(walletLimitsFields)
      .optional()
      .meta({
        description:
          'Overdraft and limits as they are now; left out where there are none, and of an explanation of the past.',
      }),
    since: position
      .optional()
      .meta({ description: 'Of a long history: the position of the oldest line that is accounted for.' }),
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
