import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { createAssetBody, freezeStatusBody } from '../../commands/schemas.ts';
import { InvalidRequestError } from '../../errors.ts';
import { listAssets, readActivity, readTrialBalance } from '../../projections/queries/assets.ts';
import { readDailyActivity } from '../../projections/queries/daily.ts';
import { answerFrom, findIn } from '../../projections/queries/read-model.ts';
import { commandRoute } from '../command-route.ts';
import type { LedgerServices } from '../deps.ts';
import * as examples from '../examples.ts';
import {
  assetSlugParam,
  atLeast,
  checkOrder,
  cursorParam,
  daysParam,
  limitParam,
  timeParam,
} from '../query-params.ts';
import { queryRoute, type QueryAnswer } from '../query-route.ts';
import { activityList, asset, dailyActivity, listOf, trialBalance, writtenAsset } from '../resources.ts';

const DIRECTORY = ['directory'];
const bySlug = z.strictObject({ slug: assetSlugParam });
const THIRTY_DAYS_MS = 30 * 24 * 60 * 60 * 1_000;
const MAX_ACTIVITY_LINES = 10_000;

export function assetRoutes(app: FastifyInstance): void {
  commandRoute(app, {
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

  commandRoute(app, {
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
    read: async (_params, { limit, cursor, atLeast: reached }, ledger) => {
      const { result, position } = await answerFrom(
        ledger,
        { projections: DIRECTORY, atLeast: reached },
        (tx) => listAssets(tx, ledger.ledgerId, { limit, cursor, slug: null }),
      );
      return { body: result, position };
    },
  });

  activityRoute(app);

  queryRoute(app, {
    url: '/audit/trial-balance',
    operationId: 'getTrialBalance',
    tag: 'log',
    summary: 'The sum over all wallets of each asset, which is zero',
    query: z.strictObject({ atLeast }),
    answer: trialBalance,
    example: examples.trialBalance,
    problems: ['read_model_behind'],
    read: async (_params, query, ledger) => {
      const source = { projections: ['wallet_balances'], atLeast: query.atLeast };
      const { result } = await answerFrom(ledger, source, (tx) => readTrialBalance(tx, ledger.ledgerId));
      return {
        body: { position: result.position.toString(), assets: result.assets },
        position: result.position,
      };
    },
  });
}

function activityRoute(app: FastifyInstance): void {
  queryRoute(app, {
    url: '/assets/:slug/activity',
    operationId: 'getAssetActivity',
    tag: 'assets',
    summary: 'Counts and volumes by transaction type over time',
    description:
      'Oldest first, in hours or UTC days; by default of the last 30 days. At most 10,000 lines. With `days` a line for each of the last so many UTC days, today included, with what was in circulation in the end.',
    params: bySlug,
    query: z.strictObject({
      bucket: z.enum(['hour', 'day']).optional().meta({ description: 'Default day.' }),
      from: timeParam
        .optional()
        .meta({ description: 'From the hour of this time on; default 30 days before to.' }),
      to: timeParam.optional().meta({ description: 'Before this time; default now.' }),
      days: daysParam
        .optional()
        .meta({ description: 'A line a day, not to be combined with bucket, from or to. At most 366.' }),
      atLeast,
    }),
    answer: z.union([activityList, listOf(dailyActivity)]),
    example: { data: [examples.activity] },
    problems: ['asset_not_found', 'read_model_behind'],
    read: async ({ slug }, query, ledger) => {
      checkOrder(query);
      if (query.days !== undefined) return dailyActivityOf(ledger, slug, { ...query, days: query.days });
      const to = query.to ?? new Date().toISOString();
      const from = query.from ?? new Date(Math.max(0, Date.parse(to) - THIRTY_DAYS_MS)).toISOString();
      const source = { projections: ['asset_activity', 'directory'], atLeast: query.atLeast };
      const { result, position } = await findIn(ledger, source, async (tx) => {
        const known = await listAssets(tx, ledger.ledgerId, { limit: 1, cursor: undefined, slug });
        const wanted = { slug, bucket: query.bucket ?? 'day', from, to, limit: MAX_ACTIVITY_LINES };
        return known.data.length === 0 ? null : readActivity(tx, ledger.ledgerId, wanted);
      });
      return result === null ? assetNotFound(slug, position) : { body: { data: result }, position };
    },
  });
}

async function dailyActivityOf(
  ledger: LedgerServices,
  slug: string,
  query: {
    days: number;
    atLeast?: bigint | undefined;
    bucket?: string | undefined;
    from?: string | undefined;
    to?: string | undefined;
  },
): Promise<QueryAnswer> {
  const other = (['bucket', 'from', 'to'] as const).find((name) => query[name] !== undefined);
  if (other !== undefined)
    throw new InvalidRequestError([{ path: other, message: 'cannot be combined with days' }]);
  const source = { projections: ['asset_activity'], atLeast: query.atLeast };
  const { result, position } = await findIn(ledger, source, (tx) =>
    readDailyActivity(tx, ledger.ledgerId, { slug, days: query.days }),
  );
  return result === null
    ? assetNotFound(slug, position)
    : { body: { data: result, nextCursor: null }, position };
}

function assetNotFound(assetSlug: string, position: bigint): QueryAnswer {
  const detail = 'There is no asset with this slug.';
  return { refusal: { code: 'asset_not_found', detail, figures: { assetSlug } }, position };
}
