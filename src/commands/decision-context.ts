/** Where decisions get what they must not make up themselves: ids, and digests of personal values. */
import { randomBytes } from 'node:crypto';
import { personalDigest } from '../events/personal-digest.ts';
import { uuidv7 } from '../uuid.ts';
import type { ContextSource } from './decide-batch.ts';

const SALT_BYTES = 16;

/** UUIDv7, so that the ids of events and wallets grow with time and their indexes at one edge. */
export const contextFor: ContextSource = (occurredAt) => {
  let salt: Buffer | null = null;
  return {
    occurredAt,
    nextId: () => uuidv7(),
    protect(value) {
      salt ??= randomBytes(SALT_BYTES);
      return { digest: personalDigest(salt, value), salt };
    },
    saltUsed: () => salt,
  };
};
