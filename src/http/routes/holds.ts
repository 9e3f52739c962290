import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { listHolds, readHold } from '../../projections/queries/holds.ts';
import { answerFrom, findIn } from '../../projections/queries/read-model.ts';
import { commandRoute } from '../command-route.ts';
import * as examples from '../examples.ts';
import { MONEY_PROBLEMS, SPEND_PROBLEMS, moneyRoutes } from '../money-commands.ts';
import { atLeast, cursorParam, limitParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { listOf } from '../resources.ts';
import { capturedHold, hold, writtenHold } from '../transaction-resources.ts';

const HOLD_PROJECTIONS = ['holds'];

export function holdRoutes(app: FastifyInstance): void {
  const shared = { tag: 'holds', dryRun: true } as const;
  commandRoute(app, {
    ...moneyRoutes.hold,
    ...shared,
    operationId: 'placeHold',
    summary: "Hold part of a user's balance",
    bodyName: 'PlaceHold',
    bodyExample: examples.holdBody,
    answer: writtenHold,
    example: { ...examples.hold, ...examples.written },
    problems: [...MONEY_PROBLEMS, ...SPEND_PROBLEMS],
  });
  commandRoute(app, {
    ...moneyRoutes.capture,
    ...shared,
    operationId: 'captureHold',
    summary: 'Pay out of a hold, to the treasury or to someone else',
    bodyName: 'Capture',
    bodyExample: { amount: '60', final: true },
    answer: capturedHold,
    example: {
      ...examples.hold,
      ...{ captured: '60', remaining: '0', status: 'captured' },
      ...examples.written,
      transactionId: examples.postings.transactionId,
    },
    problems: [...MONEY_PROBLEMS, 'hold_not_found', 'hold_exceeded', 'hold_closed'],
  });
  commandRoute(app, {
    ...moneyRoutes.release,
    ...shared,
    operationId: 'releaseHold',
    summary: 'Release what is left of a hold',
    bodyName: 'Release',
    bodyExample: {},
    answer: writtenHold,
    example: { ...examples.hold, remaining: '0', status: 'released', ...examples.written },
    problems: ['hold_not_found', 'hold_closed', 'subject_erased'],
  });

  holdQueries(app);
}

function holdQueries(app: FastifyInstance): void {
  queryRoute(app, {
    url: '/holds/:id',
    operationId: 'getHold',
    tag: 'holds',
    summary: 'Look up a hold',
    params: z.strictObject({ id: idSchema.meta({ description: 'The holdId.' }) }),
    query: z.strictObject({ atLeast }),
    answer: hold,
    example: examples.hold,
    problems: ['hold_not_found', 'read_model_behind'],
    read: async ({ id }, query, ledger) => {
      const source = { projections: HOLD_PROJECTIONS, atLeast: query.atLeast };
      const { result, position } = await findIn(ledger, source, (tx) => readHold(tx, ledger.ledgerId, id));
      if (result !== null) return { body: result, position };
      const detail = 'There is no hold with this id.';
      return { refusal: { code: 'hold_not_found', detail, figures: { holdId: id } }, position };
    },
  });

  queryRoute(app, {
    url: '/holds',
    operationId: 'listHolds',
    tag: 'holds',
    summary: 'List holds, newest first',
    query: z.strictObject({
      userId: idSchema.optional().meta({ description: 'Only of this user.' }),
      status: z.enum(['open', 'captured', 'released', 'expired']).optional(),
      limit: limitParam(50),
      cursor: cursorParam,
      atLeast,
    }),
    answer: listOf(hold),
    example: examples.listOf(examples.hold),
    problems: ['read_model_behind'],
    read: async (_params, { userId, status, limit, cursor, atLeast: position }, ledger) => {
      const source = { projections: HOLD_PROJECTIONS, atLeast: position };
      const answered = await answerFrom(ledger, source, (tx) =>
        listHolds(tx, ledger.ledgerId, { limit, cursor, filter: { userId, status } }),
      );
      return { body: answered.result, position: answered.position };
    },
  });
}
