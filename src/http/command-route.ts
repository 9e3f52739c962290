/** How a write is served: key, body, queue, answer. Every command route is a line that calls this. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isUsableKey } from '../commands/idempotency.ts';
import type { Command } from '../commands/schemas.ts';
import type { Answer } from '../commands/submission.ts';
import { canonicalJson } from '../events/canonical.ts';
import type { Body as Resource } from '../events/body.ts';
import { requireScopeFor } from './callers.ts';
import { asDryRun, placed, send, tell, tellDryRun } from './command-answer.ts';
import { RequestFaultError } from './error-handler.ts';
import type { ProblemCode } from './problems.ts';
import { scheduledOf } from './schedule-examples.ts';
import { dryRunAnswer, writtenSchedule } from './transaction-resources.ts';

const noQuery = z.strictObject({});

export const dryRunQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'true: say what would be, with 200; nothing is written and no key is needed.' }),
});

export type CommandRoute<Body extends z.ZodType, Params extends z.ZodType> = {
  readonly url: string;
  readonly operationId: string;
  readonly kind: Command['kind'];
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: Params;
  readonly body: Body;
  /** What the document calls the body: routes may share one. */
  readonly bodyName: string;
  readonly bodyExample: unknown;
  readonly answer: z.ZodType;
  readonly example: unknown;
  readonly problems: readonly ProblemCode[];
  readonly command: (params: z.output<Params>, body: z.output<Body>) => Command;
  /** With ?dryRun=true the answer is only what it would be. */
  readonly dryRun?: boolean;
  /** With `executeAt` in the body the answer is a 202: it is done then. */
  readonly schedulable?: boolean;
};

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was sent, before validation: what the fingerprint is taken of. */
    sentBody: unknown;
  }
}

/** Runs before validation, so that a missing key is said before a missing field. */
function takeKeyAndBody(request: FastifyRequest): void {
  request.sentBody = request.body;
  const key = request.headers['idempotency-key'];
  if (key === undefined || key === '') {
    throw new RequestFaultError('idempotency_key_missing', 'This request needs an Idempotency-Key header.');
  }
  if (typeof key !== 'string' || !isUsableKey(key)) {
    throw new RequestFaultError(
      'idempotency_key_invalid',
      'An Idempotency-Key has 1 to 255 visible ASCII characters and no spaces.',
    );
  }
}

export function isDryRun(request: FastifyRequest): boolean {
  return (request.query as { dryRun?: unknown }).dryRun === 'true';
}

export function commandRoute<Body extends z.ZodType, Params extends z.ZodType>(
  app: FastifyInstance,
  route: CommandRoute<Body, Params>,
): void {
  const { operationId, problems, example, bodyName, bodyExample } = route;
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: route.url,
    schema: {
      tags: [route.tag],
      summary: route.summary,
      ...(route.description === undefined ? {} : { description: route.description }),
      params: route.params,
      querystring: route.dryRun === true ? dryRunQuery : noQuery,
      body: route.body,
      response: {
        201: route.answer,
        ...(route.dryRun === true ? { 200: dryRunAnswer } : {}),
        ...(route.schedulable === true ? { 202: writtenSchedule } : {}),
      },
    },
    config: {
      facts: {
        ...{ operationId, writes: { bodyName, bodyExample }, problems, example },
        ...(route.dryRun === true ? { dryRunExample: asDryRun(example as Resource) } : {}),
        ...(route.schedulable === true ? { scheduledExample: scheduledOf(route.kind, bodyExample) } : {}),
      },
    },
    preValidation: (request, _reply, done) => {
      // No body says as much as an empty one: of commands whose fields are all optional, enough.
      if (request.body === undefined) request.body = {} as never;
      if (route.dryRun === true && isDryRun(request)) request.sentBody = request.body;
      else takeKeyAndBody(request);
      done();
    },
    handler: async (request, reply) => {
      const params = request.params as z.output<Params>;
      const command = route.command(params, request.body as z.output<Body>);
      requireScopeFor(request, command);
      const instance = fillIn(route.url, params as Record<string, string>);
      const asked = {
        command,
        idempotencyKey: request.headers['idempotency-key'] as string,
        canonicalRequest: canonicalJson({ body: request.sentBody, command: route.kind, params }),
        actor: request.actor,
        correlationId: request.id,
      };
      if (route.dryRun === true && isDryRun(request)) {
        const { settlement, headPosition } = await request.ledger.dryRun([asked], false);
        const [answer] = settlement.kind === 'answered' ? settlement.answers : [];
        if (answer === undefined) throw new Error('a dry run of one command has no answer');
        return send(reply, { ...tellDryRun(answer, instance), position: headPosition });
      }
      const answer = await request.ledger.submit(asked);
      request.ledger.metrics.commands.count(route.kind, outcomeLabel(answer));
      if (answer.replayed) void reply.header('idempotent-replayed', 'true');
      return send(reply, await placed(tell(answer, instance), request.ledger));
    },
  });
}

/** The request's path, with its parameters as they are understood: the same for each spelling of an id. */
function fillIn(url: string, params: Readonly<Record<string, string>>): string {
  if (!url.includes(':')) return url;
  return url.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

export function outcomeLabel({ outcome, replayed }: Answer): string {
  if (replayed) return 'replayed';
  switch (outcome.kind) {
    case 'accepted':
      return 'accepted';
    case 'refused':
      return outcome.refusal.code;
    case 'erased':
      return 'subject_erased';
    case 'invalid':
    case 'nothing':
      return outcome.kind;
  }
}
