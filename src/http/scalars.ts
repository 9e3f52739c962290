/** What the values in answers are made of: ids, amounts, positions and times, each a component of the OpenAPI document. */
import { z } from 'zod';

export const digits = z
  .string()
  .regex(/^(0|[1-9][0-9]*)$/)
  .meta({ examples: ['3'] });
const signedDigits = z.string().regex(/^(0|-?[1-9][0-9]*)$/);

export const uuid = z
  .uuid()
  .meta({
    id: 'Id',
    pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
    examples: ['01998a6e-7c00-7000-8000-000000000001'],
  });
export const amount = z
  .string()
  .regex(/^(0|[1-9][0-9]*)$/)
  .meta({ id: 'Amount', description: 'Minor units, as digits.', examples: ['100'] });
export const balance = signedDigits.meta({
  id: 'SignedAmount',
  description: 'Minor units, as digits; negative for the treasury.',
  examples: ['100'],
});
export const position = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})$/)
  .meta({
    id: 'Position',
    description: 'A place in the log, from 1 on; 0 is before the first event.',
    examples: ['42'],
  });
export const time = z.iso
  .datetime({ precision: 3 })
  .meta({
    id: 'Time',
    description: 'RFC 3339, UTC, milliseconds.',
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$',
    examples: ['2026-01-01T00:00:00.000Z'],
  });

export const slug = z.string().meta({ examples: ['gold_coins'] });
export const transactionType = z.string().meta({ examples: ['topup'] });
export const reference = z
  .string()
  .nullable()
  .meta({ examples: ['order-1001'] });
export const metadata = z
  .record(z.string(), z.string())
  .nullable()
  .meta({ examples: [{ order: 'A-1001' }] });

export const written = { position, recordedAt: time };
