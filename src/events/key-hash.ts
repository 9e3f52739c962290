/** How a key is found again: the primary key of idempotency_keys. */
import { hash } from 'node:crypto';

const LOCALITY_BYTES = 16;
const DIGEST_BYTES = 16;

/**
 * Primary key of a remembered key, 32 bytes: the first 16 bytes of the key (zero-padded), then 16 bytes of its
 * SHA-256. Keys that start with the time (UUIDv7, ULID) so stay neighbours in the index, which keeps its
 * inserts on few pages; the digest keeps all others apart.
 */
export function keyHash(key: string): Buffer {
  // Out of the pool, and the digest as text: each costs a third of a buffer that is made outside of the heap.
  const bytes = Buffer.allocUnsafe(LOCALITY_BYTES + DIGEST_BYTES).fill(0, 0, LOCALITY_BYTES);
  bytes.write(key, 0, LOCALITY_BYTES, 'latin1');
  bytes.write(hash('sha256', key, 'latin1'), LOCALITY_BYTES, DIGEST_BYTES, 'latin1');
  return bytes;
}

/** The same as SQL, of an expression for the key as bytes. Keys are ASCII, so that they are the same bytes in any encoding. */
export function keyHashOf(bytes: string): string {
  return `substring(${bytes} || decode(repeat('00', ${LOCALITY_BYTES}), 'hex') from 1 for ${LOCALITY_BYTES})
         || substring(sha256(${bytes}) from 1 for ${DIGEST_BYTES})`;
}
