/** Turns whatever was thrown into problem+json. What is not known is a bug: logged whole, answered without details. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { classifyFailure } from '../db/failures.ts';
import { InvalidRequestError, OperationalError, RefusedError } from '../errors.ts';
import { problemOf, problemOfRefusal, type Problem, type RequestFaultCode } from './problems.ts';

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

export function pathOf(request: FastifyRequest): string {
  const query = request.url.indexOf('?');
  return query === -1 ? request.url : request.url.slice(0, query);
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
}

export function installErrorHandling(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOfError(error, pathOf(request));
    if (problem.status >= 500) logFault(request, problem, error);
    const retryAfterSeconds = retryAfter(error, problem);
    if (retryAfterSeconds !== null) void reply.header('retry-after', retryAfterSeconds.toString());
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    return sendProblem(reply, problemOf('not_found', `There is no ${request.method} ${path}.`, path));
  });
}

function logFault(request: FastifyRequest, problem: Problem, error: FastifyError): void {
  if (problem.status === 500) request.log.error({ err: error }, 'a request failed');
  else request.log.warn({ code: problem.code, reason: error.message }, 'a request was turned away');
}

function retryAfter(error: unknown, problem: Problem): number | null {
  if (error instanceof OperationalError) return error.retryAfterSeconds;
  return problem.status === 503 ? 1 : null;
}

export function problemOfError(error: FastifyError | Error, instance: string): Problem {
  if (error instanceof RefusedError) return problemOfRefusal(error.refusal, instance);
  if (error instanceof OperationalError || error instanceof RequestFaultError) {
    return problemOf(error.code, error.message, instance);
  }
  if (error instanceof InvalidRequestError) return validationProblem(error.errors, instance);
  if (hasZodFastifySchemaValidationErrors(error)) {
    const context = (error as FastifyError).validationContext;
    const errors = error.validation.map((issue) => ({
      path: fieldPath(context, issue.instancePath),
      message: issue.message ?? 'is not valid',
    }));
    return validationProblem(errors, instance);
  }
  return problemOfFramework(error, instance);
}

/** The name of the field, of the body, query or path; the place itself where no field is to blame. */
function fieldPath(context: string | undefined, instancePath: string): string {
  const field = instancePath.slice(1).replaceAll('/', '.');
  return field === '' ? (context ?? 'body') : field;
}

function validationProblem(errors: readonly { path: string; message: string }[], instance: string): Problem {
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return problemOf('validation_failed', detail.slice(0, 1_000), instance, { errors: errors.slice(0, 100) });
}

function problemOfFramework(error: FastifyError | Error, instance: string): Problem {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return problemOf('payload_too_large', error.message, instance);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return problemOf('unsupported_media_type', 'The body must be sent as application/json.', instance);
  }
  if (status >= 400 && status < 500) return validationProblem([{ path: 'body', message: error.message }], instance);
  if (classifyFailure(error) === 'unavailable') {
    return problemOf('database_unavailable', 'The database does not answer right now.', instance);
  }
  return problemOf('internal_error', 'The service failed on this request.', instance);
}
