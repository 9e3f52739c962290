import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { RefusedError } from '../../errors.ts';
import { feedEvent, readFeed } from '../../events/feed.ts';
import { readRemembered } from '../../events/remembered.ts';
import { headPosition } from '../../projections/queries/positions.ts';
import type { HttpDeps } from '../deps.ts';
import * as examples from '../examples.ts';
import { rememberedAnswer } from '../remembered-answer.ts';
import { limitParam, positionParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { event, position, rememberedKey } from '../resources.ts';

const NDJSON = 'application/x-ndjson';
const STREAM_PAGE = 500;

const feedQuery = z.strictObject({
  after: positionParam.optional().meta({ description: 'Events after this position; default 0, the beginning.' }),
  limit: limitParam(100),
  type: z.string().min(1).max(64).optional().meta({ examples: ['transaction.posted'] }),
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
          content: {
            'application/json': { schema: z.object({ data: z.array(event), nextAfter: position }) },
            [NDJSON]: { schema: z.string() },
          },
        },
      },
    },
    config: { facts: { problems: [], example: { data: [examples.event], nextAfter: '41' } } },
    handler: async (request, reply) => {
      const { after = 0n, limit, type } = request.query;
      const head = await headPosition(deps.readPool, deps.ledgerId);
      void reply.header('coffer-position', head.toString()).header('vary', 'accept');
      if (request.headers.accept?.includes(NDJSON) === true) {
        return streamFeed(deps, reply, { after, upTo: head, type });
      }
      const rows = await readFeed(deps.readPool, deps.ledgerId, { after, upTo: head, limit, type });
      const last = rows.at(-1)?.position ?? after;
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(JSON.stringify({ data: rows.map(feedEvent), nextAfter: last.toString() }));
    },
  });

  queryRoute(app, {
    url: '/idempotency-keys/:key',
    tag: 'log',
    summary: 'Did my write land?',
    description: 'The answer that the write with this key was given, as it would be replayed.',
    params: z.strictObject({ key: z.string().min(1).max(255) }),
    answer: rememberedKey,
    example: { status: 201, position: '42', outcome: examples.transaction('topup') },
    problems: ['idempotency_key_unknown', 'subject_erased'],
    read: async ({ key }) => {
      const stored = await readRemembered(deps.readPool, deps.ledgerId, key);
      if (stored === null) {
        const detail = 'No write with this Idempotency-Key has been recorded.';
        throw new RefusedError({ code: 'idempotency_key_unknown', detail, figures: {} });
      }
      return { body: rememberedAnswer(stored), position: stored.position };
    },
  });
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
