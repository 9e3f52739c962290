/** What answers look like, for the OpenAPI document and the tests that hold every answer to it. */
import { z } from 'zod';

const digits = z.string().regex(/^(0|[1-9][0-9]*)$/);
const signedDigits = z.string().regex(/^(0|-?[1-9][0-9]*)$/);

export const uuid = z.uuid().meta({ examples: ['01998a6e-7c00-7000-8000-000000000001'] });
export const amount = digits.meta({ description: 'Minor units.', examples: ['100'] });
export const balance = signedDigits.meta({ description: 'Minor units; negative for the treasury.', examples: ['100'] });
export const position = digits.meta({ description: 'A place in the log, from 1 on.', examples: ['42'] });
export const time = z.iso.datetime({ precision: 3 }).meta({ examples: ['2026-01-01T00:00:00.000Z'] });
const metadata = z.record(z.string(), z.string()).nullable();

const written = { position, recordedAt: time };

export const user = z.object({
  id: uuid,
  email: z.string().nullable().meta({ examples: ['alice@example.com'] }),
  status: z.enum(['ACTIVE', 'BANNED']),
  createdAt: time,
});
export const writtenUser = user.extend(written);

export const asset = z.object({
  id: uuid,
  slug: z.string().meta({ examples: ['gold_coins'] }),
  name: z.string().meta({ examples: ['Gold coins'] }),
  scale: z.int(),
  status: z.enum(['ACTIVE', 'FROZEN']),
  supplyCap: amount.nullable(),
});
export const writtenAsset = asset.extend(written);

export const wallet = z.object({
  id: uuid,
  userId: uuid.nullable(),
  system: z.string().nullable().meta({ description: 'The name of a system account, such as treasury.' }),
  asset: asset.pick({ slug: true, name: true, scale: true, status: true }),
  balance,
  held: amount,
  available: balance,
  status: z.enum(['ACTIVE', 'FROZEN']),
});
export const writtenWallet = wallet.extend(written);

export const balanceAnswer = z.object({
  balance,
  asset: z.string().meta({ examples: ['gold_coins'] }),
  userId: uuid,
  held: amount,
  available: balance,
  walletId: uuid.nullable().meta({ description: 'Null while the user has no wallet in this asset.' }),
  position,
});

const entry = z.object({
  walletId: uuid,
  direction: z.enum(['DEBIT', 'CREDIT']),
  amount,
  asset: z.string().optional().meta({ description: 'Where a transaction has several postings.' }),
  balanceAfter: balance,
});

const transactionFields = {
  transactionId: uuid,
  type: z.string().meta({ examples: ['topup'] }),
  asset: z.string().nullable(),
  userId: uuid.nullable(),
  amount: amount.nullable(),
  balanceAfter: balance.nullable(),
  entries: z.array(entry),
  position,
  recordedAt: time,
  reference: z.string().nullable(),
  metadata,
  toUserId: uuid.optional(),
};

export const postedTransaction = z.object({ ...transactionFields, status: z.literal('posted') });

export const transaction = z.object({
  ...transactionFields,
  status: z.enum(['posted', 'rejected']),
  rejection: z
    .object({ code: z.string(), detail: z.string(), figures: z.record(z.string(), z.unknown()) })
    .optional()
    .meta({ description: 'Of a declined attempt: why, with the figures seen under the lock.' }),
});

export const historyLine = z.object({
  position,
  transactionId: uuid,
  type: z.string(),
  direction: z.enum(['CREDIT', 'DEBIT']),
  amount,
  balanceAfter: balance,
  counterparty: z.union([z.object({ userId: uuid }), z.object({ system: z.string() })]).nullable(),
  reference: z.string().nullable(),
  metadata,
  recordedAt: time,
});

export const event = z.object({
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
  data: z.record(z.string(), z.unknown()),
});

export const projectionStatus = z.object({
  name: z.string(),
  version: z.int(),
  position,
  headPosition: position,
  lagEvents: digits,
  lagMs: z.int(),
  state: z.enum(['live', 'catching_up', 'failed', 'outdated']),
  error: z.string().nullable(),
});

export const activity = z.object({
  at: time,
  type: z.string(),
  posted: digits,
  volume: amount,
  rejected: digits,
});

export const trialBalance = z.object({
  position,
  assets: z.array(z.object({ asset: z.string(), sum: balance, circulation: balance, wallets: digits })),
});

export const rememberedKey = z.object({
  status: z.int().meta({ description: 'The HTTP status that was answered.' }),
  position,
  outcome: z.record(z.string(), z.unknown()).meta({ description: 'The body that was answered.' }),
});

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), nextCursor: z.string().nullable() });
}
