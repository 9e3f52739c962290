/** Builds the HTTP server; listening is somebody else's business, so that tests can inject requests. */
import { randomUUID } from 'node:crypto';
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { OperationalError } from '../errors.ts';
import { installBodyParser } from './body-parser.ts';
import { answerUnreadable } from './client-error.ts';
import type { HttpDeps } from './deps.ts';
import { installErrorHandling, problemOfError, sendProblem } from './error-handler.ts';
import { installOpenApi } from './openapi.ts';
import { assetRoutes } from './routes/assets.ts';
import { auditRoutes } from './routes/audit.ts';
import { batchRoute } from './routes/batch.ts';
import { holdRoutes } from './routes/holds.ts';
import { limitRoutes } from './routes/limits.ts';
import { logRoutes } from './routes/log.ts';
import { operationRoutes } from './routes/operations.ts';
import { pageRoutes } from './routes/pages.ts';
import { scheduledRoutes } from './routes/scheduled.ts';
import { transactionRoutes } from './routes/transactions.ts';
import { userRoutes } from './routes/users.ts';
import { walletRoutes } from './routes/wallets.ts';

/** A key of 255 characters may be percent-encoded in a path. */
const MAX_PARAM_LENGTH = 3 * 255;
/** A request must have arrived whole within this time: slow clients are cut off. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often connections are looked over for requests that are late. */
const LATE_REQUESTS_CHECK_MS = 5_000;
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 16_384;

const SANE_REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

export async function buildServer(
  deps: HttpDeps,
  options: { logger: FastifyBaseLogger; bodyLimitBytes: number },
): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.logger,
    // One line a request would cost more than the request: failures are logged, metrics count the rest.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    http: { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: LATE_REQUESTS_CHECK_MS },
    // One logger for all: what is logged of a request names its id.
    childLoggerFactory: (logger) => logger,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: (request) => {
      const own = request.headers['x-request-id'];
      return typeof own === 'string' && SANE_REQUEST_ID.test(own) ? own : randomUUID();
    },
    frameworkErrors: (error, request, reply) => {
      const path = request.url.split('?', 1)[0] ?? request.url;
      void reply.header('x-request-id', request.id);
      void sendProblem(reply, problemOfError(error, path));
    },
    clientErrorHandler: answerUnreadable,
  });
  app.setValidatorCompiler((route) =>
    // Headers are in the schemas for the document; the hooks check them.
    route.httpPart === 'headers' ? () => true : (validatorCompiler as (of: unknown) => never)(route),
  );
  app.setSerializerCompiler(() => JSON.stringify);
  installBodyParser(app);
  app.decorateRequest('sentBody', null);
  installErrorHandling(app);
  refuseWhileClosing(app);

  await installOpenApi(app);
  userRoutes(app, deps);
  assetRoutes(app, deps);
  walletRoutes(app, deps);
  limitRoutes(app, deps);
  transactionRoutes(app, deps);
  batchRoute(app, deps);
  holdRoutes(app, deps);
  scheduledRoutes(app, deps);
  logRoutes(app, deps);
  auditRoutes(app, deps);
  operationRoutes(app, deps);
  await pageRoutes(app);
  return app;
}

function refuseWhileClosing(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    if (!closing) return done();
    void reply.header('connection', 'close');
    return done(
      new OperationalError('shutting_down', 'The service is shutting down.', { retryAfterSeconds: 1 }),
    );
  });
  // Else the connection of a request that was in flight would be kept, and waited for.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) void reply.header('connection', 'close');
    done(null, payload);
  });
}
