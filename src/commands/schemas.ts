/**
 * What may be asked, as zod schemas of the request bodies: strict objects, so that an unknown field is an error
 * and not a silent loss. Defaults are not applied here: the fingerprint is taken over the body as sent.
 */
import { z } from 'zod';
import { amountOrZeroSchema, emailSchema, idSchema, reason, slugSchema, text } from './fields.ts';
import type { MovingCommand } from './money-schemas.ts';
import type { ScheduleCommand } from './schedule-schemas.ts';

export const registerUserBody = z.strictObject({ email: emailSchema, id: idSchema.optional() });

export const userStatusBody = z.strictObject({ status: z.enum(['BANNED', 'ACTIVE']), reason });

export const eraseUserBody = z.strictObject({
  reason: reason.meta({
    description: 'Stays in the log for ever: nothing personal belongs here.',
    examples: ['request 4711'],
  }),
});

export const createAssetBody = z.strictObject({
  slug: slugSchema,
  name: text(1, 100)
    .optional()
    .meta({ description: 'Default: the slug.', examples: ['Gold coins'] }),
  scale: z
    .int()
    .min(0)
    .max(18)
    .optional()
    .meta({ description: 'How many decimals a display shows; amounts are minor units always. Default 0.' }),
  supplyCap: amountOrZeroSchema
    .nullable()
    .optional()
    .meta({ description: 'The most that may ever be in circulation. Default: no bound.' }),
});

export const overdraftBody = z.strictObject({
  limit: amountOrZeroSchema.meta({
    description: 'How far below zero the wallet may be taken, in minor units; "0" removes the overdraft.',
    examples: ['500'],
  }),
});

const spendLimit = (what: string) =>
  amountOrZeroSchema
    .nullable()
    .optional()
    .meta({ description: `The most ${what}; "0": nothing. Absent or null: no limit.`, examples: ['1000'] });

export const spendLimitsBody = z
  .strictObject({
    perTransaction: spendLimit('that one command may take from a wallet'),
    day: spendLimit('that may be spent of a wallet in any 24 hours'),
    week: spendLimit('that may be spent of a wallet in any 7 days'),
    month: spendLimit('that may be spent of a wallet in any 30 days'),
  })
  .refine((limits) => Object.values(limits).some((limit) => limit !== undefined), {
    error: 'must name a limit, if only with null for none: what is not named is none from now on',
  });

export const freezeStatusBody = z.strictObject({ status: z.enum(['FROZEN', 'ACTIVE']), reason });

type RegisterUser = { readonly kind: 'user.register' } & z.output<typeof registerUserBody>;
type SetUserStatus = { readonly kind: 'user.status'; readonly userId: string } & z.output<
  typeof userStatusBody
>;
export type EraseUserCommand = { readonly kind: 'user.erase'; readonly userId: string } & z.output<
  typeof eraseUserBody
>;
type CreateAsset = { readonly kind: 'asset.create' } & z.output<typeof createAssetBody>;
type SetAssetStatus = { readonly kind: 'asset.status'; readonly slug: string } & z.output<
  typeof freezeStatusBody
>;
type SetWalletStatus = { readonly kind: 'wallet.status'; readonly walletId: string } & z.output<
  typeof freezeStatusBody
>;
export type SetOverdraft = { readonly kind: 'wallet.overdraft'; readonly walletId: string } & z.output<
  typeof overdraftBody
>;
export type SetWalletLimits = { readonly kind: 'wallet.limits'; readonly walletId: string } & z.output<
  typeof spendLimitsBody
>;
export type SetAssetLimits = { readonly kind: 'asset.limits'; readonly slug: string } & z.output<
  typeof spendLimitsBody
>;

export type Command =
  | RegisterUser
  | SetUserStatus
  | EraseUserCommand
  | CreateAsset
  | SetAssetStatus
  | SetWalletStatus
  | SetOverdraft
  | SetWalletLimits
  | SetAssetLimits
  | MovingCommand
  | ScheduleCommand;

export type CommandName = Command['kind'];
