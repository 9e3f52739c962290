import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { freezeStatusBody } from '../../commands/schemas.ts';
import { InvalidRequestError, type Refusal } from '../../errors.ts';
import {
  BALANCE_PROJECTIONS,
  readBalanceAt,
  type Balance,
  type BalanceOf,
  type PointInTime,
} from '../../projections/queries/balances.ts';
import { listLots } from '../../projections/queries/lots.ts';
import { readHistory } from '../../projections/queries/history.ts';
import { explainWallet } from '../../projections/queries/explain.ts';
import { headPosition } from '../../events/head.ts';
import { positionsBetween } from '../../projections/queries/positions.ts';
import {
  WALLET_PROJECTIONS,
  listSystemWallets,
  readWallet,
  walletExists,
} from '../../projections/queries/wallets.ts';
import { answerFrom, findIn } from '../../projections/queries/read-model.ts';
import { commandRoute } from '../command-route.ts';
import type { HttpDeps } from '../deps.ts';
import * as examples from '../examples.ts';
import {
  assetSlugParam,
  atLeast,
  checkOrder,
  cursorParam,
  flagParam,
  limitParam,
  positionParam,
  textParam,
  timeParam,
  typeParam,
  userIdParam,
} from '../query-params.ts';
import { queryRoute, type QueryAnswer } from '../query-route.ts';
import { balanceAnswer, explanation, historyLine, listOf, lot, wallet, writtenWallet } from '../resources.ts';

const byId = z.strictObject({ id: idSchema.meta({ description: "The wallet's id." }) });

export function walletRoutes(app: FastifyInstance, deps: HttpDeps): void {
  commandRoute(app, deps, {
    url: '/wallets/:id/status',
    operationId: 'setWalletStatus',
    kind: 'wallet.status',
    tag: 'wallets',
    summary: 'Freeze a wallet, or thaw it',
    params: byId,
    body: freezeStatusBody,
    bodyName: 'SetFreezeStatus',
    bodyExample: { status: 'FROZEN', reason: 'reported stolen' },
    answer: writtenWallet,
    example: { ...examples.wallet, status: 'FROZEN', ...examples.written },
    problems: ['wallet_not_found'],
    command: ({ id }, body) => ({ kind: 'wallet.status', walletId: id, ...body }),
  });

  queryRoute(app, {
    url: '/wallets/:id',
    operationId: 'getWallet',
    tag: 'wallets',
    summary: 'Look up a wallet',
    params: byId,
    query: z.strictObject({ atLeast }),
    answer: wallet,
    example: examples.wallet,
    problems: ['wallet_not_found', 'read_model_behind'],
    read: async ({ id }, query) => {
      const source = { projections: WALLET_PROJECTIONS, atLeast: query.atLeast };
      const { result, position } = await findIn(deps, source, (tx) => readWallet(tx, deps.ledgerId, id));
      return result === null ? { refusal: walletNotFound(id), position } : { body: result, position };
    },
  });

  listRoute(app, deps);
  historyRoute(app, deps);
  balanceRoute(app, deps);
  explainRoute(app, deps);
  lotsRoute(app, deps);
}

function listRoute(app: FastifyInstance, deps: HttpDeps): void {
  queryRoute(app, {
    url: '/wallets',
    operationId: 'listSystemWallets',
    tag: 'wallets',
    summary: 'List the wallets of system accounts, such as treasury or revenue',
    query: z.strictObject({
      system: textParam(32)
        .optional()
        .meta({ description: 'Only of the account of this name.', examples: ['revenue'] }),
      limit: limitParam(50),
      cursor: cursorParam,
      atLeast,
    }),
    answer: listOf(wallet),
    example: examples.listOf({ ...examples.wallet, userId: null, system: 'revenue' }),
    problems: ['read_model_behind'],
    read: async (_params, { system: name, limit, cursor, atLeast: wanted }) => {
      const source = { projections: WALLET_PROJECTIONS, atLeast: wanted };
      const { result, position } = await answerFrom(deps, source, (tx) =>
        listSystemWallets(tx, deps.ledgerId, { name, limit, cursor }),
      );
      return { body: result, position };
    },
  });
}

function explainRoute(app: FastifyInstance, deps: HttpDeps): void {
  queryRoute(app, {
    url: '/wallets/:id/explain',
    operationId: 'explainWallet',
    tag: 'wallets',
    summary: 'Why a wallet has its balance: totals by type of transaction, and what is held',
    description: 'Reads every entry of the wallet up to the position.',
    params: byId,
    query: z.strictObject({
      asOf: positionParam.optional().meta({ description: 'Right after this position. Default: now.' }),
      atLeast,
    }),
    answer: explanation,
    example: examples.explanation,
    problems: ['wallet_not_found', 'read_model_behind'],
    read: async ({ id }, query) => {
      const source = { projections: [], atLeast: query.atLeast };
      const { result, position } = await answerFrom(deps, source, async (tx) => {
        const head = await headPosition(tx, deps.ledgerId);
        const asOf = query.asOf ?? head;
        if (asOf > head) {
          const message = `must not be beyond the head, which is ${head}`;
          throw new InvalidRequestError([{ path: 'asOf', message }], head);
        }
        if (!(await walletExists(tx, deps.ledgerId, id))) return null;
        return explainWallet(tx, deps.ledgerId, { walletId: id, asOf, atHead: asOf === head });
      });
      return result === null ? { refusal: walletNotFound(id), position } : { body: result, position };
    },
  });
}

function lotsRoute(app: FastifyInstance, deps: HttpDeps): void {
  queryRoute(app, {
    url: '/wallets/:id/lots',
    operationId: 'listWalletLots',
    tag: 'wallets',
    summary: 'The expiring bonuses of a wallet, newest first',
    params: byId,
    query: z.strictObject({
      open: z
        .enum(['true', 'false'])
        .optional()
        .meta({ description: 'true: only those with something left; false: only those with nothing left.' }),
      limit: limitParam(50),
      cursor: cursorParam,
      atLeast,
    }),
    answer: listOf(lot),
    example: examples.listOf(examples.lot),
    problems: ['wallet_not_found', 'read_model_behind'],
    read: async ({ id }, { open, limit, cursor, atLeast: wanted }) => {
      const source = { projections: ['lots'], atLeast: wanted };
      const { result, position } = await answerFrom(deps, source, async (tx) => {
        if (!(await walletExists(tx, deps.ledgerId, id))) return null;
        const filter = open === undefined ? undefined : open === 'true';
        return listLots(tx, deps.ledgerId, { walletId: id, open: filter, limit, cursor });
      });
      return result === null ? { refusal: walletNotFound(id), position } : { body: result, position };
    },
  });
}

function historyRoute(app: FastifyInstance, deps: HttpDeps): void {
  queryRoute(app, {
    url: '/wallets/:id/history',
    operationId: 'getWalletHistory',
    tag: 'wallets',
    summary: "A wallet's ledger entries, newest first",
    params: byId,
    query: z.strictObject({
      limit: limitParam(10),
      cursor: cursorParam,
      type: typeParam,
      from: timeParam.optional().meta({ description: 'Recorded at or after.' }),
      to: timeParam.optional().meta({ description: 'Recorded at or before.' }),
      holds: flagParam.meta({ description: 'true: also the lines that only change what is held.' }),
      atLeast,
    }),
    answer: listOf(historyLine),
    example: examples.listOf(examples.historyLine),
    problems: ['wallet_not_found', 'read_model_behind'],
    read: async ({ id }, query) => {
      checkOrder(query);
      const { limit, cursor, type, holds } = query;
      // Without a type the log itself answers, with one the read model that knows the types.
      const projections = type === undefined ? [] : ['transactions'];
      const { result, position } = await answerFrom(
        deps,
        { projections, atLeast: query.atLeast },
        async (tx) => {
          if (!(await walletExists(tx, deps.ledgerId, id))) return null;
          const span = await positionsBetween(tx, deps.ledgerId, query);
          return readHistory(tx, deps.ledgerId, {
            walletId: id,
            limit,
            cursor,
            filter: { type, holds, ...span },
          });
        },
      );
      return result === null ? { refusal: walletNotFound(id), position } : { body: result, position };
    },
  });
}

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

function balanceRoute(app: FastifyInstance, deps: HttpDeps): void {
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
    read: async (wanted, query) => {
      const when = pointInTime(query);
      const strong = query.consistency === 'strong' || when !== null;
      if (query.atLeast !== undefined) {
        const projections = strong ? [] : BALANCE_PROJECTIONS;
        await deps.positions.waitFor({ projections, position: query.atLeast, timeoutMs: deps.waitMs });
      }
      if (when !== null) {
        const { balance, head } = await readBalanceAt(deps.readPool, deps.ledgerId, wanted, when);
        return { ...balanceAnswerOf(wanted, balance), position: head };
      }
      const read = strong ? deps.balances.strong : deps.balances.projected;
      return balanceAnswerOf(wanted, await read(wanted));
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

export function walletNotFound(walletId: string): Refusal {
  return { code: 'wallet_not_found', detail: 'There is no wallet with this id.', figures: { walletId } };
}
