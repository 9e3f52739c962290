/** Turns whatever was thrown into problem+json. What is not known is a bug: logged whole, answered without details. */
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError,
} from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { KeyError } from '../access/keys.ts';
import { InvalidRequestError, OperationalError, RefusedError } from '../errors.ts';
import { isDatabaseAway } from '../projections/queries/failures.ts';
import { createFaultLog } from './fault-log.ts';
import { problemOf, problemOfRefusal, type Problem } from './problems.ts';
import type { RequestFaultCode } from './request-problems.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** A fault of the request that is found before any schema is looked at. */
export class RequestFaultError extends Error {
  readonly code: RequestFaultCode;
  constructor(code: RequestFaultCode, message: string) {
    super(message);
    this.name = 'RequestFaultError';
    this.code = code;
  }
}

/** Who asks may not: says what would be needed. */
export class AccessError extends RequestFaultError {
  /** Of WWW-Authenticate, as RFC 6750 has it. */
  readonly challenge: string;
  readonly members: Readonly<Record<string, string>>;
  constructor(
    code: 'unauthenticated' | 'forbidden',
    message: string,
    more: { challenge: string; members: Readonly<Record<string, string>> },
  ) {
    super(code, message);
    this.name = 'AccessError';
    this.challenge = more.challenge;
    this.members = more.members;
  }
}

export function pathOf(request: FastifyRequest): string {
  const query = request.url.indexOf('?');
  return query === -1 ? request.url : request.url.slice(0, query);
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
}

export function installErrorHandling(app: FastifyInstance): void {
  const logFault = createFaultLog();
  app.setErrorHandler((error: FastifyError, request, reply) => {
    // A route takes an empty part for a parameter, but a path with one is none of its paths.
    const problem = namesNothing(request, error)
      ? noSuchPath(request)
      : problemOfError(error, pathOf(request));
    if (problem.status >= 500) logFault(request, problem, error);
    const retryAfterSeconds = retryAfter(error, problem);
    if (retryAfterSeconds !== null) void reply.header('retry-after', retryAfterSeconds.toString());
    if (error instanceof AccessError) void reply.header('www-authenticate', error.challenge);
    const position = positionOf(error);
    if (position !== null) void reply.header('coffer-position', position.toString());
    return sendProblem(reply, problem);
  });
  // Rates are limited by routes, and a path that is none counts too.
  const preHandler = app.hasDecorator('rateLimit') ? { preHandler: app.rateLimit() } : {};
  app.setNotFoundHandler(preHandler, (request, reply) => {
    return sendProblem(reply, noSuchPath(request));
  });
}

function noSuchPath(request: FastifyRequest): Problem {
  const path = pathOf(request);
  return problemOf('not_found', `There is no ${request.method} ${path}.`, path);
}

function namesNothing(request: FastifyRequest, error: FastifyError): boolean {
  if (error.validationContext !== 'params') return false;
  return Object.values(request.params as Readonly<Record<string, string>>).includes('');
}

function positionOf(error: unknown): bigint | null {
  return error instanceof OperationalError || error instanceof InvalidRequestError ? error.position : null;
}

function retryAfter(error: unknown, problem: Problem): number | null {
  if (error instanceof OperationalError) return error.retryAfterSeconds;
  return problem.status === 503 ? 1 : null;
}

export function problemOfError(error: FastifyError | Error, instance: string): Problem {
  if (error instanceof RefusedError) return problemOfRefusal(error.refusal, instance);
  if (error instanceof OperationalError || error instanceof RequestFaultError) {
    const members = error instanceof AccessError ? error.members : {};
    return problemOf(error.code, error.message, instance, members);
  }
  if (error instanceof KeyError) return problemOf(error.code, error.message, instance);
  if (error instanceof InvalidRequestError) return validationProblem(error.errors, instance);
  if (hasZodFastifySchemaValidationErrors(error)) {
    const context = (error as FastifyError).validationContext;
    return validationProblem(
      error.validation.flatMap((issue) => faultsOfIssue(context, issue)),
      instance,
    );
  }
  return problemOfFramework(error, instance);
}

type FieldFault = { readonly path: string; readonly message: string };

/** One fault a field; zod reports all unknown fields of an object as one issue of the object. */
function faultsOfIssue(context: string | undefined, issue: FastifySchemaValidationError): FieldFault[] {
  const place = issue.instancePath.slice(1).replaceAll('/', '.');
  if (issue.keyword === 'unrecognized_keys') {
    const { keys } = issue.params as { keys: string[] };
    return keys.map((key) => ({
      path: place === '' ? key : `${place}.${key}`,
      message: 'is not a known field',
    }));
  }
  // Where no field is to blame, the place itself is: body, querystring or params.
  return [{ path: place === '' ? (context ?? 'body') : place, message: issue.message ?? 'is not valid' }];
}

const MAX_FAULTS = 100;
const MAX_DETAIL_CHARS = 1_000;
/** Names of fields are the client's own and may be as long as its body. */
const MAX_PATH_CHARS = 200;

function validationProblem(faults: readonly FieldFault[], instance: string): Problem {
  const errors = faults
    .slice(0, MAX_FAULTS)
    .map(({ path, message }) => ({ path: path.slice(0, MAX_PATH_CHARS).toWellFormed(), message }));
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return problemOf('validation_failed', detail.slice(0, MAX_DETAIL_CHARS).toWellFormed(), instance, {
    errors,
  });
}

function problemOfFramework(error: FastifyError | Error, instance: string): Problem {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return problemOf('payload_too_large', error.message, instance);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return problemOf('unsupported_media_type', 'The body must be sent as application/json.', instance);
  }
  if (code === 'FST_ERR_BAD_URL') {
    return validationProblem([{ path: 'path', message: 'is not a well-formed URL path' }], instance);
  }
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') {
    return validationProblem([{ path: 'path', message: 'has a part that is too long' }], instance);
  }
  // Of what serves files, to paths that leave its folder.
  if (status === 403 || status === 404) return problemOf('not_found', 'There is no such file.', instance);
  if (status >= 400 && status < 500) {
    const path = code.startsWith('FST_ERR_CTP') || status === 400 ? 'body' : 'request';
    return validationProblem([{ path, message: error.message }], instance);
  }
  if (isDatabaseAway(error)) {
    return problemOf('database_unavailable', 'The database does not answer right now.', instance);
  }
  return problemOf('internal_error', 'The service failed on this request.', instance);
}
