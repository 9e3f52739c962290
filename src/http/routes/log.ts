import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { InvalidRequestError } from '../../errors.ts';
import { feedEvent, readFeed } from '../../events/feed.ts';
import { readRemembered } from '../../events/remembered.ts';
import { headPosition } from '../../projections/queries/positions.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import type { HttpDeps } from '../deps.ts';
import * as examples from '../examples.ts';
import { rememberedAnswer } from '../remembered-answer.ts';
import { atLeast, limitParam, positionParam, textParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { eventPage, rememberedKey } from '../resources.ts';

const NDJSON = 'application/x-ndjson';
const STREAM_PAGE = 500;

const feedQuery = z.strictObject({
  after: positionParam
    .optional()
    .meta({ description: 'Events after this position; default 0, the beginning.' }),
  limit: limitParam(100),
  type: textParam(64)
    .optional()
    .meta({ description: 'Only of this type.', examples: ['transaction.posted'] }),
  atLeast,
});

export function logRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'GET',
    url: '/events',
    schema: {
      tags: ['log'],
      summary: 'The event feed, in order and without loss',
      description: `Pages by \`after\`; with Accept: ${NDJSON} the whole feed from \`after\` to the head, a line an event.`,
      querystring: feedQuery,
      response: {
        200: {
          description: 'Events in the order of their positions',
          content: { 'application/json': { schema: eventPage }, [NDJSON]: { schema: z.string() } },
        },
      },
    },
    config: {
      facts: {
        operationId: 'listEvents',
        problems: ['read_model_behind'],
        example: { data: [examples.event], nextAfter: '41' },
      },
    },
    handler: async (request, reply) => {
      const { after = 0n, limit, type } = request.query;
      if (request.query.atLeast !== undefined) {
        await deps.positions.waitFor({
          projections: [],
          position: request.query.atLeast,
          timeoutMs: deps.waitMs,
        });
      }
      const head = await headPosition(deps.readPool, deps.ledgerId);
      if (after > head) {
        throw new InvalidRequestError(
          [{ path: 'after', message: `must not be beyond the head, which is ${head}` }],
          head,
        );
      }
      void reply.header('coffer-position', head.toString()).header('vary', 'accept');
      if (accepts(request.headers.accept, NDJSON)) {
        // Fastify would read a stream to its end only to throw it away.
        if (request.method === 'HEAD') return reply.header('content-type', NDJSON).send('');
        return streamFeed(deps, reply, { after, upTo: head, type });
      }
      const rows = await readFeed(deps.readPool, deps.ledgerId, { after, upTo: head, limit, type });
      // A page that is not full has seen everything up to the head, of whatever type.
      const seen = rows.length < limit ? head : (rows.at(-1)?.position ?? after);
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(JSON.stringify({ data: rows.map(feedEvent), nextAfter: seen.toString() }));
    },
  });

  queryRoute(app, {
    url: '/idempotency-keys/:key',
    operationId: 'getIdempotencyKey',
    tag: 'log',
    summary: 'Did my write land?',
    description: 'The answer that the write with this key was given, as it would be replayed.',
    params: z.strictObject({
      key: z
        .string()
        .min(1)
        .max(255)
        .meta({ description: 'Percent-encoded where it needs to be.', examples: ['order-1001'] }),
    }),
    query: z.strictObject({ atLeast }),
    answer: rememberedKey,
    example: { status: 201, position: '42', outcome: examples.transaction('topup') },
    problems: ['idempotency_key_unknown', 'subject_erased', 'read_model_behind'],
    read: async ({ key }, query) => {
      const source = { projections: [], atLeast: query.atLeast };
      const { result, position } = await answerFrom(deps, source, (tx) =>
        readRemembered(tx, deps.ledgerId, key),
      );
      if (result === null) {
        const detail = 'No write with this Idempotency-Key has been recorded.';
        return { refusal: { code: 'idempotency_key_unknown', detail, figures: {} }, position };
      }
      const answer = rememberedAnswer(result);
      if (answer !== null) return { body: answer, position };
      const detail = 'The answer showed personal data that was erased.';
      return { refusal: { code: 'subject_erased', detail, figures: {} }, position };
    },
  });
}

/** Whether a media type is asked for by its name. Of wildcards nobody gets a stream. */
function accepts(header: string | undefined, mediaType: string): boolean {
  const ranges = header?.split(',').map((range) =>
    range
      .toLowerCase()
      .split(';')
      .map((part) => part.trim()),
  );
  return ranges?.some(([name, ...parameters]) => name === mediaType && !parameters.includes('q=0')) ?? false;
}

/** Reads a page only when the client has taken the one before: memory stays constant however slow it is. */
function streamFeed(
  deps: HttpDeps,
  reply: FastifyReply,
  wanted: { after: bigint; upTo: bigint; type: string | undefined },
): FastifyReply {
  async function* pages(): AsyncGenerator<string> {
    let { after } = wanted;
    for (;;) {
      const rows = await readFeed(deps.readPool, deps.ledgerId, { ...wanted, after, limit: STREAM_PAGE });
      if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(feedEvent(row))}\n`).join('');
      const last = rows.at(-1);
      if (last === undefined || rows.length < STREAM_PAGE) return;
      after = last.position;
    }
  }
  return reply.header('content-type', NDJSON).send(Readable.from(pages(), { highWaterMark: 1 }));
}
