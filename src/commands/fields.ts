/** The fields that bodies of commands are made of, each with the words for what is wrong with it. */
import { z } from 'zod';
import { faultOfAmount } from '../money.ts';
import { faultOfRate } from '../rate.ts';
import { isStorableText } from '../text.ts';

const MAX_METADATA_PAIRS = 50;

export const text = (minLength: number, maxLength: number) =>
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

export const amountOrZeroSchema = money({ zeroAllowed: true }).meta({
  description: 'Minor units: a string of 1 to 38 digits, without sign or leading zeros.',
  pattern: '^(0|[1-9][0-9]{0,37})$',
  examples: ['1000000'],
});

export const rateSchema = z
  .string({
    error: (issue) =>
      typeof issue.input === 'number' || typeof issue.input === 'bigint'
        ? 'must be a string, such as "0.25": JSON numbers lose precision'
        : 'must be a string with an exact decimal, such as "0.25"',
  })
  .superRefine((value, context) => {
    const fault = faultOfRate(value);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  })
  .meta({
    description:
      'Minor units of toAsset for a minor unit of fromAsset: an exact decimal above 0 of at most 38 digits, 18 of them after the point. What it comes to is rounded down.',
    pattern: '^(0|[1-9][0-9]{0,37})(\\.[0-9]{1,18})?$',
    examples: ['0.25'],
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

export const emailSchema = text(3, 254)
  .refine((value) => /^[^\s@]+@[^\s@]+$/.test(value.trim()), 'must be an e-mail address')
  .meta({ description: 'Trimmed and lower-cased.', examples: ['carol@example.com'] });

export const reason = text(1, 500)
  .optional()
  .meta({ examples: ['chargeback under review'] });

export const reference = text(1, 255)
  .nullable()
  .optional()
  .meta({ description: 'Your own name for the transaction; GET /transactions?reference= finds it.' });

export const metadata = z
  .record(
    text(1, 64).refine((name) => name !== '__proto__', 'must not be __proto__'),
    text(0, 1000),
  )
  .refine((pairs) => Object.keys(pairs).length <= MAX_METADATA_PAIRS, `at most ${MAX_METADATA_PAIRS} pairs`)
  .nullable()
  .optional()
  .meta({ description: 'At most 50 pairs of string to string.', examples: [{ order: 'A-1001' }] });

export const personalMetadata = z
  .array(text(1, 64))
  .min(1)
  .max(MAX_METADATA_PAIRS)
  .optional()
  .meta({
    description:
      'Names of metadata pairs that are personal: their values are kept beside the log, so that erasing the user erases them.',
  });

const TIME_FAULT = 'must be an RFC 3339 time such as 2026-01-01T00:00:00Z';
/** Those of 0 and 10000 are no RFC 3339, but an offset can lead there. */
const YEARS = /^(?!0000)\d{4}-/;

/** Becomes UTC with milliseconds. */
export const timeSchema = z.iso
  .datetime({ offset: true, error: TIME_FAULT })
  .meta({ examples: ['2026-01-01T00:00:00Z'] })
  .transform((value, context) => {
    const time = new Date(value);
    if (!Number.isNaN(time.getTime()) && YEARS.test(time.toISOString())) return time.toISOString();
    context.addIssue({ code: 'custom', message: TIME_FAULT });
    return z.NEVER;
  });

/** Any text: one that could not be a slug names no asset, which is a 404 and not a fault of form. */
export const assetSlug = text(1, 255).meta({ examples: ['gold_coins'] });
