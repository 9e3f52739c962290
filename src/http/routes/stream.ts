/** The feed as server-sent events, for as long as somebody listens. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { InvalidRequestError, OperationalError } from '../../errors.ts';
import { headPosition } from '../../events/head.ts';
import type { Tail, TailPage } from '../../events/tail.ts';
import { EVENT_STREAM } from '../media-types.ts';
import { positionParam, textParam } from '../query-params.ts';

export const STREAM_BOUNDS = {
  /** Of the process. */
  streams: 100,
  /** Proxies and browsers give up a connection on which nothing is said. */
  keepAliveMs: 15_000,
};

/** At a stop a stream has so long to end. */
const END_MS = 500;
/** A browser that lost its stream asks again after so long. */
const RETRY_MS = 1_000;

type Stream = { readonly end: () => void; readonly cutOff: () => void };

export function streamRoute(app: FastifyInstance, bounds = STREAM_BOUNDS): void {
  const open = new Set<Stream>();
  // Else the streams that are open would be waited for, and those that are not read for ever.
  app.addHook('preClose', (done) => {
    for (const stream of open) stream.end();
    setTimeout(() => {
      for (const stream of open) stream.cutOff();
    }, END_MS).unref();
    done();
  });

  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'GET',
    url: '/events/stream',
    schema: {
      tags: ['log'],
      summary: 'The event feed as it grows, as server-sent events',
      description:
        'An event each, `id` its position and `event` its type; `data` is what GET /events shows. Goes on after `Last-Event-ID`, which a browser sends by itself when it lost its stream, else after `after`, else at the head. A comment each 15 seconds shows that it is alive. Who does not read is cut off after 30 seconds. At most 100 at a time.',
      querystring: z.strictObject({
        after: positionParam
          .optional()
          .meta({ description: 'Events after this position; default: those to come.' }),
        type: textParam(64)
          .optional()
          .meta({ description: 'Only of this type.', examples: ['transaction.posted'] }),
      }),
      response: {
        200: {
          description: 'Events in the order of their positions, without end',
          content: { 'text/event-stream': { schema: z.string() } },
        },
      },
    },
    config: { facts: { operationId: 'streamEvents', problems: ['overloaded'] } },
    handler: async (request, reply) => {
      const { readPool, ledgerId, tail } = request.ledger;
      const asked = lastEventId(request) ?? request.query.after;
      const head = await headPosition(readPool, ledgerId);
      const after = asked ?? head;
      if (after > head) {
        const path = request.headers['last-event-id'] === undefined ? 'after' : 'Last-Event-ID';
        throw new InvalidRequestError(
          [{ path, message: `must not be beyond the head, which is ${head}` }],
          head,
        );
      }
      if (open.size >= bounds.streams) {
        const message = `There are ${bounds.streams} streams already, which is as many as there can be.`;
        throw new OperationalError('overloaded', message, { retryAfterSeconds: 5 });
      }
      void reply
        .header('content-type', EVENT_STREAM)
        .header('coffer-position', head.toString())
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        // A connection that was a stream is of no further use, and at a stop would be waited for.
        .header('connection', 'close');
      if (request.method === 'HEAD') return reply.send('');
      return send(reply, open, { tail, after, type: request.query.type, bounds });
    },
  });
}

type Wanted = {
  readonly tail: Tail;
  readonly after: bigint;
  readonly type: string | undefined;
  readonly bounds: typeof STREAM_BOUNDS;
};

function send(reply: FastifyReply, open: Set<Stream>, wanted: Wanted): FastifyReply {
  const { socket } = reply.request.raw;
  const ending = new AbortController();
  const stream = { end: () => ending.abort(), cutOff: () => void socket.destroy() };
  // While nothing is sent, that the client has hung up shows only in that it says no more.
  socket.once('end', stream.end);
  reply.raw.once('close', stream.end);
  if (socket.destroyed) stream.end();
  const { tail, bounds, ...from } = wanted;
  const pages = tail.follow({ ...from, idleMs: bounds.keepAliveMs, signal: ending.signal });
  const body = Readable.from(texts(pages, from), { highWaterMark: 1 });
  open.add(stream);
  body.once('close', () => open.delete(stream));
  return reply.send(body);
}

const lastEventIdText = z.string().pipe(positionParam);

/** Null where there is none. */
function lastEventId(request: FastifyRequest): bigint | null {
  const sent = request.headers['last-event-id'];
  if (sent === undefined || sent === '') return null;
  const parsed = lastEventIdText.safeParse(sent);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidRequestError([{ path: 'Last-Event-ID', message: issue?.message ?? 'must be a position' }]);
}

/** Asks for the next page once the one before was taken; who takes none is cut off as on any connection. */
async function* texts(
  pages: AsyncGenerator<TailPage>,
  { after, type }: { after: bigint; type: string | undefined },
): AsyncGenerator<string> {
  // The id alone tells a browser where to go on, should it lose the stream before the first event.
  yield `: after ${after}\nid: ${after}\nretry: ${RETRY_MS}\n\n`;
  for await (const page of pages) yield textOf(page, type !== undefined);
}

/** Where only one type is asked for, the others count as seen: nobody has to look through them again. */
function textOf({ events, seen }: TailPage, filtered: boolean): string {
  if (events.length === 0) return filtered ? `: keep-alive\nid: ${seen}\n\n` : ': keep-alive\n\n';
  return events
    .map(({ position, type, json }) => `id: ${position}\nevent: ${type}\ndata: ${json}\n\n`)
    .join('');
}
