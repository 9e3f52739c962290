/** How something is set going that writes nothing to the log: without a key, since to ask twice is to ask once. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { headPosition } from '../events/head.ts';
import type { LedgerServices } from './deps.ts';
import type { ProblemCode } from './problems.ts';

export type ActionRoute<Params extends z.ZodType> = {
  readonly url: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly params: Params;
  /** 202: it goes on after the answer. */
  readonly status: 200 | 202;
  readonly answer: z.ZodType;
  readonly example: unknown;
  readonly problems: readonly ProblemCode[];
  /** Resolves to the body; throws RefusedError. */
  readonly act: (params: z.output<Params>, ledger: LedgerServices) => Promise<unknown>;
};

export function actionRoute<Params extends z.ZodType>(
  app: FastifyInstance,
  route: ActionRoute<Params>,
): void {
  const { operationId, example, status, problems } = route;
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: route.url,
    schema: {
      tags: [route.tag],
      summary: route.summary,
      description: route.description,
      params: route.params,
      querystring: z.strictObject({}),
      body: z.strictObject({}),
      response: { [status]: route.answer },
    },
    config: {
      facts: {
        ...{ operationId, example },
        problems: [...problems, 'payload_too_large', 'unsupported_media_type'],
      },
    },
    preValidation: async (request) => {
      // No body says as much as an empty one.
      if (request.body === undefined) request.body = {};
    },
    handler: async (request, reply) => {
      const { ledger } = request;
      const position = await headPosition(ledger.readPool, ledger.ledgerId);
      void reply.header('coffer-position', position.toString());
      const body = await route.act(request.params as z.output<Params>, ledger);
      return reply
        .code(status)
        .header('content-type', 'application/json; charset=utf-8')
        .send(JSON.stringify(body));
    },
  });
}
