/** Rebuilds of read models, set going and watched. Who does the work are the hands of the workers. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RefusedError } from '../../errors.ts';
import { projectionNamed } from '../../projections/catalog.ts';
import type { Projection } from '../../projections/projection.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import { listRebuilds, type Rebuild } from '../../projections/queries/rebuilds.ts';
import { RebuildUnderWayError, requestRebuild } from '../../projections/rebuild/request.ts';
import { NoRollbackError, requestRollback } from '../../projections/rebuild/rollback.ts';
import { actionRoute } from '../action-route.ts';
import type { HttpDeps, LedgerServices } from '../deps.ts';
import { listOf as exampleList } from '../examples.ts';
import { rebuild as rebuildExample } from '../operation-examples.ts';
import { rebuildRun } from '../operation-resources.ts';
import { textParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { listOf } from '../resources.ts';

const byName = z.strictObject({
  name: textParam(63).meta({ description: 'Of the projection.', examples: ['wallet_balances'] }),
});

export function rebuildRoutes(app: FastifyInstance, deps: Pick<HttpDeps, 'wakeRebuilds'>): void {
  actionRoute(app, {
    url: '/projections/:name/rebuild',
    operationId: 'rebuildProjection',
    tag: 'operations',
    summary: 'Build a read model anew, beside the one that serves',
    description:
      'A worker fills the next generation from the log, compares the two, and lets the new one take over; queries never stop. Asked for while it is under way, it answers the one under way. Of all ledgers.',
    params: byName,
    status: 202,
    answer: rebuildRun,
    example: rebuildExample,
    problems: ['projection_not_found', 'rebuild_under_way'],
    act: ({ name }, ledger) =>
      begin(deps, ledger, name, (projection) =>
        requestRebuild(ledger.readPool, [projection], { dryRun: false }),
      ),
  });

  actionRoute(app, {
    url: '/projections/:name/rollback',
    operationId: 'rollBackProjection',
    tag: 'operations',
    summary: 'Back to the generation of a read model that served before',
    description: 'It is caught up and compared, and takes over again: GET /projections/rebuilds shows it.',
    params: byName,
    status: 200,
    answer: rebuildRun,
    example: { ...rebuildExample, state: 'catching_up' },
    problems: ['projection_not_found', 'rebuild_under_way', 'rollback_impossible'],
    act: ({ name }, ledger) =>
      begin(deps, ledger, name, (projection) => requestRollback(ledger.readPool, [projection])),
  });

  queryRoute(app, {
    url: '/projections/rebuilds',
    operationId: 'listRebuilds',
    tag: 'operations',
    summary: 'Rebuilds under way and of before, newest first',
    description: 'Of all ledgers; at most 50.',
    answer: listOf(rebuildRun),
    example: exampleList(rebuildExample),
    problems: [],
    read: async (_params, _query, ledger) => {
      const { result, position } = await answerFrom(ledger, { projections: [], atLeast: undefined }, (tx) =>
        listRebuilds(tx),
      );
      return { body: { data: result, nextCursor: null }, position };
    },
  });
}

type Requested = { readonly projection: string; readonly generation: number };

async function begin(
  deps: Pick<HttpDeps, 'wakeRebuilds'>,
  ledger: LedgerServices,
  name: string,
  request: (projection: Projection) => Promise<readonly Requested[]>,
): Promise<Rebuild> {
  const projection = projectionNamed(name);
  if (projection === undefined) {
    const detail = 'There is no projection of this name.';
    throw new RefusedError({ code: 'projection_not_found', detail, figures: { name } });
  }
  const [requested] = await request(projection).catch((error: unknown) => {
    throw refusalOf(error) ?? error;
  });
  // Should it not reach anybody, a worker looks by itself.
  await deps.wakeRebuilds().catch(() => undefined);
  const [found] = requested === undefined ? [] : await listRebuilds(ledger.readPool, requested);
  if (found === undefined) throw new Error(`the rebuild of ${name} that was asked for is gone`);
  return found;
}

function refusalOf(error: unknown): RefusedError | null {
  if (error instanceof RebuildUnderWayError)
    return new RefusedError({ code: 'rebuild_under_way', detail: error.message, figures: {} });
  if (error instanceof NoRollbackError)
    return new RefusedError({ code: 'rollback_impossible', detail: error.message, figures: {} });
  return null;
}
