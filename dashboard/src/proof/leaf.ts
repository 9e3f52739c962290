/**
 * The bytes of an event that are hashed, as docs/leaf-format.md describes them: its columns in their order, each framed by its
 * length, all integers big-endian. Written here anew from that page, so that it checks the service and not itself.
 */
import type { InclusionProof } from '../api/types.ts';
import { concat, fromHex, sha256, utf8, type Bytes } from './bytes.ts';

type SealedEvent = InclusionProof['event'];

const COLUMNS = 13;
/** Microseconds are counted from 2000-01-01T00:00:00Z. */
const EPOCH_MS = 946_684_800_000n;

function int(value: bigint, bytes: 2 | 4 | 8): Bytes {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, value);
  return new Uint8Array(view.buffer.slice(8 - bytes));
}

function framed(value: Uint8Array | null): Bytes {
  return value === null ? int(-1n, 4) : concat(int(BigInt(value.length), 4), value);
}

function text(value: string | null): Bytes {
  return framed(value === null ? null : utf8(value));
}

function uuid(value: string | null): Bytes {
  return framed(value === null ? null : fromHex(value.replaceAll('-', '')));
}

function time(value: string | null): Bytes {
  return framed(value === null ? null : int((BigInt(Date.parse(value)) - EPOCH_MS) * 1_000n, 8));
}

export function leafOf(event: SealedEvent): Bytes {
  return concat(
    int(BigInt(COLUMNS), 2),
    framed(int(BigInt(event.position), 8)),
    uuid(event.id),
    text(event.type),
    framed(int(BigInt(event.version), 2)),
    text(event.idempotencyKey),
    framed(event.fingerprint === null ? null : fromHex(event.fingerprint)),
    text(event.actor),
    text(event.correlationId),
    uuid(event.relatedId),
    time(event.occurredAt),
    time(event.recordedAt),
    time(event.effectiveAt),
    text(event.data),
  );
}

export function leafHash(leaf: Uint8Array): Promise<Bytes> {
  return sha256(Uint8Array.of(0x00), leaf);
}
