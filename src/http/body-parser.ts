/** Bodies are JSON in UTF-8, uncompressed. Anything else is refused rather than guessed at. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { InvalidRequestError } from '../errors.ts';
import { RequestFaultError } from './error-handler.ts';

/** Nothing that can be asked for is deeper than half of it. */
export const MAX_DEPTH = 16;

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

export function installBodyParser(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const charset = CHARSET.exec(request.headers['content-type'] ?? '')?.[1] ?? 'utf-8';
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (!/^utf-?8$/i.test(charset)) {
      done(new RequestFaultError('unsupported_media_type', 'The body must be sent in UTF-8.'));
    } else if (encoding.toLowerCase() !== 'identity') {
      done(
        new RequestFaultError('unsupported_media_type', 'The body must be sent without Content-Encoding.'),
      );
    } else if (!isUtf8(body)) {
      done(new InvalidRequestError([{ path: 'body', message: 'must be UTF-8' }]));
    } else {
      void parseJson(request, body.toString(), (error, value: unknown) => {
        if (error === null && isDeeperThan(value, MAX_DEPTH)) done(TOO_DEEP);
        else done(error, value);
      });
    }
  });
}

const TOO_DEEP = new InvalidRequestError([
  { path: 'body', message: `must not be nested deeper than ${MAX_DEPTH}` },
]);

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
