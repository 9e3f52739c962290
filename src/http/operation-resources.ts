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
    failedPosition: position
      .nullable()
      .meta({ description: 'Of the event that could not be applied: it stands still in front of it.' }),
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

export const rebuildRun = z
  .object({
    id: z.string(),
    name: z.string().meta({ description: 'Of the projection.' }),
    generation: z.int(),
    state: z
      .enum(['waiting', 'filling', 'catching_up', 'comparing', 'done', 'failed'])
      .meta({ description: '`comparing`: it follows the log beside the one that serves.' }),
    eventsDone: digits,
    eventsTotal: digits.meta({ description: 'Of all ledgers.' }),
    eventsPerSecond: digits,
    secondsLeft: z
      .int()
      .nullable()
      .meta({ description: 'Until it is filled; null where that is not known.' }),
    startedAt: time,
    finishedAt: time.nullable(),
    error: z.string().nullable(),
    differences: digits.meta({ description: 'From the one that served, once they were compared.' }),
  })
  .meta({ id: 'RebuildRun' });

const count = z.int().min(0);
const figure = z.number().min(0);

export const operations = z
  .object({
    queue: z.object({
      depth: count.meta({ description: 'Commands that wait for a batch.' }),
      capacity: count.meta({ description: 'One more than that is answered 503.' }),
      shuttingDown: z.boolean(),
    }),
    batches: z
      .object({
        perSecond: figure,
        commandsPerSecond: figure,
        meanCommands: figure.meta({ description: 'Of a batch.' }),
        p50Ms: figure.nullable().meta({ description: 'To commit; null where nothing was.' }),
        p99Ms: figure.nullable(),
      })
      .meta({ description: 'Of the last 60 seconds.' }),
    outcomes: z
      .array(z.object({ command: z.string(), outcome: z.string(), count }))
      .meta({ description: 'Commands since the start: accepted, replayed, or the code of a refusal.' }),
    refusals: z
      .array(z.object({ code: z.string(), count }))
      .meta({ description: 'Since the start, the most frequent first.' }),
    jobs: z.array(
      z.object({
        queue: z.string(),
        queued: count,
        active: count,
        failed: count.meta({ description: 'Of the last minute.' }),
        deadLetters: count.meta({ description: 'Failed each time they were tried; of the last day.' }),
      }),
    ),
    process: z.object({
      startedAt: time,
      uptimeSeconds: count,
      memoryBytes: count,
      eventLoopLagMs: figure.meta({ description: 'How long a turn of it took just now.' }),
    }),
  })
  .meta({ id: 'Operations' });
