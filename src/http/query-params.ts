/** Query parameters that several routes share. All queries are strict: an unknown parameter is a 400, not ignored. */
import { z } from 'zod';
import { InvalidRequestError } from '../errors.ts';

const MAX_LIMIT = 500;
const MAX_POSITION = 2n ** 63n - 1n;

export const positionParam = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})$/, 'must be a position: a string of digits')
  .transform(BigInt)
  .refine((position) => position <= MAX_POSITION, 'must be a position: at most 9223372036854775807')
  .meta({ examples: ['42'] });

export const atLeast = positionParam
  .optional()
  .meta({ description: 'Wait until the read model has reached this position: the Coffer-Position of a command.' });

export function limitParam(fallback: number) {
  return z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/, `must be a whole number from 1 to ${MAX_LIMIT}`)
    .transform(Number)
    .refine((limit) => limit <= MAX_LIMIT, `must be a whole number from 1 to ${MAX_LIMIT}`)
    .optional()
    .transform((limit) => limit ?? fallback)
    .meta({ description: `Default ${fallback}, at most ${MAX_LIMIT}.` });
}

export const cursorParam = z
  .string()
  .max(100)
  .optional()
  .meta({ description: 'The nextCursor of the page before. Opaque.' });

export const timeParam = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 time such as 2026-01-01T00:00:00Z' })
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be an RFC 3339 time such as 2026-01-01T00:00:00Z')
  .transform((text) => new Date(text).toISOString())
  .meta({ examples: ['2026-01-01T00:00:00Z'] });

export const flagParam = z
  .enum(['true', 'false'])
  .optional()
  .transform((text) => text === 'true');

/** `from` and `to` must be in order. */
export function checkOrder(query: { from?: string | undefined; to?: string | undefined }): void {
  if (query.from !== undefined && query.to !== undefined && query.from > query.to) {
    throw new InvalidRequestError([{ path: 'to', message: 'must not be before from' }]);
  }
}
