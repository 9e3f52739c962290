/** What the process does right now, for those who operate it: the figures of GET /metrics that a page shows. */
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { readJobQueues } from '../../projections/queries/job-queues.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import type { LedgerMetrics } from '../../metrics.ts';
import { operations as operationsExample } from '../operation-examples.ts';
import { operations } from '../operation-resources.ts';
import { isProblemCode } from '../problems.ts';
import { queryRoute } from '../query-route.ts';

export function figuresRoute(app: FastifyInstance): void {
  const startedAt = new Date().toISOString();
  queryRoute(app, {
    url: '/operations',
    operationId: 'getOperations',
    tag: 'operations',
    summary: 'What the process does right now: queue, batches, refusals, jobs',
    description:
      'Of the process that answers: several of them have each their own figures, but for the jobs, which are of the database. Jobs, commands and batches are those of the ledger. A percentile of a duration is at most a fifth too high.',
    query: z.strictObject({}),
    answer: operations,
    example: operationsExample,
    problems: [],
    read: async (_params, _query, ledger) => {
      const { result: jobs, position } = await answerFrom(
        ledger,
        { projections: [], atLeast: undefined },
        (tx) => readJobQueues(tx, ledger.ledgerId),
      );
      const process = await processFigures(startedAt);
      const counted = await countedCommands(ledger.metrics);
      const batches = ledger.metrics.recentBatches.figures();
      return { body: { queue: ledger.queue(), batches, ...counted, jobs, process }, position };
    },
  });
}

async function processFigures(startedAt: string) {
  const asked = performance.now();
  // A turn of the event loop: so long everybody waits.
  await setImmediate();
  return {
    startedAt,
    uptimeSeconds: Math.floor(process.uptime()),
    memoryBytes: process.memoryUsage.rss(),
    eventLoopLagMs: Math.round((performance.now() - asked) * 100) / 100,
  };
}

type Outcome = { readonly command: string; readonly outcome: string; readonly count: number };

async function countedCommands(metrics: LedgerMetrics) {
  const { values } = await metrics.commands.counter.get();
  const outcomes = values
    .map(({ labels, value: count }): Outcome => ({
      ...{ command: String(labels.command), outcome: String(labels.outcome), count },
    }))
    .sort((one, other) => byText(one.command, other.command) || byText(one.outcome, other.outcome));
  const codes = Map.groupBy(
    outcomes.filter(({ outcome }) => isProblemCode(outcome)),
    ({ outcome }) => outcome,
  );
  const refusals = [...codes]
    .map(([code, of]) => ({ code, count: of.reduce((sum, { count }) => sum + count, 0) }))
    .sort((one, other) => other.count - one.count || byText(one.code, other.code));
  return { outcomes, refusals };
}

function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
