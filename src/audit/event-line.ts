/**
 * An event as a line of an export: JSON with the columns of its leaf in their order, the stored bytes of `data` as they are at the
 * end. From the line the leaf is computed again, and its hash held against the tree.
 */
import { z } from 'zod';
import type { Leaf } from './leaf.ts';

const DATA = ',"data":';

/** The line, with its end. Throws for data with a line break in it, which canonical JSON never has. */
export function eventLine({ data, position, ...rest }: Leaf): string {
  if (data.includes('\n')) throw new Error(`the data of position ${position} is no line`);
  const head = JSON.stringify({ position: position.toString(), ...rest });
  return `${head.slice(0, -1)}${DATA}${data}}\n`;
}

const digits = z.string().regex(/^[1-9][0-9]{0,18}$/);
const hex = z.string().regex(/^(?:[0-9a-f]{2})+$/);
const time = z.iso.datetime({ precision: 3 });

const head = z.strictObject({
  position: digits.transform(BigInt),
  id: z.uuid(),
  type: z.string(),
  version: z.int().min(0).max(32_767),
  idempotencyKey: z.string().nullable(),
  fingerprint: hex.nullable(),
  actor: z.string(),
  correlationId: z.string().nullable(),
  relatedId: z.uuid().nullable(),
  occurredAt: time,
  recordedAt: time,
  effectiveAt: time.nullable(),
});

/** Reads a line without its end. Throws for what eventLine would not have written. */
export function parseEventLine(line: string): Leaf {
  // Quotes inside of strings are escaped, and all other members are flat: the first place is the only one.
  const split = line.indexOf(DATA);
  if (split === -1 || !line.endsWith('}')) throw new Error('no event');
  const parsed = head.safeParse(JSON.parse(`${line.slice(0, split)}}`));
  if (!parsed.success)
    throw new Error(
      parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    );
  return { ...parsed.data, data: line.slice(split + DATA.length, -1) };
}
