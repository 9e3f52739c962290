/** How a write is served: key, body, queue, answer. Every command route is a line that calls this. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isUsableKey } from '../commands/idempotency.ts';
import type { Command } from '../commands/schemas.ts';
import type { Answer } from '../commands/submission.ts';
import { canonicalJson } from '../events/canonical.ts';
import type { HttpDeps } from './deps.ts';
import { RequestFaultError, pathOf, sendProblem } from './error-handler.ts';
import { problemOf, problemOfRefusal, type ProblemCode } from './problems.ts';

const ACTOR_BEFORE_KEYS = 'anonymous';

const noQuery = z.strictObject({});

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
};

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was sent, before validation: what the fingerprint is taken of. */
    sentBody: unknown;
  }
}

/** Runs before validation, so that a missing key is said before a missing field. */
function takeKeyAndBody(request: FastifyRequest): void {
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
  request.sentBody = request.body;
}

export function commandRoute<Body extends z.ZodType, Params extends z.ZodType>(
  app: FastifyInstance,
  deps: HttpDeps,
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
      querystring: noQuery,
      body: route.body,
      response: { 201: route.answer },
    },
    config: { facts: { operationId, writes: { bodyName, bodyExample }, problems, example } },
    preValidation: async (request) => takeKeyAndBody(request),
    handler: async (request, reply) => {
      const params = request.params as z.output<Params>;
      const command = route.command(params, request.body as z.output<Body>);
      const answer = await deps.submit({
        command,
        idempotencyKey: request.headers['idempotency-key'] as string,
        canonicalRequest: canonicalJson({ command: route.kind, params, body: request.sentBody }),
        actor: ACTOR_BEFORE_KEYS,
        correlationId: request.id,
      });
      deps.metrics.commands.inc({ command: route.kind, outcome: outcomeLabel(answer) });
      return sendAnswer(request, reply, answer);
    },
  });
}

function outcomeLabel({ outcome, replayed }: Answer): string {
  if (replayed) return 'replayed';
  switch (outcome.kind) {
    case 'accepted':
      return 'accepted';
    case 'refused':
      return outcome.refusal.code;
    case 'erased':
      return 'subject_erased';
  }
}

function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  const { outcome, position, replayed } = answer;
  if (position !== null) void reply.header('coffer-position', position.toString());
  if (replayed) void reply.header('idempotent-replayed', 'true');
  switch (outcome.kind) {
    case 'accepted':
      return reply
        .code(201)
        .header('content-type', 'application/json; charset=utf-8')
        .send(JSON.stringify(outcome.body));
    case 'refused':
      return sendProblem(reply, problemOfRefusal(outcome.refusal, pathOf(request)));
    case 'erased':
      return sendProblem(
        reply,
        problemOf(
          'subject_erased',
          'The first answer showed personal data that was erased.',
          pathOf(request),
        ),
      );
  }
}
