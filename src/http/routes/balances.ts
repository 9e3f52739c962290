import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { InvalidRequestError } from '../../errors.ts';
import {
  BALANCE_PROJECTIONS,
  readBalanceAt,
  type Balance,
  type BalanceOf,
  type PointInTime,
} from '../../projections/queries/balances.ts';
import { readDailyBalances } from '../../projections/queries/daily.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import { walletExists } from '../../projections/queries/wallets.ts';
import * as examples from '../examples.ts';
import {
  DEFAULT_DAYS,
  daysParam,
  assetSlugParam,
  atLeast,
  positionParam,
  timeParam,
  userIdParam,
} from '../query-params.ts';
import { queryRoute, type QueryAnswer } from '../query-route.ts';
import { balanceAnswer, dailyBalance, listOf } from '../resources.ts';
import { walletNotFound } from './wallets.ts';

const balanceQuery = z.strictObject({
  atLeast,
  consistency: z
    .enum(['strong', 'projected'])
    .optional()
    .meta({ description: 'strong: from the wallet row itself, without waiting.' }),
  at: timeParam.optional().meta({ description: 'The balance as it was at this time, from the log.' }),
  asOf: positionParam
    .optional()
    .meta({ description: 'The balance right after this position, from the log.' }),
});

export function balanceRoute(app: FastifyInstance): void {
  queryRoute(app, {
    url: '/wallets/:userId/:assetSlug/balance',
    operationId: 'getBalance',
    tag: 'wallets',
    summary: "A user's balance in an asset, now or at a point in time",
    description: 'A user without a wallet in the asset has a balance of 0.',
    params: z.strictObject({ userId: userIdParam, assetSlug: assetSlugParam }),
    query: balanceQuery,
    answer: balanceAnswer,
    example: examples.balance,
    problems: ['user_not_found', 'asset_not_found', 'read_model_behind'],
    read: async (wanted, query, ledger) => {
      const when = pointInTime(query);
      const strong = query.consistency === 'strong' || when !== null;
      if (query.atLeast !== undefined) {
        const projections = strong ? [] : BALANCE_PROJECTIONS;
        await ledger.positions.waitFor({ projections, position: query.atLeast, timeoutMs: ledger.waitMs });
      }
      if (when !== null) {
        const { balance, head } = await readBalanceAt(ledger.readPool, ledger.ledgerId, wanted, when);
        return { ...balanceAnswerOf(wanted, balance), position: head };
      }
      const read = strong ? ledger.balances.strong : ledger.balances.projected;
      return balanceAnswerOf(wanted, await read(wanted));
    },
  });
}

export function dailyBalancesRoute(app: FastifyInstance): void {
  queryRoute(app, {
    url: '/wallets/:id/daily-balances',
    operationId: 'listDailyBalances',
    tag: 'wallets',
    summary: 'How a wallet stood at the end of each of the last days',
    description: 'Of UTC days, oldest first; today is how it stands now. Before it was opened it stood at 0.',
    params: z.strictObject({ id: idSchema.meta({ description: "The wallet's id." }) }),
    query: z.strictObject({
      days: daysParam.optional().meta({ description: 'Today included. Default 30, at most 366.' }),
      atLeast,
    }),
    answer: listOf(dailyBalance),
    example: examples.listOf(examples.dailyBalance),
    problems: ['wallet_not_found', 'read_model_behind'],
    read: async ({ id }, { days = DEFAULT_DAYS, atLeast: wanted }, ledger) => {
      const source = { projections: [], atLeast: wanted };
      const { result, position } = await answerFrom(ledger, source, async (tx) => {
        if (!(await walletExists(tx, ledger.ledgerId, id))) return null;
        return readDailyBalances(tx, ledger.ledgerId, { walletId: id, days });
      });
      return result === null
        ? { refusal: walletNotFound(id), position }
        : { body: { data: result, nextCursor: null }, position };
    },
  });
}

function pointInTime(query: z.output<typeof balanceQuery>): PointInTime | null {
  const { at, asOf } = query;
  if (at !== undefined && asOf !== undefined) {
    throw new InvalidRequestError([{ path: 'at', message: 'cannot be combined with asOf' }]);
  }
  if (at !== undefined) return { at };
  return asOf === undefined ? null : { asOf };
}

function balanceAnswerOf(wanted: BalanceOf, found: Balance): QueryAnswer {
  const { userId, assetSlug } = wanted;
  const { position } = found;
  switch (found.kind) {
    case 'user_not_found': {
      const detail = 'There is no user with this id.';
      return { refusal: { code: found.kind, detail, figures: { userId } }, position };
    }
    case 'asset_not_found': {
      const detail = 'There is no asset with this slug.';
      return { refusal: { code: found.kind, detail, figures: { assetSlug } }, position };
    }
    case 'found': {
      const { balance, held, walletId, expiring } = found;
      const body = {
        balance: balance.toString(),
        asset: assetSlug,
        userId,
        held: held.toString(),
        available: (balance - held).toString(),
        walletId,
        position: position.toString(),
        ...(expiring === null ? {} : { expiring }),
      };
      return { body, position };
    }
  }
}
