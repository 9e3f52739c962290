/**
 * The bytes of an event that the Merkle tree is made of: its columns in the order below, each framed by its length, in
 * the binary format of PostgreSQL. That is a row as `COPY (select ...) TO STDOUT (FORMAT binary)` writes it, so an
 * auditor with psql and a SHA-256 needs nothing of ours to compute a leaf.
 *
 *     leaf   = int16 number of columns, then each column
 *     column = int32 length in bytes, then the bytes; a null is the length -1 and no bytes
 *
 * All integers are big-endian. Golden vectors are in docs/leaf-format.md.
 */

/** The columns of a leaf, for a table named or aliased `e`. `data` comes last, as it is stored. */
export const LEAF_COLUMNS = `e.position, e.id, e.type, e.version, e.idempotency_key, e.fingerprint, e.actor,
       e.correlation_id, e.related_id, e.occurred_at, e.recorded_at, e.effective_at, e.data`;

export const LEAF_COLUMN_COUNT = 13;
const LENGTH_BYTES = 4;
/** Of position, id, version, related_id and the three times. */
const FIXED_BYTES = 8 + 16 + 2 + 16 + 3 * 8;
/** Of a UTF-16 unit in UTF-8, at most. */
const BYTES_A_UNIT = 3;

/** PostgreSQL counts microseconds from 2000-01-01T00:00:00Z. */
export const POSTGRES_EPOCH_MS = 946_684_800_000;

/** An event as it is stored. Times are RFC 3339 in UTC with milliseconds, `data` is the stored JSON text. */
export type Leaf = {
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly idempotencyKey: string | null;
  /** Hexadecimal. */
  readonly fingerprint: string | null;
  readonly actor: string;
  readonly correlationId: string | null;
  readonly relatedId: string | null;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly effectiveAt: string | null;
  readonly data: string;
};

/** The leaf of an event that was read as values. */
export function encodeLeaf(leaf: Leaf): Buffer {
  const bytes = Buffer.allocUnsafe(
    2 + LEAF_COLUMN_COUNT * LENGTH_BYTES + FIXED_BYTES + mostBytesOfText(leaf),
  );
  let at = bytes.writeInt16BE(LEAF_COLUMN_COUNT, 0);

  function length(of: number): void {
    at = bytes.writeInt32BE(of, at);
  }
  function hex(digits: string | null): void {
    if (digits === null) return length(-1);
    length(digits.length / 2);
    at += bytes.write(digits, at, 'hex');
  }
  function uuid(id: string | null): void {
    if (id === null) return length(-1);
    length(16);
    for (let digit = 0; digit < id.length; digit += 2) {
      if (id.charCodeAt(digit) === DASH) digit += 1;
      bytes[at] = nibble(id.charCodeAt(digit)) * 16 + nibble(id.charCodeAt(digit + 1));
      at += 1;
    }
  }
  function text(value: string | null): void {
    if (value === null) return length(-1);
    const written = bytes.write(value, at + LENGTH_BYTES);
    length(written);
    at += written;
  }
  /** Microseconds, which are far from 2^53, as an int8. */
  function time(value: string | null): void {
    if (value === null) return length(-1);
    const micros = (millisecondsOf(value) - POSTGRES_EPOCH_MS) * 1_000;
    length(8);
    at = bytes.writeInt32BE(Math.floor(micros / 2 ** 32), at);
    at = bytes.writeUInt32BE(micros - Math.floor(micros / 2 ** 32) * 2 ** 32, at);
  }

  length(8);
  at = bytes.writeBigInt64BE(leaf.position, at);
  uuid(leaf.id);
  text(leaf.type);
  length(2);
  at = bytes.writeInt16BE(leaf.version, at);
  text(leaf.idempotencyKey);
  hex(leaf.fingerprint);
  text(leaf.actor);
  text(leaf.correlationId);
  uuid(leaf.relatedId);
  time(leaf.occurredAt);
  time(leaf.recordedAt);
  time(leaf.effectiveAt);
  text(leaf.data);
  return bytes.subarray(0, at);
}

function mostBytesOfText({ type, idempotencyKey, actor, correlationId, data, fingerprint }: Leaf): number {
  const units =
    type.length + (idempotencyKey?.length ?? 0) + actor.length + (correlationId?.length ?? 0) + data.length;
  return BYTES_A_UNIT * units + (fingerprint?.length ?? 0);
}

const DASH = 0x2d;

/** Of a hexadecimal digit. */
function nibble(code: number): number {
  return code < 0x40 ? code - 0x30 : (code | 0x20) - 0x57;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d\.\d{3}Z$/;
let lastSoundMinute = '';

/**
 * Whether a text is a time of a leaf: exactly what toISOString gives for it, as the 30th of February and the 75th second are not. Only
 * then is its leaf that of no other text.
 */
export function isLeafTime(text: string): boolean {
  if (!TIME.test(text)) return false;
  const minute = text.slice(0, UP_TO_MINUTES);
  if (minute === lastSoundMinute) return true;
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== text) return false;
  lastSoundMinute = minute;
  return true;
}

const UP_TO_MINUTES = '2026-01-01T00:00:'.length;
let lastMinute = { text: '', ms: 0 };

/** Since 1970. Times of a log stand close together: up to the minute the last one is used again. */
function millisecondsOf(time: string): number {
  if (!time.startsWith(lastMinute.text) || lastMinute.text === '') {
    const text = time.slice(0, UP_TO_MINUTES);
    lastMinute = { text, ms: Date.parse(`${text}00.000Z`) };
  }
  const digit = (index: number): number => time.charCodeAt(index) - 0x30;
  const seconds = digit(17) * 10 + digit(18);
  return lastMinute.ms + seconds * 1_000 + digit(20) * 100 + digit(21) * 10 + digit(22);
}
