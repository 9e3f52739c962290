/**
 * What may be asked, as zod schemas of the request bodies: strict objects, so that an unknown field is an error
 * and not a silent loss. Defaults are not applied here: the fingerprint is taken over the body as sent.
 */
import { z } from 'zod';
import { faultOfAmount } from '../money.ts';
import { isStorableText } from '../text.ts';

const MAX_METADATA_PAIRS = 50;

const text = (minLength: number, maxLength: number) =>
  z.string().min(minLength).max(maxLength).refine(isStorableText, 'must not contain NUL or lone surrogates');

function money(options: { zeroAllowed: boolean }) {
  return z
    .string({
      error: (issue) =>
        typeof issue.input === 'number' || typeof issue.input === 'bigint'
          ? 'must be a string of digits, such as "100": JSON numbers lose precision'
          : 'must be a string of digits in minor units, such as "100"',
    })
    .superRefine((value, context) => {
      const fault = faultOfAmount(value, options);
      if (fault !== null) context.addIssue({ code: 'custom', message: fault });
    });
}

export const amountSchema = money({ zeroAllowed: false }).meta({
  description: 'Minor units: a string of 1 to 38 digits, more than 0, without sign or leading zeros.',
  pattern: '^[1-9][0-9]{0,37}$',
  examples: ['100'],
});

const amountOrZeroSchema = money({ zeroAllowed: true }).meta({
  description: 'Minor units: a string of 1 to 38 digits, without sign or leading zeros.',
  pattern: '^(0|[1-9][0-9]{0,37})$',
  examples: ['1000000'],
});

export const idSchema = z
  .uuid()
  .transform((id) => id.toLowerCase())
  .meta({ examples: ['01998a6e-7c00-7000-8000-000000000001'] });

export const slugSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    'must be 1 to 64 of a-z, 0-9, _ and -, and start with a letter or digit',
  )
  .meta({ examples: ['gold_coins'] });

const email = text(3, 254)
  .refine((value) => /^[^\s@]+@[^\s@]+$/.test(value.trim()), 'must be an e-mail address')
  .meta({ description: 'Trimmed and lower-cased.', examples: ['carol@example.com'] });

const reason = text(1, 500)
  .optional()
  .meta({ examples: ['chargeback under review'] });

const reference = text(1, 255)
  .nullable()
  .optional()
  .meta({ description: 'Your own name for the transaction; GET /transactions?reference= finds it.' });

const metadata = z
  .record(
    text(1, 64).refine((name) => name !== '__proto__', 'must not be __proto__'),
    text(0, 1000),
  )
  .refine((pairs) => Object.keys(pairs).length <= MAX_METADATA_PAIRS, `at most ${MAX_METADATA_PAIRS} pairs`)
  .nullable()
  .optional()
  .meta({ description: 'At most 50 pairs of string to string.', examples: [{ order: 'A-1001' }] });

const personalMetadata = z
  .array(text(1, 64))
  .min(1)
  .max(MAX_METADATA_PAIRS)
  .optional()
  .meta({
    description:
      'Names of metadata pairs that are personal: their values are kept beside the log, so that erasing the user erases them.',
  });

/** Any text: one that could not be a slug names no asset, which is a 404 and not a fault of form. */
const assetSlug = text(1, 255).meta({ examples: ['gold_coins'] });

const moneyFields = { assetSlug, amount: amountSchema, reference, metadata, personalMetadata };

function personalNamesExist(body: {
  metadata?: Record<string, string> | null | undefined;
  personalMetadata?: string[] | undefined;
}): boolean {
  return (body.personalMetadata ?? []).every((name) => Object.hasOwn(body.metadata ?? {}, name));
}

const personalNamesExistFault = { path: ['personalMetadata'], error: 'must name pairs of metadata' };

export const registerUserBody = z.strictObject({ email, id: idSchema.optional() });

export const userStatusBody = z.strictObject({ status: z.enum(['BANNED', 'ACTIVE']), reason });

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

export const freezeStatusBody = z.strictObject({ status: z.enum(['FROZEN', 'ACTIVE']), reason });

export const moneyBody = z
  .strictObject({ userId: idSchema, ...moneyFields })
  .refine(personalNamesExist, personalNamesExistFault);

export const transferBody = z
  .strictObject({ fromUserId: idSchema, toUserId: idSchema, ...moneyFields })
  .refine(personalNamesExist, personalNamesExistFault)
  .refine((body) => body.fromUserId !== body.toUserId, {
    path: ['toUserId'],
    error: 'must not be the same user as fromUserId',
  });

type RegisterUser = { readonly kind: 'user.register' } & z.output<typeof registerUserBody>;
type SetUserStatus = { readonly kind: 'user.status'; readonly userId: string } & z.output<
  typeof userStatusBody
>;
type CreateAsset = { readonly kind: 'asset.create' } & z.output<typeof createAssetBody>;
type SetAssetStatus = { readonly kind: 'asset.status'; readonly slug: string } & z.output<
  typeof freezeStatusBody
>;
type SetWalletStatus = { readonly kind: 'wallet.status'; readonly walletId: string } & z.output<
  typeof freezeStatusBody
>;
export type MoneyCommand = { readonly kind: 'topup' | 'spend' | 'bonus' } & z.output<typeof moneyBody>;
export type TransferCommand = { readonly kind: 'transfer' } & z.output<typeof transferBody>;

export type Command =
  | RegisterUser
  | SetUserStatus
  | CreateAsset
  | SetAssetStatus
  | SetWalletStatus
  | MoneyCommand
  | TransferCommand;

export type CommandName = Command['kind'];
