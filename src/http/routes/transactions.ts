import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema, moneyBody, transferBody } from '../../commands/schemas.ts';
import { RefusedError } from '../../errors.ts';
import { positionsBetween } from '../../projections/queries/positions.ts';
import { listTransactions, readTransaction } from '../../projections/queries/transactions.ts';
import { commandRoute } from '../command-route.ts';
import type { HttpDeps } from '../deps.ts';
import * as examples from '../examples.ts';
import type { ProblemCode } from '../problems.ts';
import { atLeast, checkOrder, cursorParam, limitParam, timeParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { answerFrom } from '../read-model.ts';
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

const SUMMARIES = {
  topup: 'Top up: from the treasury to a user, against payment',
  bonus: 'Bonus: from the treasury to a user, as a gift',
  spend: 'Spend: from a user to the treasury',
} as const;

export function transactionRoutes(app: FastifyInstance, deps: HttpDeps): void {
  for (const kind of ['topup', 'bonus', 'spend'] as const) {
    commandRoute(app, deps, {
      url: `/transactions/${kind}`,
      kind,
      tag: 'transactions',
      summary: SUMMARIES[kind],
      params: z.strictObject({}),
      body: moneyBody,
      answer: postedTransaction,
      example: examples.transaction(kind),
      problems: [...MONEY_PROBLEMS, kind === 'spend' ? 'insufficient_funds' : 'supply_cap_exceeded'],
      command: (_params, body) => ({ kind, ...body }),
    });
  }

  commandRoute(app, deps, {
    url: '/transactions/transfer',
    kind: 'transfer',
    tag: 'transactions',
    summary: 'Transfer: from one user to another',
    params: z.strictObject({}),
    body: transferBody,
    answer: postedTransaction,
    example: examples.transaction('transfer'),
    problems: [...MONEY_PROBLEMS, 'insufficient_funds'],
    command: (_params, body) => ({ kind: 'transfer', ...body }),
  });

  queryRoute(app, {
    url: '/transactions/:id',
    tag: 'transactions',
    summary: 'Look up a transaction, posted or declined',
    params: z.strictObject({ id: idSchema }),
    query: z.strictObject({ atLeast }),
    answer: transaction,
    example: examples.transaction('topup'),
    problems: ['transaction_not_found', 'read_model_behind'],
    read: async ({ id }, query) => {
      const source = { projections: [], atLeast: query.atLeast };
      const { result, position } = await answerFrom(deps, source, (tx) => readTransaction(tx, deps.ledgerId, id));
      if (result === null) {
        const detail = 'There is no transaction with this id.';
        throw new RefusedError({ code: 'transaction_not_found', detail, figures: { transactionId: id } });
      }
      return { body: result, position };
    },
  });

  listRoute(app, deps);
}

function listRoute(app: FastifyInstance, deps: HttpDeps): void {
  queryRoute(app, {
    url: '/transactions',
    tag: 'transactions',
    summary: 'List transactions, newest first, declined ones included',
    query: z.strictObject({
      reference: z.string().min(1).max(255).optional(),
      userId: idSchema.optional(),
      type: z.string().min(1).max(64).optional().meta({ examples: ['topup'] }),
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
        return listTransactions(tx, deps.ledgerId, { limit, cursor, filter: { reference, userId, type, ...span } });
      });
      return { body: result, position };
    },
  });
}
