/** Answers without an end that is known, such as the whole feed: so many at once, since each occupies the database again and again. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { OperationalError } from '../errors.ts';
import { EVENT_STREAM } from './media-types.ts';

export function boundStreams(app: FastifyInstance, maxStreams: number): void {
  let open = 0;
  app.addHook('onSend', (_request, reply, payload, done) => {
    // Files are streams of a known length.
    if (!(payload instanceof Readable) || reply.hasHeader('content-length')) return done(null, payload);
    // Who follows the feed mostly waits, and has a bound of its own.
    if (reply.getHeader('content-type') === EVENT_STREAM) return done(null, payload);
    if (open >= maxStreams) {
      payload.destroy();
      const message = `There are ${maxStreams} streams open already.`;
      return done(new OperationalError('overloaded', message, { retryAfterSeconds: 5 }));
    }
    open += 1;
    reply.raw.once('close', () => (open -= 1));
    return done(null, payload);
  });
}
