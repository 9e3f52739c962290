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

const COLUMNS = 13;
const LENGTH_BYTES = 4;
/** Of position, id, version, related_id and the three times. */
const FIXED_BYTES = 8 + 16 + 2 + 16 + 3 * 8;

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
  const texts = [leaf.type, leaf.idempotencyKey, leaf.actor, leaf.correlationId, leaf.data];
  const textBytes = texts.reduce((sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)), 0);
  const fingerprintBytes = (leaf.fingerprint?.length ?? 0) / 2;
  const bytes = Buffer.allocUnsafe(2 + COLUMNS * LENGTH_BYTES + FIXED_BYTES + fingerprintBytes + textBytes);
  let at = bytes.writeInt16BE(COLUMNS, 0);
  const int8 = (value: bigint): void => {
    at = bytes.writeInt32BE(8, at);
    at = bytes.writeBigInt64BE(value, at);
  };
  const nothing = (): void => {
    at = bytes.writeInt32BE(-1, at);
  };
  const hex = (digits: string | null): void => {
    if (digits === null) return nothing();
    at = bytes.writeInt32BE(digits.length / 2, at);
    at += bytes.write(digits, at, 'hex');
  };
  const uuid = (id: string | null): void => hex(id === null ? null : id.replaceAll('-', ''));
  const text = (value: string | null): void => {
    if (value === null) return nothing();
    const length = bytes.write(value, at + LENGTH_BYTES);
    bytes.writeInt32BE(length, at);
    at += LENGTH_BYTES + length;
  };
  const time = (value: string | null): void => {
    if (value === null) return nothing();
    int8(BigInt(Date.parse(value) - POSTGRES_EPOCH_MS) * 1_000n);
  };
  int8(leaf.position);
  uuid(leaf.id);
  text(leaf.type);
  at = bytes.writeInt32BE(2, at);
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
