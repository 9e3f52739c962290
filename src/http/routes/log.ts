import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { InvalidRequestError } from '../../errors.ts';
import { feedEvent, readFeed, type FeedRequest } from '../../events/feed.ts';
import { readRemembered } from '../../events/remembered.ts';
import { headPosition } from '../../events/head.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import { walletExists } from '../../projections/queries/wallets.ts';
import { pathOf, sendProblem } from '../error-handler.ts';
import * as examples from '../examples.ts';
import { accepts } from '../media-types.ts';
import { problemOfRefusal } from '../problems.ts';
import { rememberedAnswer } from '../remembered-answer.ts';
import { atLeast, limitParam, positionParam, textParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { eventPage, rememberedKey } from '../log-resources.ts';
import { walletNotFound } from './wallets.ts';

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
  walletId: idSchema
    .optional()
    .meta({
      description:
        'Only what moved or concerned this wallet: its opening, its changes of status, and all that wrote entries to it. A declined transaction names a user and not a wallet; see GET /transactions.',
    }),
  atLeast,
});

export function logRoutes(app: FastifyInstance): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'GET',
    url: '/events',
    schema: {
      tags: ['log'],
      summary: 'The event feed, in order and without loss',
      description: `Pages by \`after\`: the next one is after \`nextAfter\`. The end is reached when that is the Coffer-Position; where a filter matches little of a long log, a page before it may be empty. With Accept: ${NDJSON} the whole feed from \`after\` to the head, a line an event.`,
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
        problems: ['wallet_not_found', 'read_model_behind'],
        example: { data: [examples.event], nextAfter: '41' },
      },
    },
    handler: async (request, reply) => {
      const { ledger } = request;
      const { after = 0n, limit, type, walletId } = request.query;
      if (request.query.atLeast !== undefined) {
        await ledger.positions.waitFor({
          projections: [],
          position: request.query.atLeast,
          timeoutMs: ledger.waitMs,
        });
      }
      const head = await headPosition(ledger.readPool, ledger.ledgerId);
      if (after > head) {
        throw new InvalidRequestError(
          [{ path: 'after', message: `must not be beyond the head, which is ${head}` }],
          head,
        );
      }
      void reply.header('coffer-position', head.toString()).header('vary', 'accept');
      if (walletId !== undefined && !(await walletExists(ledger.readPool, ledger.ledgerId, walletId)))
        return sendProblem(reply, problemOfRefusal(walletNotFound(walletId), pathOf(request)));
      const wanted = { after, upTo: head, type, walletId };
      if (accepts(request.headers.accept, NDJSON)) {
        // Fastify would read a stream to its end only to throw it away.
        if (request.method === 'HEAD') return reply.header('content-type', NDJSON).send('');
        return streamFeed(reply, wanted);
      }
      const { rows, seen } = await readFeed(ledger.readPool, ledger.ledgerId, { ...wanted, limit });
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
    read: async ({ key }, query, ledger) => {
      const source = { projections: [], atLeast: query.atLeast };
      const { result, position } = await answerFrom(ledger, source, (tx) =>
        readRemembered(tx, ledger.ledgerId, key),
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

/** Reads a page only when the client has taken the one before: memory stays constant however slow it is. */
function streamFeed(reply: FastifyReply, wanted: Omit<FeedRequest, 'limit'>): FastifyReply {
  const { ledger, socket } = reply.request;
  async function* pages(): AsyncGenerator<string> {
    // Between two lines may be many pages that show nothing. While nothing is sent, that the client has hung up shows
    // only in that it says no more: the connection stays half open until something is.
    for (let { after } = wanted; after < wanted.upTo && !stream.destroyed && !socket.readableEnded;) {
      const page = await readFeed(ledger.readPool, ledger.ledgerId, { ...wanted, after, limit: STREAM_PAGE });
      if (page.rows.length > 0) yield page.rows.map((row) => `${JSON.stringify(feedEvent(row))}\n`).join('');
      after = page.seen;
    }
  }
  const stream = Readable.from(pages(), { highWaterMark: 1 });
  return reply.header('content-type', NDJSON).send(stream);
}
