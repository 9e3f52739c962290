/** How a query is served. A handler gives the body, or why there is none, and the position it holds at. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Refusal } from '../errors.ts';
import type { LedgerServices } from './deps.ts';
import { pathOf, sendProblem } from './error-handler.ts';
import { problemOfRefusal, type ProblemCode } from './problems.ts';

export type QueryAnswer =
  | { readonly body: unknown; readonly position: bigint }
  | { readonly refusal: Refusal; readonly position: bigint };

export type QueryRoute<Params extends z.ZodType, Query extends z.ZodType> = {
  readonly url: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly answer: z.ZodType;
  readonly example: unknown;
  readonly problems: readonly ProblemCode[];
  readonly read: (
    params: z.output<Params>,
    query: z.output<Query>,
    ledger: LedgerServices,
  ) => Promise<QueryAnswer>;
};

const nothing = z.strictObject({});

export function queryRoute<Params extends z.ZodType, Query extends z.ZodType>(
  app: FastifyInstance,
  route: QueryRoute<Params, Query>,
): void {
  const { operationId, problems, example } = route;
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'GET',
    url: route.url,
    schema: {
      tags: [route.tag],
      summary: route.summary,
      ...(route.description === undefined ? {} : { description: route.description }),
      params: route.params ?? nothing,
      querystring: route.query ?? nothing,
      response: { 200: route.answer },
    },
    config: { facts: { operationId, problems, example } },
    handler: async (request, reply) => {
      const answer = await route.read(
        request.params as z.output<Params>,
        request.query as z.output<Query>,
        request.ledger,
      );
      void reply.header('coffer-position', answer.position.toString());
      if ('refusal' in answer) return sendProblem(reply, problemOfRefusal(answer.refusal, pathOf(request)));
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(JSON.stringify(answer.body));
    },
  });
}
