import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { positionsBetween } from '../../projections/queries/positions.ts';
import { listTransactions, readTransaction } from '../../projections/queries/transactions.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import { commandRoute } from '../command-route.ts';
import * as examples from '../examples.ts';
import { MONEY_PROBLEMS, SPEND_PROBLEMS, moneyRoutes } from '../money-commands.ts';
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
import { listOf } from '../resources.ts';
import { postedTransaction, transaction } from '../transaction-resources.ts';

const ROUTES = {
  topup: { operationId: 'topUp', summary: 'Top up: from the treasury to a user, against payment' },
  spend: {
    operationId: 'spend',
    summary: 'Spend: from a user to the treasury, out of the bonus that expires first, plain balance last',
  },
} as const;

export function transactionRoutes(app: FastifyInstance): void {
  for (const kind of ['topup', 'spend'] as const) {
    commandRoute(app, {
      ...moneyRoutes[kind],
      ...ROUTES[kind],
      tag: 'transactions',
      dryRun: true,
      bodyName: 'MoveMoney',
      bodyExample: examples.moneyBody,
      answer: postedTransaction,
      example: examples.transaction(kind),
      problems: [
        ...MONEY_PROBLEMS,
        ...(kind === 'spend' ? SPEND_PROBLEMS : (['supply_cap_exceeded'] as const)),
      ],
    });
  }

  commandRoute(app, {
    ...moneyRoutes.bonus,
    operationId: 'giveBonus',
    tag: 'transactions',
    summary: 'Bonus: from the treasury to a user, as a gift, for good or for a time',
    description:
      'With `expiresAt` or `expiresInDays` it opens a lot: spending takes from the lot that ends first, and what is left of it at its end goes back by a transaction of type `expiry`.',
    dryRun: true,
    bodyName: 'GiveBonus',
    bodyExample: examples.bonusBody,
    answer: postedTransaction,
    example: examples.bonus,
    problems: [...MONEY_PROBLEMS, 'supply_cap_exceeded', 'too_many_lots'],
  });

  commandRoute(app, {
    ...moneyRoutes.transfer,
    operationId: 'transfer',
    tag: 'transactions',
    summary: 'Transfer: from one user to another',
    dryRun: true,
    bodyName: 'Transfer',
    bodyExample: examples.transferBody,
    answer: postedTransaction,
    example: examples.transaction('transfer'),
    problems: [...MONEY_PROBLEMS, ...SPEND_PROBLEMS],
  });

  exchangeRoute(app);
  postingsRoutes(app);
  lookUpRoute(app);
  listRoute(app);
}

function exchangeRoute(app: FastifyInstance): void {
  commandRoute(app, {
    ...moneyRoutes.exchange,
    operationId: 'exchange',
    tag: 'transactions',
    summary: 'Exchange: a user gives one asset to its treasury and gets another from that of the other',
    description:
      'At a `rate`, rounded down, or for a `toAmount`: exactly one of the two. `asset`, `amount` and `balanceAfter` of the answer tell what the user pays, `toAsset`, `toAmount` and `toBalanceAfter` what the user gets.',
    dryRun: true,
    bodyName: 'Exchange',
    bodyExample: examples.exchangeBody,
    answer: postedTransaction,
    example: examples.exchange,
    problems: [...MONEY_PROBLEMS, 'insufficient_funds', 'supply_cap_exceeded'],
  });
}

function postingsRoutes(app: FastifyInstance): void {
  commandRoute(app, {
    ...moneyRoutes.postings,
    operationId: 'postTransaction',
    tag: 'transactions',
    summary: 'Several postings at once, of users and system accounts, in several assets: all or none',
    description:
      'The postings are done in their order, each with what those before it left. A system account is opened when it is first used; only `treasury` may go below zero.',
    dryRun: true,
    bodyName: 'Postings',
    bodyExample: examples.postingsBody,
    answer: postedTransaction,
    example: examples.postings,
    problems: [...MONEY_PROBLEMS, ...SPEND_PROBLEMS, 'supply_cap_exceeded'],
  });

  commandRoute(app, {
    ...moneyRoutes.reversal,
    operationId: 'reverseTransaction',
    tag: 'transactions',
    summary: 'Reverse a transaction, wholly or in part',
    description:
      'Never more than is left of the original. With `force` a user is taken below zero, banned or frozen or not; the treasury keeps its supply cap, and other system accounts what they have.',
    dryRun: true,
    bodyName: 'Reverse',
    bodyExample: { amount: '40', reason: 'returned' },
    answer: postedTransaction,
    example: examples.reversal,
    problems: [
      ...MONEY_PROBLEMS,
      'transaction_not_found',
      'insufficient_funds',
      'supply_cap_exceeded',
      'reversal_exceeds_original',
      'not_reversible',
      'too_many_lots',
    ],
  });
}

function lookUpRoute(app: FastifyInstance): void {
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
    read: async ({ id }, query, ledger) => {
      const source = { projections: [], atLeast: query.atLeast };
      const { result, position } = await answerFrom(ledger, source, (tx) =>
        readTransaction(tx, ledger.ledgerId, id),
      );
      if (result !== null) return { body: result, position };
      const detail = 'There is no transaction with this id.';
      return { refusal: { code: 'transaction_not_found', detail, figures: { transactionId: id } }, position };
    },
  });
}

function listRoute(app: FastifyInstance): void {
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
    read: async (_params, query, ledger) => {
      checkOrder(query);
      const { limit, cursor, reference, userId, type } = query;
      const source = { projections: ['transactions'], atLeast: query.atLeast };
      const { result, position } = await answerFrom(ledger, source, async (tx) => {
        const span = await positionsBetween(tx, ledger.ledgerId, query);
        return listTransactions(tx, ledger.ledgerId, {
          limit,
          cursor,
          filter: { reference, userId, type, ...span },
        });
      });
      return { body: result, position };
    },
  });
}
