/** Headers that tell browsers what not to do. Answers of the API get the two that matter for JSON, pages what helmet thinks of. */
import helmet from '@fastify/helmet';
import type { FastifyInstance, FastifyReply } from 'fastify';

const API_HEADERS = { 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' };

/** JSON is no page: it is not to be taken for anything else, nor embedded by other sites. Each header costs every answer. */
export function setApiHeaders(reply: FastifyReply): void {
  void reply.headers(API_HEADERS);
}

/** For the routes of this scope. */
export async function installPageHeaders(scope: FastifyInstance): Promise<void> {
  // helmet writes to the raw reply, where those of the API would come after its own and win.
  scope.addHook('onRequest', (_request, reply, done) => {
    for (const name of Object.keys(API_HEADERS)) reply.removeHeader(name);
    done();
  });
  await scope.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whether there is HTTPS is known to what stands before the service.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  });
}
