import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { freezeStatusBody } from '../../commands/schemas.ts';
import { InvalidRequestError, type Refusal } from '../../errors.ts';
import { listLots } from '../../projections/queries/lots.ts';
import { readHistory } from '../../projections/queries/history.ts';
import { explainWallet, MAX_EXPLAINED } from '../../projections/queries/explain.ts';
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
import * as examples from '../examples.ts';
import {
  atLeast,
  checkOrder,
  cursorParam,
  flagParam,
  limitParam,
  positionParam,
  textParam,
  timeParam,
  typeParam,
} from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { listOf, wallet, writtenWallet } from '../resources.ts';
import { explanation, historyLine, lot } from '../wallet-resources.ts';

const byId = z.strictObject({ id: idSchema.meta({ description: "The wallet's id." }) });

export function walletRoutes(app: FastifyInstance): void {
  commandRoute(app, {
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
    problems: ['wallet_not_found', 'subject_erased'],
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
    read: async ({ id }, query, ledger) => {
      const source = { projections: WALLET_PROJECTIONS, atLeast: query.atLeast };
      const { result, position } = await findIn(ledger, source, (tx) => readWallet(tx, ledger.ledgerId, id));
      return result === null ? { refusal: walletNotFound(id), position } : { body: result, position };
    },
  });

  listRoute(app);
  historyRoute(app);
  explainRoute(app);
  lotsRoute(app);
}

function listRoute(app: FastifyInstance): void {
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
    read: async (_params, { system: name, limit, cursor, atLeast: wanted }, ledger) => {
      const source = { projections: WALLET_PROJECTIONS, atLeast: wanted };
      const { result, position } = await answerFrom(ledger, source, (tx) =>
        listSystemWallets(tx, ledger.ledgerId, { name, limit, cursor }),
      );
      return { body: result, position };
    },
  });
}

function explainRoute(app: FastifyInstance): void {
  queryRoute(app, {
    url: '/wallets/:id/explain',
    operationId: 'explainWallet',
    tag: 'wallets',
    summary: 'Why a wallet has its balance: totals by type of transaction, and what is held',
    description: `Of a longer history the newest ${MAX_EXPLAINED} lines up to the position are accounted for: \`opening\` is the balance before them, and \`since\` where they begin. Holds, and of the past lots, are those that these lines tell of.`,
    params: byId,
    query: z.strictObject({
      asOf: positionParam.optional().meta({ description: 'Right after this position. Default: now.' }),
      atLeast,
    }),
    answer: explanation,
    example: examples.explanation,
    problems: ['wallet_not_found', 'read_model_behind'],
    read: async ({ id }, query, ledger) => {
      const source = { projections: [], atLeast: query.atLeast };
      const { result, position } = await answerFrom(ledger, source, async (tx) => {
        const head = await headPosition(tx, ledger.ledgerId);
        const asOf = query.asOf ?? head;
        if (asOf > head) {
          const message = `must not be beyond the head, which is ${head}`;
          throw new InvalidRequestError([{ path: 'asOf', message }], head);
        }
        if (!(await walletExists(tx, ledger.ledgerId, id))) return null;
        return explainWallet(tx, ledger.ledgerId, { walletId: id, asOf, atHead: asOf === head });
      });
      return result === null ? { refusal: walletNotFound(id), position } : { body: result, position };
    },
  });
}

function lotsRoute(app: FastifyInstance): void {
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
    read: async ({ id }, { open, limit, cursor, atLeast: wanted }, ledger) => {
      const source = { projections: ['lots'], atLeast: wanted };
      const { result, position } = await answerFrom(ledger, source, async (tx) => {
        if (!(await walletExists(tx, ledger.ledgerId, id))) return null;
        const filter = open === undefined ? undefined : open === 'true';
        return listLots(tx, ledger.ledgerId, { walletId: id, open: filter, limit, cursor });
      });
      return result === null ? { refusal: walletNotFound(id), position } : { body: result, position };
    },
  });
}

function historyRoute(app: FastifyInstance): void {
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
    read: async ({ id }, query, ledger) => {
      checkOrder(query);
      const { limit, cursor, type, holds } = query;
      // Without a type the log itself answers, with one the read model that knows the types.
      const projections = type === undefined ? [] : ['transactions'];
      const { result, position } = await answerFrom(
        ledger,
        { projections, atLeast: query.atLeast },
        async (tx) => {
          if (!(await walletExists(tx, ledger.ledgerId, id))) return null;
          const span = await positionsBetween(tx, ledger.ledgerId, query);
          return readHistory(tx, ledger.ledgerId, {
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

export function walletNotFound(walletId: string): Refusal {
  return { code: 'wallet_not_found', detail: 'There is no wallet with this id.', figures: { walletId } };
}
