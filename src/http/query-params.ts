/** Parameters that several routes share. All queries are strict: an unknown parameter is a 400, not ignored. */
import { z } from 'zod';
import { idSchema, timeSchema } from '../commands/fields.ts';
import { InvalidRequestError } from '../errors.ts';
import { isStorableText } from '../text.ts';

const BAD_ENCODING = new InvalidRequestError([
  { path: 'querystring', message: 'must be percent-encoded UTF-8' },
]);

/** The parser of queries leaves what it cannot decode as it is, and then something else would be looked for than was meant. */
export function encodingFaultOf(url: string): InvalidRequestError | undefined {
  const begin = url.indexOf('?');
  if (begin === -1 || !url.includes('%', begin)) return undefined;
  try {
    decodeURIComponent(url.slice(begin));
    return undefined;
  } catch {
    return BAD_ENCODING;
  }
}

const MAX_LIMIT = 500;
const MAX_POSITION = 2n ** 63n - 1n;

const POSITION_FAULT = 'must be a position: a string of digits, at most 9223372036854775807';

export const positionParam = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})$/, POSITION_FAULT)
  .meta({ examples: ['42'] })
  .transform(BigInt)
  .refine((position) => position <= MAX_POSITION, POSITION_FAULT);

export const atLeast = positionParam
  .optional()
  .meta({
    description: 'Wait until the read model has reached this position: the Coffer-Position of a command.',
  });

export function limitParam(fallback: number) {
  return z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/, `must be a whole number from 1 to ${MAX_LIMIT}`)
    .meta({ examples: [fallback.toString()] })
    .transform(Number)
    .refine((limit) => limit <= MAX_LIMIT, `must be a whole number from 1 to ${MAX_LIMIT}`)
    .optional()
    .transform((limit) => limit ?? fallback)
    .meta({ description: `Default ${fallback}, at most ${MAX_LIMIT}.` });
}

const MAX_DAYS = 366;
const DAYS_FAULT = `must be a whole number from 1 to ${MAX_DAYS}`;

/** Of a series, which ends today. */
export const daysParam = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/, DAYS_FAULT)
  .meta({ examples: ['30'] })
  .transform(Number)
  .refine((days) => days <= MAX_DAYS, DAYS_FAULT);

export const DEFAULT_DAYS = 30;

export const cursorParam = z
  .string()
  .max(100)
  .optional()
  .meta({ description: 'The nextCursor of the page before. Opaque.' });

export const timeParam = timeSchema;

export const flagParam = z
  .enum(['true', 'false'])
  .optional()
  .transform((text) => text === 'true');

/** A text to look for, exactly as it was written. */
export function textParam(maxLength: number) {
  return z.string().min(1).max(maxLength).refine(isStorableText, 'must not contain NUL or lone surrogates');
}

export const typeParam = textParam(64)
  .optional()
  .meta({ description: 'Only of this type.', examples: ['topup'] });

/** The assets that exist have slugs of a certain form; asking for another is asking for one that does not exist. */
export const assetSlugParam = textParam(200).meta({
  description: "The asset's slug.",
  examples: ['gold_coins'],
});

export const userIdParam = idSchema.meta({ description: "The user's id." });

/** `from` and `to` must be in order. */
export function checkOrder(query: { from?: string | undefined; to?: string | undefined }): void {
  if (query.from !== undefined && query.to !== undefined && query.from > query.to) {
    throw new InvalidRequestError([{ path: 'to', message: 'must not be before from' }]);
  }
}
