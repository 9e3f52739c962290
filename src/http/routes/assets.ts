import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { createAssetBody, freezeStatusBody } from '../../commands/schemas.ts';
import { listAssets, readActivity, readTrialBalance } from '../../projections/queries/assets.ts';
import { answerFrom, findIn } from '../../projections/queries/read-model.ts';
import { commandRoute } from '../command-route.ts';
import type { HttpDeps } from '../deps.ts';
import * as examples from '../examples.ts';
import { assetSlugParam, atLeast, checkOrder, cursorParam, limitParam, timeParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { activityList, asset, listOf, trialBalance, writtenAsset } from '../resources.ts';

const DIRECTORY = ['directory'];
const bySlug = z.strictObject({ slug: assetSlugParam });
const THIRTY_DAYS_MS = 30 * 24 * 60 * 60 * 1_000;
const MAX_ACTIVITY_LINES = 10_000;

export function assetRoutes(app: FastifyInstance, deps: HttpDeps): void {
  commandRoute(app, deps, {
    url: '/assets',
    operationId: 'createAsset',
    kind: 'asset.create',
    tag: 'assets',
    summary: 'Create an asset',
    description: 'Opens its treasury, the source of top-ups and bonuses and the sink of spends.',
    params: z.strictObject({}),
    body: createAssetBody,
    bodyName: 'CreateAsset',
    bodyExample: { slug: 'gold_coins', name: 'Gold coins' },
    answer: writtenAsset,
    example: { ...examples.asset, ...examples.written },
    problems: ['slug_taken'],
    command: (_params, body) => ({ kind: 'asset.create', ...body }),
  });

  commandRoute(app, deps, {
    url: '/assets/:slug/status',
    operationId: 'setAssetStatus',
    kind: 'asset.status',
    tag: 'assets',
    summary: 'Freeze an asset, or thaw it',
    params: bySlug,
    body: freezeStatusBody,
    bodyName: 'SetFreezeStatus',
    bodyExample: { status: 'FROZEN', reason: 'under audit' },
    answer: writtenAsset,
    example: { ...examples.asset, status: 'FROZEN', ...examples.written },
    problems: ['asset_not_found'],
    command: ({ slug }, body) => ({ kind: 'asset.status', slug, ...body }),
  });

  queryRoute(app, {
    url: '/assets',
    operationId: 'listAssets',
    tag: 'assets',
    summary: 'List assets, in the order of creation',
    query: z.strictObject({ limit: limitParam(50), cursor: cursorParam, atLeast }),
    answer: listOf(asset),
    example: examples.listOf(examples.asset),
    problems: ['read_model_behind'],
    read: async (_params, { limit, cursor, atLeast: reached }) => {
      const { result, position } = await answerFrom(
        deps,
        { projections: DIRECTORY, atLeast: reached },
        (tx) => listAssets(tx, deps.ledgerId, { limit, cursor, slug: null }),
      );
      return { body: result, position };
    },
  });

  activityRoute(app, deps);

  queryRoute(app, {
    url: '/audit/trial-balance',
    operationId: 'getTrialBalance',
    tag: 'log',
    summary: 'The sum over all wallets of each asset, which is zero',
    query: z.strictObject({ atLeast }),
    answer: trialBalance,
    example: examples.trialBalance,
    problems: ['read_model_behind'],
    read: async (_params, query) => {
      const source = { projections: ['wallet_balances'], atLeast: query.atLeast };
      const { result } = await answerFrom(deps, source, (tx) => readTrialBalance(tx, deps.ledgerId));
      return {
        body: { position: result.position.toString(), assets: result.assets },
        position: result.position,
      };
    },
  });
}

function activityRoute(app: FastifyInstance, deps: HttpDeps): void {
  queryRoute(app, {
    url: '/assets/:slug/activity',
    operationId: 'getAssetActivity',
    tag: 'assets',
    summary: 'Counts and volumes by transaction type over time',
    description: 'Oldest first, in hours or UTC days; by default of the last 30 days. At most 10,000 lines.',
    params: bySlug,
    query: z.strictObject({
      bucket: z.enum(['hour', 'day']).default('day').meta({ description: 'Default day.' }),
      from: timeParam
        .optional()
        .meta({ description: 'From the hour of this time on; default 30 days before to.' }),
      to: timeParam.optional().meta({ description: 'Before this time; default now.' }),
      atLeast,
    }),
    answer: activityList,
    example: { data: [examples.activity] },
    problems: ['asset_not_found', 'read_model_behind'],
    read: async ({ slug }, query) => {
      checkOrder(query);
      const to = query.to ?? new Date().toISOString();
      const from = query.from ?? new Date(Math.max(0, Date.parse(to) - THIRTY_DAYS_MS)).toISOString();
      const source = { projections: ['asset_activity', 'directory'], atLeast: query.atLeast };
      const { result, position } = await findIn(deps, source, async (tx) => {
        const known = await listAssets(tx, deps.ledgerId, { limit: 1, cursor: undefined, slug });
        const wanted = { slug, bucket: query.bucket, from, to, limit: MAX_ACTIVITY_LINES };
        return known.data.length === 0 ? null : readActivity(tx, deps.ledgerId, wanted);
      });
      if (result !== null) return { body: { data: result }, position };
      const detail = 'There is no asset with this slug.';
      return { refusal: { code: 'asset_not_found', detail, figures: { assetSlug: slug } }, position };
    },
  });
}
