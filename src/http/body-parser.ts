/** Bodies are JSON in UTF-8, uncompressed. Anything else is refused rather than guessed at. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { InvalidRequestError } from '../errors.ts';
import { RequestFaultError } from './error-handler.ts';

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
      void parseJson(request, body.toString(), done);
    }
  });
}
