/**
 * One-dimensional array parameters in PostgreSQL's binary format. A batch sends its rows as a few dozen arrays
 * of hundreds of elements; as text each element is quoted here and parsed there, which cost more than deciding
 * the commands. The driver sends a Buffer as a binary parameter, whatever its type.
 *
 * The format (src/backend/utils/adt/arrayfuncs.c, array_recv): dimensions, has-null flag, element type, then per
 * dimension length and lower bound, then each element with its length, -1 for null; all integers big-endian.
 */

const BYTEA = 17;
const INT8 = 20;
const INT2 = 21;
const TEXT = 25;
const UUID = 2950;

const HEADER_BYTES = 20;
const EMPTY_HEADER_BYTES = 12;
const LENGTH_BYTES = 4;
const UUID_BYTES = 16;

function header(elementType: number, count: number, elementBytes: number): Buffer {
  if (count === 0) {
    const empty = Buffer.alloc(EMPTY_HEADER_BYTES);
    empty.writeInt32BE(elementType, 8);
    return empty;
  }
  const array = Buffer.allocUnsafe(HEADER_BYTES + elementBytes);
  array.writeInt32BE(1, 0);
  // Set whether there is a null or not: the flag only allows them.
  array.writeInt32BE(1, 4);
  array.writeInt32BE(elementType, 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  return array;
}

/** uuid[]: dashed hexadecimal in, 16 bytes an element. */
export function uuidArray(ids: readonly (string | null)[]): Buffer {
  const present = ids.reduce((count, id) => (id === null ? count : count + 1), 0);
  const array = header(UUID, ids.length, ids.length * LENGTH_BYTES + present * UUID_BYTES);
  let at = HEADER_BYTES;
  for (const id of ids) {
    if (id === null) {
      at = array.writeInt32BE(-1, at);
      continue;
    }
    at = array.writeInt32BE(UUID_BYTES, at);
    writeUuid(array, id, at);
    at += UUID_BYTES;
  }
  return array;
}

const UUID_CHARACTERS = 36;
const NO_DIGIT = 16;

/** By character code, what a digit stands for. */
const digits = new Uint8Array(128).fill(NO_DIGIT);
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  digits[digit.charCodeAt(0)] = value;
  digits[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Digit by digit, since parts of a text to be decoded are garbage: several a command. */
function writeUuid(array: Buffer, id: string, at: number): void {
  if (id.length !== UUID_CHARACTERS) throw new TypeError(`no UUID: ${id}`);
  let to = at;
  for (let from = 0; from < UUID_CHARACTERS; from += 2) {
    if (from === 8 || from === 13 || from === 18 || from === 23) from += 1; // the dashes stand there
    const high = digits[id.charCodeAt(from)] ?? NO_DIGIT;
    const low = digits[id.charCodeAt(from + 1)] ?? NO_DIGIT;
    if (high >= NO_DIGIT || low >= NO_DIGIT) throw new TypeError(`no UUID: ${id}`);
    array[to] = high * 16 + low;
    to += 1;
  }
}

/** bigint[]. Throws a RangeError for what 64 bits do not hold. */
export function int8Array(values: readonly bigint[]): Buffer {
  const array = header(INT8, values.length, values.length * (LENGTH_BYTES + 8));
  // That of Buffer takes a bigint apart into others.
  const view = new DataView(array.buffer, array.byteOffset, array.length);
  let at = HEADER_BYTES;
  for (const value of values) {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`no bigint of PostgreSQL: ${value}`);
    view.setInt32(at, 8);
    view.setBigInt64(at + LENGTH_BYTES, value);
    at += LENGTH_BYTES + 8;
  }
  return array;
}

/** smallint[]. */
export function int2Array(values: readonly number[]): Buffer {
  const array = header(INT2, values.length, values.length * (LENGTH_BYTES + 2));
  let at = HEADER_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(2, at);
    at = array.writeInt16BE(value, at);
  }
  return array;
}

/** text[] in UTF-8. The texts must be storable: no NUL, no lone surrogate. */
export function textArray(texts: readonly (string | null)[]): Buffer {
  let bytes = 0;
  for (const text of texts) bytes += LENGTH_BYTES + (text === null ? 0 : Buffer.byteLength(text));
  const array = header(TEXT, texts.length, bytes);
  let at = HEADER_BYTES;
  for (const text of texts) {
    if (text === null) {
      at = array.writeInt32BE(-1, at);
      continue;
    }
    const written = array.write(text, at + LENGTH_BYTES);
    array.writeInt32BE(written, at);
    at += LENGTH_BYTES + written;
  }
  return array;
}

/** bytea[]. */
export function byteaArray(values: readonly (Uint8Array | null)[]): Buffer {
  const bytes = values.reduce((total, value) => total + LENGTH_BYTES + (value?.length ?? 0), 0);
  const array = header(BYTEA, values.length, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(value === null ? -1 : value.length, at);
    if (value === null) continue;
    array.set(value, at);
    at += value.length;
  }
  return array;
}
