import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { readProjectionStatus } from '../../projections/queries/projection-status.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import type { HttpDeps, LedgerServices } from '../deps.ts';
import { drift as driftExample } from '../audit-examples.ts';
import * as examples from '../examples.ts';
import { atLeast } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { drift, health, projectionStatus, readiness } from '../operation-resources.ts';
import { listOf } from '../resources.ts';

export function operationRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const startedAt = new Date().toISOString();

  app.get(
    '/health',
    {
      schema: { tags: ['operations'], summary: 'The process is alive', response: { 200: health } },
      config: {
        access: 'open',
        facts: { operationId: 'getHealth', problems: [], ledger: false, example: examples.health },
      },
    },
    () => ({ status: 'ok', startedAt }),
  );

  app.get(
    '/ready',
    {
      schema: {
        tags: ['operations'],
        summary: 'The service can do its work',
        description:
          'The database answers, migrations are applied, demo data (if any) is written and projected.',
        response: { 200: readiness, 503: readiness },
      },
      config: {
        access: 'open',
        facts: { operationId: 'getReadiness', problems: [], ledger: false, example: examples.readiness },
      },
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
        response: {
          200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } },
        },
      },
      config: { facts: { operationId: 'getMetrics', problems: [], ledger: false } },
    },
    async (request, reply) =>
      reply
        .header('content-type', deps.metrics.contentType)
        .send(await deps.metrics.text(request.ledger.metrics)),
  );

  queryRoute(app, {
    url: '/projections',
    operationId: 'listProjections',
    tag: 'operations',
    summary: 'How far the read models have come',
    description:
      'With atLeast it answers once all of them have reached that position. `drift` is what the sentinel makes of the log: it derives it again, all the time.',
    query: z.strictObject({ atLeast }),
    answer: listOf(projectionStatus).extend({ drift }),
    example: { ...examples.listOf(examples.projection), drift: driftExample },
    problems: ['read_model_behind'],
    read: async (_params, query, ledger) => {
      if (query.atLeast !== undefined) await reachedByAll(ledger, query.atLeast);
      const source = { projections: [], atLeast: undefined };
      const { result, position } = await answerFrom(ledger, source, (tx) =>
        readProjectionStatus(tx, ledger.ledgerId),
      );
      const { verified, checkedAt, count, findings } = await ledger.audit.drift();
      const found = {
        verifiedPosition: verified.toString(),
        checkedAt,
        findings: count.toString(),
        latest: findings,
      };
      return { body: { data: result, nextCursor: null, drift: found }, position };
    },
  });
}

async function reachedByAll(ledger: LedgerServices, position: bigint): Promise<void> {
  const projections = (await readProjectionStatus(ledger.readPool, ledger.ledgerId)).map(({ name }) => name);
  await ledger.positions.waitFor({ projections, position, timeoutMs: ledger.waitMs });
}
