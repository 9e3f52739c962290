/** How a query is served. A handler gives the body and the position it holds at. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ProblemCode } from './problems.ts';

export type QueryAnswer = { readonly body: unknown; readonly position: bigint };

export type QueryRoute<Params extends z.ZodType, Query extends z.ZodType> = {
  readonly url: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly answer: z.ZodType;
  readonly example?: unknown;
  readonly problems: readonly ProblemCode[];
  readonly read: (params: z.output<Params>, query: z.output<Query>, request: FastifyRequest) => Promise<QueryAnswer>;
};

const nothing = z.strictObject({});

export function queryRoute<Params extends z.ZodType, Query extends z.ZodType>(
  app: FastifyInstance,
  route: QueryRoute<Params, Query>,
): void {
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
    config: { facts: { problems: route.problems, example: route.example } },
    handler: async (request, reply) => {
      const { body, position } = await route.read(
        request.params as z.output<Params>,
        request.query as z.output<Query>,
        request,
      );
      return reply
        .header('coffer-position', position.toString())
        .header('content-type', 'application/json; charset=utf-8')
        .send(JSON.stringify(body));
    },
  });
}
