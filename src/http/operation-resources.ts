/** What the service says of itself. */
import { z } from 'zod';
import { digits, position, time, uuid } from './scalars.ts';

const rebuild = z
  .object({
    generation: z.int(),
    version: z.int(),
    state: z.enum(['building', 'catching_up', 'following']),
    dryRun: z.boolean().meta({ description: 'It is compared with the live one, and then dropped.' }),
    parts: z.int(),
    partsDone: z.int(),
    eventsPerSecond: digits,
    position: position.meta({ description: 'How far it has come once its parts are done; 0 before.' }),
    startedAt: time,
    error: z.string().nullable(),
  })
  .meta({ id: 'Rebuild', description: 'The next generation, beside the live one until it takes over.' });

export const projectionStatus = z
  .object({
    name: z.string(),
    version: z.int(),
    position,
    headPosition: position,
    lagEvents: digits,
    lagMs: z.int().meta({ description: 'Age of the oldest event not yet projected.' }),
    state: z.enum(['live', 'catching_up', 'failed', 'outdated']),
    error: z.string().nullable(),
    rebuild: rebuild.nullable(),
  })
  .meta({ id: 'Projection' });

/** What the drift sentinel says. */
export const drift = z
  .object({
    verifiedPosition: position.meta({ description: 'Up to here the log was derived again at least once.' }),
    checkedAt: time.nullable(),
    findings: digits.meta({ description: 'Differences that were found, and not found mended since.' }),
    latest: z.array(
      z.object({
        check: z.string(),
        position: position.nullable(),
        walletId: uuid.nullable(),
        expected: z.string(),
        found: z.string(),
        foundAt: time,
      }),
    ),
  })
  .meta({ id: 'Drift' });

export const health = z.object({ status: z.literal('ok'), startedAt: time }).meta({ id: 'Health' });

export const readiness = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    reason: z.string().nullable().meta({ description: 'What is missing; null when nothing is.' }),
  })
  .meta({ id: 'Readiness' });
