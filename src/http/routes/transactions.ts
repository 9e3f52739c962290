import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema, moneyBody, transferBody } from '../../commands/schemas.ts';
import { positionsBetween } from '../../projections/queries/positions.ts';
import { listTransactions, readTransaction } from '../../projections/queries/transactions.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import { commandRoute } from '../command-route.ts';
import type { HttpDeps } from '../deps.ts';
import * as examples from '../examples.ts';
import type { ProblemCode } from '../problems.ts';
import {
  atLeast,
  checkOrder,
  cursorParam,
  limitParam,
  textParam,
  timeParam,
  typeParam,
} from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { listOf, postedTransaction, transaction } from '../resources.ts';

const MONEY_PROBLEMS: readonly ProblemCode[] = [
  'user_not_found',
  'asset_not_found',
  'user_banned',
  'asset_frozen',
  'wallet_frozen',
  'balance_out_of_range',
  'subject_erased',
];

const ROUTES = {
  topup: { operationId: 'topUp', summary: 'Top up: from the treasury to a user, against payment' },
  bonus: { operationId: 'giveBonus', summary: 'Bonus: from the treasury to a user, as a gift' },
  spend: { operationId: 'spend', summary: 'Spend: from a user to the treasury' },
} as const;

export function transactionRoutes(app: FastifyInstance, deps: HttpDeps): void {
  for (const kind of ['topup', 'bonus', 'spend'] as const) {
    commandRoute(app, deps, {
      url: `/transactions/${kind}`,
      kind,
      tag: 'transactions',
      ...ROUTES[kind],
      params: z.strictObject({}),
      body: moneyBody,
      bodyName: 'MoveMoney',
      bodyExample: examples.moneyBody,
      answer: postedTransaction,
      example: examples.transaction(kind),
      problems: [...MONEY_PROBLEMS, kind === 'spend' ? 'insufficient_funds' : 'supply_cap_exceeded'],
      command: (_params, body) => ({ kind, ...body }),
    });
  }

  commandRoute(app, deps, {
    url: '/transactions/transfer',
    operationId: 'transfer',
    kind: 'transfer',
    tag: 'transactions',
    summary: 'Transfer: from one user to another',
    params: z.strictObject({}),
    body: transferBody,
    bodyName: 'Transfer',
    bodyExample: examples.transferBody,
    answer: postedTransaction,
    example: examples.transaction('transfer'),
    problems: [...MONEY_PROBLEMS, 'insufficient_funds'],
    command: (_params, body) => ({ kind: 'transfer', ...body }),
  });

  queryRoute(app, {
    url: '/transactions/:id',
    operationId: 'getTransaction',
    tag: 'transactions',
    summary: 'Look up a transaction, posted or declined',
    params: z.strictObject({ id: idSchema.meta({ description: 'The transactionId.' }) }),
    query: z.strictObject({ atLeast }),
    answer: transaction,
    example: examples.transaction('topup'),
    problems: ['transaction_not_found', 'read_model_behind'],
    read: async ({ id }, query) => {
      const source = { projections: [], atLeast: query.atLeast };
      const { result, position } = await answerFrom(deps, source, (tx) =>
        readTransaction(tx, deps.ledgerId, id),
      );
      if (result !== null) return { body: result, position };
      const detail = 'There is no transaction with this id.';
      return { refusal: { code: 'transaction_not_found', detail, figures: { transactionId: id } }, position };
    },
  });

  listRoute(app, deps);
}

function listRoute(app: FastifyInstance, deps: HttpDeps): void {
  queryRoute(app, {
    url: '/transactions',
    operationId: 'listTransactions',
    tag: 'transactions',
    summary: 'List transactions, newest first, declined ones included',
    query: z.strictObject({
      reference: textParam(255).optional().meta({ description: 'Only with exactly this reference.' }),
      userId: idSchema
        .optional()
        .meta({
          description: 'Only those that moved money of this user, and declined ones with this userId.',
        }),
      type: typeParam,
      from: timeParam.optional().meta({ description: 'Recorded at or after.' }),
      to: timeParam.optional().meta({ description: 'Recorded at or before.' }),
      limit: limitParam(50),
      cursor: cursorParam,
      atLeast,
    }),
    answer: listOf(transaction),
    example: examples.listOf(examples.transaction('topup')),
    problems: ['read_model_behind'],
    read: async (_params, query) => {
      checkOrder(query);
      const { limit, cursor, reference, userId, type } = query;
      const source = { projections: ['transactions'], atLeast: query.atLeast };
      const { result, position } = await answerFrom(deps, source, async (tx) => {
        const span = await positionsBetween(tx, deps.ledgerId, query);
        return listTransactions(tx, deps.ledgerId, {
          limit,
          cursor,
          filter: { reference, userId, type, ...span },
        });
      });
      return { body: result, position };
    },
  });
}
