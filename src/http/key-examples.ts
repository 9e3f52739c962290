import type { StoredKey } from '../access/keys.ts';

export const createKeyBody = { name: 'shop', scopes: ['queries:read', 'commands:write'] };

export const apiKey: Omit<StoredKey, 'ledgerId'> = {
  id: '01998a6e-7c00-7000-8000-00000000000c',
  name: 'shop',
  prefix: 'cof_m2x7k4qa',
  scopes: ['queries:read', 'commands:write'],
  source: 'created',
  state: 'valid',
  createdAt: '2026-01-01T00:00:00.000Z',
  rotatedAt: null,
  previousUntil: null,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
};

/** Not one that opens anything: what follows its prefix is too short. */
export const apiKeyWithSecret = { ...apiKey, secret: 'cof_m2x7k4qa_...' };
