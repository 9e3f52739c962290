/**
 * UUIDv7 (RFC 9562): 48 bits of milliseconds, then 74 random bits. Ids that grow with time keep the indexes of a
 * long log growing at one edge.
 *
 * Several ids a command are on the hot path: random bytes are drawn in bulk, and the digits written into one buffer whose
 * text is all that an id leaves behind, where randomUUID leaves the parts that it puts its text together of.
 */
import { randomFillSync } from 'node:crypto';

const RANDOM_BYTES = 10;

const digits = Buffer.from('0123456789abcdef', 'latin1');
const text = Buffer.from('00000000-0000-7000-8000-000000000000', 'latin1');
const pool = Buffer.alloc(RANDOM_BYTES * 256);
let drawn = pool.length;
let lastMs = Number.NaN;

/** In lower case. `nowMs`: whole milliseconds since 1970, of which the last 48 bits are kept. */
export function uuidv7(nowMs: number = Date.now()): string {
  // Many are made within a millisecond.
  if (nowMs !== lastMs) writeTime(nowMs);
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  writeRandom(drawn);
  drawn += RANDOM_BYTES;
  return text.toString('latin1');
}

function writeTime(ms: number): void {
  const time = ms.toString(16).padStart(12, '0').slice(-12);
  text.write(`${time.slice(0, 8)}-${time.slice(8)}`, 'latin1');
  lastMs = ms;
}

/** Behind the version 7: three digits, the variant 10 with two bits, fifteen digits. */
function writeRandom(from: number): void {
  const [first, second] = [pool[from] as number, pool[from + 1] as number];
  text[15] = digits[first & 15] as number;
  text[19] = digits[8 | (second & 3)] as number;
  text[20] = digits[second >> 4] as number;
  writeByte(16, from + 2);
  writeByte(21, from + 3);
  for (let index = 0; index < 6; index += 1) writeByte(24 + 2 * index, from + 4 + index);
}

function writeByte(at: number, from: number): void {
  const byte = pool[from] as number;
  text[at] = digits[byte >> 4] as number;
  text[at + 1] = digits[byte & 15] as number;
}
