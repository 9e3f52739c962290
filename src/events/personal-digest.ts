import { createHmac } from 'node:crypto';

/** What an event holds in place of a personal value: hmac-sha256(salt, value), in hexadecimal. */
export function personalDigest(salt: Uint8Array, value: string): string {
  return createHmac('sha256', salt).update(value).digest('hex');
}
