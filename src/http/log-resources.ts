/** What answers tell of the log itself. */
import { z } from 'zod';
import { position, time, uuid } from './scalars.ts';

export const event = z
  .object({
    position,
    id: uuid,
    type: z.string().meta({ examples: ['transaction.posted'] }),
    version: z.int(),
    occurredAt: time,
    recordedAt: time,
    actor: z.string(),
    idempotencyKey: z.string().nullable(),
    correlationId: z.string().nullable(),
    relatedId: uuid.nullable(),
    data: z
      .record(z.string(), z.unknown())
      .meta({ description: 'What happened, in the words of its type and version.' }),
  })
  .meta({ id: 'Event' });

export const eventPage = z.object({ data: z.array(event), nextAfter: position }).meta({ id: 'EventPage' });

export const rememberedKey = z
  .object({
    status: z.int().meta({ description: 'The HTTP status that was answered.' }),
    position,
    outcome: z.record(z.string(), z.unknown()).meta({ description: 'The body that was answered.' }),
  })
  .meta({ id: 'RememberedKey' });
