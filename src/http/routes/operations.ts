import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { readProjectionStatus } from '../../projections/queries/projection-status.ts';
import type { HttpDeps } from '../deps.ts';
import * as examples from '../examples.ts';
import { queryRoute } from '../query-route.ts';
import { answerFrom } from '../read-model.ts';
import { listOf, projectionStatus } from '../resources.ts';

export function operationRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const startedAt = new Date().toISOString();

  app.get(
    '/health',
    {
      schema: {
        tags: ['operations'],
        summary: 'The process is alive',
        response: { 200: z.object({ status: z.literal('ok'), startedAt: z.string() }) },
      },
      config: { facts: { problems: [], ledger: false, example: { status: 'ok', startedAt } } },
    },
    () => ({ status: 'ok', startedAt }),
  );

  const readyBody = z.object({ status: z.enum(['ready', 'not_ready']), reason: z.string().nullable() });
  app.get(
    '/ready',
    {
      schema: {
        tags: ['operations'],
        summary: 'The service can do its work',
        description: 'The database answers, migrations are applied, demo data (if any) is written and projected.',
        response: { 200: readyBody, 503: readyBody },
      },
      config: { facts: { problems: [], ledger: false, example: { status: 'ready', reason: null } } },
    },
    async (_request, reply) => {
      const { ready, reason } = await deps.readiness();
      if (!ready) void reply.code(503).header('retry-after', '1');
      return reply.send({ status: ready ? 'ready' : 'not_ready', reason });
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        tags: ['operations'],
        summary: 'Metrics for Prometheus',
        response: { 200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } } },
      },
      config: { facts: { problems: [], ledger: false } },
    },
    async (_request, reply) =>
      reply.header('content-type', deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics()),
  );

  queryRoute(app, {
    url: '/projections',
    tag: 'operations',
    summary: 'How far the read models have come',
    answer: listOf(projectionStatus),
    example: examples.listOf(examples.projection),
    problems: [],
    read: async () => {
      const { result, position } = await answerFrom(deps, { projections: [], atLeast: undefined }, (tx) =>
        readProjectionStatus(tx, deps.ledgerId),
      );
      return { body: { data: result, nextCursor: null }, position };
    },
  });
}
