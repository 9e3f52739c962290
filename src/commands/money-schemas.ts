/** What may be asked about money: movements, holds and what takes them back. See schemas.ts for the rest. */
import { z } from 'zod';
import { faultOfTerms } from './exchange-terms.ts';
import {
  amountSchema,
  assetSlug,
  idSchema,
  metadata,
  personalMetadata,
  rateSchema,
  reason,
  reference,
  timeSchema,
} from './fields.ts';

const MAX_POSTINGS = 100;
const MAX_HOLD_SECONDS = 366 * 24 * 3600;

const moneyFields = { assetSlug, amount: amountSchema, reference, metadata, personalMetadata };

function personalNamesExist(body: {
  metadata?: Record<string, string> | null | undefined;
  personalMetadata?: string[] | undefined;
}): boolean {
  return (body.personalMetadata ?? []).every((name) => Object.hasOwn(body.metadata ?? {}, name));
}

const personalNamesExistFault = { path: ['personalMetadata'], error: 'must name pairs of metadata' };

export const moneyBody = z
  .strictObject({ userId: idSchema, ...moneyFields })
  .refine(personalNamesExist, personalNamesExistFault);

export const MAX_LOT_DAYS = 3_660;

/** A bonus may have an end: a time, or so many days from now. */
export const bonusBody = z
  .strictObject({
    userId: idSchema,
    ...moneyFields,
    expiresAt: timeSchema
      .optional()
      .meta({
        description: `When what is left of it goes back: in the future, at most ${MAX_LOT_DAYS} days from now. Default: never.`,
        examples: ['2031-01-01T00:00:00.000Z'],
      }),
    expiresInDays: z
      .int()
      .min(1)
      .max(MAX_LOT_DAYS)
      .optional()
      .meta({ description: 'The same, as days of 24 hours from now.', examples: [30] }),
  })
  .refine(personalNamesExist, personalNamesExistFault)
  .refine((body) => body.expiresAt === undefined || body.expiresInDays === undefined, {
    path: ['expiresInDays'],
    error: 'cannot be combined with expiresAt',
  });

export const transferBody = z
  .strictObject({ fromUserId: idSchema, toUserId: idSchema, ...moneyFields })
  .refine(personalNamesExist, personalNamesExistFault)
  .refine((body) => body.fromUserId !== body.toUserId, {
    path: ['toUserId'],
    error: 'must not be the same user as fromUserId',
  });

export const exchangeBody = z
  .strictObject({
    userId: idSchema,
    fromAsset: assetSlug.meta({ description: 'What the user pays with.', examples: ['gold_coins'] }),
    toAsset: assetSlug.meta({ description: 'What the user gets.', examples: ['diamonds'] }),
    amount: amountSchema,
    rate: rateSchema.optional(),
    toAmount: amountSchema
      .optional()
      .meta({
        description: 'What the user gets, in place of a rate. Give exactly one of rate and toAmount.',
        examples: ['25'],
      }),
    ...{ reference, metadata, personalMetadata },
  })
  .refine(personalNamesExist, personalNamesExistFault)
  .refine(({ fromAsset, toAsset }) => fromAsset !== toAsset, {
    path: ['toAsset'],
    error: 'must be another than fromAsset',
  })
  .superRefine((body, context) => {
    const fault = faultOfTerms(body);
    if (fault !== null) context.addIssue({ code: 'custom', path: [fault.path], message: fault.message });
  });

/** A user, or a system account by its name; an account is opened when it is first used. */
const party = z
  .union([
    z.strictObject({ userId: idSchema }),
    z.strictObject({
      system: z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,31}$/, 'must be a letter a-z, then up to 31 of a-z, 0-9 and _')
        .meta({ description: 'The name of a system account.', examples: ['revenue'] }),
    }),
  ])
  .meta({ description: '{userId} or {system}', examples: [{ system: 'revenue' }] });

export type Party = z.output<typeof party>;

export function isSameParty(one: Party, other: Party): boolean {
  if ('userId' in one) return 'userId' in other && one.userId === other.userId;
  return 'system' in other && one.system === other.system;
}

const postingBody = z
  .strictObject({ from: party, to: party, assetSlug, amount: amountSchema })
  .refine(({ from, to }) => !isSameParty(from, to), {
    path: ['to'],
    error: 'must be another than the payer',
  });

/** Types that the service gives itself. */
const OWN_TYPES = new Set([
  'topup',
  'spend',
  'bonus',
  'transfer',
  'hold',
  'capture',
  'release',
  'reversal',
  'expiry',
  'exchange',
]);

export const POSTINGS_TYPE = 'postings';

export const postingsBody = z.strictObject({
  postings: z
    .array(postingBody)
    .min(1)
    .max(MAX_POSTINGS)
    .meta({ description: `1 to ${MAX_POSTINGS}, done in their order, all or none.` }),
  type: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/, 'must be a letter a-z, then up to 31 of a-z, 0-9 and _')
    .refine((type) => !OWN_TYPES.has(type), 'is a type that the service gives itself')
    .optional()
    .meta({ description: `Your own name for this kind of transaction. Default ${POSTINGS_TYPE}.` }),
  reference,
  metadata,
});

export const holdBody = z.strictObject({
  userId: idSchema,
  assetSlug,
  amount: amountSchema,
  expiresInSeconds: z
    .int()
    .min(1)
    .max(MAX_HOLD_SECONDS)
    .optional()
    .meta({ description: 'When what is left is released by itself. Default: never.', examples: [900] }),
  reference,
});

export const captureBody = z.strictObject({
  amount: amountSchema.optional().meta({ description: 'Default: all that is left.' }),
  final: z
    .boolean()
    .optional()
    .meta({ description: 'true, the default: the rest is released. false: more may be captured later.' }),
  to: party.optional().meta({ description: 'Who is paid. Default: the treasury.' }),
});

export const releaseBody = z.strictObject({});

export const reversalBody = z.strictObject({
  amount: amountSchema
    .optional()
    .meta({ description: 'Default: all that is left of the original. Only where that is one posting.' }),
  reason,
  force: z
    .boolean()
    .optional()
    .meta({ description: 'Take back what is not there: the balance goes below zero. For administrators.' }),
});

export type MoneyCommand = { readonly kind: 'topup' | 'spend' } & z.output<typeof moneyBody>;
export type BonusCommand = { readonly kind: 'bonus' } & z.output<typeof bonusBody>;
export type TransferCommand = { readonly kind: 'transfer' } & z.output<typeof transferBody>;
export type ExchangeCommand = { readonly kind: 'exchange' } & z.output<typeof exchangeBody>;
export type PostingsCommand = { readonly kind: 'postings' } & z.output<typeof postingsBody>;
export type HoldCommand = { readonly kind: 'hold' } & z.output<typeof holdBody>;
export type CaptureCommand = { readonly kind: 'capture'; readonly holdId: string } & z.output<
  typeof captureBody
>;
export type ReleaseCommand = { readonly kind: 'release'; readonly holdId: string };
/** Of the service itself, when the time has come. */
export type ExpireHoldCommand = { readonly kind: 'hold.expire'; readonly holdId: string };
/** Of the service itself, when the time has come: what is left of a lot goes back to who gave it. */
export type ExpireLotCommand = { readonly kind: 'lot.expire'; readonly lotId: string };
export type ReversalCommand = { readonly kind: 'reversal'; readonly transactionId: string } & z.output<
  typeof reversalBody
>;

export type MovingCommand =
  | MoneyCommand
  | BonusCommand
  | TransferCommand
  | ExchangeCommand
  | PostingsCommand
  | HoldCommand
  | CaptureCommand
  | ReleaseCommand
  | ExpireHoldCommand
  | ExpireLotCommand
  | ReversalCommand;
