/** Builds the HTTP server; listening is somebody else's business, so that tests can inject requests. */
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { OperationalError } from '../errors.ts';
import { uuidv7 } from '../uuid.ts';
import { installBodyParser } from './body-parser.ts';
import { identifyCallers } from './callers.ts';
import { answerTheUnexpected, answerUnreadable } from './client-error.ts';
import { compileValidator } from './compile-validator.ts';
import type { HttpDeps } from './deps.ts';
import { installErrorHandling, problemOfError, sendProblem } from './error-handler.ts';
import { installOpenApi } from './openapi.ts';
import { originFaultOf, pathOfTarget, type OriginRules } from './origins.ts';
import { refuseUnderPressure } from './pressure.ts';
import { encodingFaultOf } from './query-params.ts';
import { limitRate } from './rate-limit.ts';
import { assetRoutes } from './routes/assets.ts';
import { auditRoutes } from './routes/audit.ts';
import { balanceRoute, dailyBalancesRoute } from './routes/balances.ts';
import { batchRoute } from './routes/batch.ts';
import { exportRoute } from './routes/export.ts';
import { figuresRoute } from './routes/figures.ts';
import { holdRoutes } from './routes/holds.ts';
import { keyRoutes } from './routes/keys.ts';
import { limitRoutes } from './routes/limits.ts';
import { logRoutes } from './routes/log.ts';
import { operationRoutes } from './routes/operations.ts';
import { pageRoutes } from './routes/pages.ts';
import { rebuildRoutes } from './routes/rebuilds.ts';
import { scheduledRoutes } from './routes/scheduled.ts';
import { streamRoute } from './routes/stream.ts';
import { transactionRoutes } from './routes/transactions.ts';
import { userRoutes } from './routes/users.ts';
import { verificationRoutes } from './routes/verifications.ts';
import { walletRoutes } from './routes/wallets.ts';
import { setApiHeaders } from './security-headers.ts';
import {
  boundConnections,
  HEADERS_TIMEOUT_MS,
  LATE_REQUESTS_CHECK_MS,
  REQUEST_TIMEOUT_MS,
  type ReadingRules,
} from './slow-clients.ts';
import { boundStreams } from './streams.ts';

/** A key of 255 characters may be percent-encoded in a path. */
const MAX_PARAM_LENGTH = 3 * 255;
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 16_384;

const SANE_REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

export type ServerLimits = {
  readonly bodyLimitBytes: number;
  readonly rateLimit: number;
  readonly maxConnections: number;
  readonly maxStreams: number;
  readonly maxLagMs: number;
  readonly reading?: ReadingRules;
};

export type ServerOptions = {
  readonly logger: FastifyBaseLogger;
  readonly origins: OriginRules;
  readonly limits: ServerLimits;
};

export async function buildServer(deps: HttpDeps, options: ServerOptions): Promise<FastifyInstance> {
  const app = createServer(options);
  const { limits } = options;
  installBodyParser(app);
  app.decorateRequest('sentBody', null);
  guardEveryRequest(app, options.origins);
  identifyCallers(app, deps);
  await refuseUnderPressure(app, limits.maxLagMs);
  await limitRate(app, limits.rateLimit);
  installErrorHandling(app);
  answerTheUnexpected(app.server);
  boundConnections(app, limits);
  boundStreams(app, limits.maxStreams);

  await installOpenApi(app);
  userRoutes(app);
  assetRoutes(app);
  walletRoutes(app);
  balanceRoute(app);
  dailyBalancesRoute(app);
  limitRoutes(app);
  transactionRoutes(app);
  batchRoute(app);
  holdRoutes(app);
  scheduledRoutes(app);
  logRoutes(app);
  streamRoute(app);
  auditRoutes(app);
  verificationRoutes(app);
  exportRoute(app);
  operationRoutes(app, deps);
  figuresRoute(app);
  rebuildRoutes(app, deps);
  keyRoutes(app, deps);
  await app.register(pageRoutes, { keys: deps.keys });
  return app;
}

function createServer({ logger, limits }: ServerOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: logger,
    // One line a request would cost more than the request: failures are logged, metrics count the rest.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    rewriteUrl: pathOfTarget,
    http: {
      // A header that is sent twice, of those that are sent once, is no choice between the two.
      joinDuplicateHeaders: true,
      // Who sends no Host is told so by the guard.
      requireHostHeader: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: LATE_REQUESTS_CHECK_MS,
    },
    // One logger for all: what is logged of a request names its id.
    childLoggerFactory: (logger) => logger,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: (request) => {
      const own = request.headers['x-request-id'];
      return typeof own === 'string' && SANE_REQUEST_ID.test(own) ? own : uuidv7();
    },
    frameworkErrors: (error, request, reply) => {
      const path = request.url.split('?', 1)[0] ?? request.url;
      void reply.header('x-request-id', request.id);
      setApiHeaders(reply);
      void sendProblem(reply, problemOfError(error, path));
    },
    clientErrorHandler: answerUnreadable,
  });
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(() => JSON.stringify);
  return app;
}

/** In one hook, since each one costs every request. */
function guardEveryRequest(app: FastifyInstance, origins: OriginRules): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    setApiHeaders(reply);
    if (!closing) return done(originFaultOf(request, origins) ?? encodingFaultOf(request.url));
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
