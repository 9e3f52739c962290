/** What is said of a key. */
import { z } from 'zod';
import { SCOPES } from '../access/scopes.ts';
import { time, uuid } from './scalars.ts';

const fields = {
  id: uuid,
  name: z.string(),
  prefix: z
    .string()
    .meta({ description: 'How the key begins: to recognise it by. `environment`: COFFER_ADMIN_KEY.' }),
  scopes: z.array(z.enum(SCOPES)),
  source: z.enum(['created', 'environment']),
  state: z.enum(['valid', 'expired', 'revoked']),
  createdAt: time,
  rotatedAt: time.nullable(),
  previousUntil: time
    .nullable()
    .meta({ description: 'Until when the secret before the last rotation counts; null where it does not.' }),
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable().meta({ description: 'To the minute.' }),
};

export const apiKey = z.object(fields).meta({ id: 'ApiKey' });

export const apiKeyWithSecret = z
  .object({ ...fields, secret: z.string().meta({ description: 'The key itself. It is not shown again.' }) })
  .meta({ id: 'ApiKeyWithSecret' });
