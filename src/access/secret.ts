/**
 * The text of a key: `cof_<8 characters>_<43 characters>`. The first part is public and names the key; the second is 256
 * random bits.
 *
 * What is kept of it is its SHA-256. A slow hash protects what people think up, of which a machine can try all that are
 * likely; of 2^256 secrets it could try none that matters, and each request would pay for it.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
const NAME_CHARS = 8;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

const KEY = /^(cof_[a-z2-7]{8})_[A-Za-z0-9_-]{43}$/;

export type Secret = {
  /** Shown once, and kept by nobody but whom it is given to. */
  readonly text: string;
  /** `cof_` and 8 characters. */
  readonly prefix: string;
  /** 32 bytes. */
  readonly hash: Buffer;
};

export function drawSecret(): Secret {
  // 32 letters: each is 5 bits of its byte, without a bias.
  const name = Array.from(randomBytes(NAME_CHARS), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  const prefix = `cof_${name}`;
  const text = `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { text, prefix, hash: hashOf(text) };
}

/** Null for what has not the form of a key that was drawn. */
export function prefixOf(text: string): string | null {
  return KEY.exec(text)?.[1] ?? null;
}

export function hashOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

/** In constant time. */
export function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
