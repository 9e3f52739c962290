/**
 * One key, one outcome, for ever. The event that carries a key is the stored response; the fingerprint beside
 * it tells a retry from another request under the same key.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { Refusal } from '../errors.ts';
import type { StoredEvent } from '../events/read.ts';
import { differingFields } from './request-fields.ts';
import type { Command } from './schemas.ts';

/** 1 to 255 visible ASCII characters. */
const USABLE_KEY = /^[\x21-\x7e]{1,255}$/;

export function isUsableKey(key: string): boolean {
  return USABLE_KEY.test(key);
}

const PLAIN = 1;
const SALTED = 2;
const DIGEST_BYTES = 32;

/** Version byte and SHA-256; keyed with the salt of the personal values where the request holds any. */
export function fingerprint(canonicalRequest: string, salt: Uint8Array | null): Buffer {
  const made = Buffer.allocUnsafe(1 + DIGEST_BYTES);
  made[0] = salt === null ? PLAIN : SALTED;
  // As text, which costs less than a buffer that is made outside of the heap.
  const digest =
    salt === null
      ? hash('sha256', canonicalRequest, 'latin1')
      : createHmac('sha256', salt).update(canonicalRequest).digest('latin1');
  made.write(digest, 1, DIGEST_BYTES, 'latin1');
  return made;
}

/** `erased` when the salt that the stored fingerprint needs is gone with the person. */
export function compareFingerprint(
  stored: StoredEvent,
  canonicalRequest: string,
): 'same' | 'other' | 'erased' {
  const known = stored.fingerprint;
  if (known === null)
    throw new Error(`event at position ${stored.position} carries a key without a fingerprint`);
  const salted = known[0] === SALTED;
  if (salted && stored.salt === null) return 'erased';
  const asked = fingerprint(canonicalRequest, salted ? stored.salt : null);
  return asked.length === known.length && timingSafeEqual(asked, known) ? 'same' : 'other';
}

/** The refusal for a key that was used for another request; names the fields, never their values. */
export function keyReused(stored: StoredEvent, command: Command): Refusal<'idempotency_key_reused'> {
  return reused(differingFields({ stored }, { command }));
}

export function keyReusedBy(first: Command, second: Command): Refusal<'idempotency_key_reused'> {
  return reused(differingFields({ command: first }, { command: second }));
}

function reused(differs: string[]): Refusal<'idempotency_key_reused'> {
  const detail = `This Idempotency-Key belongs to another request, which differs in: ${differs.join(', ')}.`;
  return { code: 'idempotency_key_reused', detail, figures: { differs } };
}
