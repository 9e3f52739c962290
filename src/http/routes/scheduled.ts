import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { cancelScheduleBody, scheduleIdParams } from '../../commands/schedule-schemas.ts';
import { answerFrom, findIn } from '../../projections/queries/read-model.ts';
import { listSchedules, readSchedule } from '../../projections/queries/scheduled.ts';
import { commandRoute } from '../command-route.ts';
import { listOf as exampleList } from '../examples.ts';
import * as examples from '../schedule-examples.ts';
import { CANCEL_URL } from '../money-commands.ts';
import { atLeast, cursorParam, limitParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { listOf } from '../resources.ts';
import { schedule, writtenSchedule } from '../transaction-resources.ts';

const SCHEDULED_PROJECTIONS = ['scheduled'];

export function scheduledRoutes(app: FastifyInstance): void {
  commandRoute(app, {
    url: CANCEL_URL,
    kind: 'schedule.cancel',
    operationId: 'cancelSchedule',
    tag: 'scheduled',
    summary: 'Cancel what is scheduled',
    description: 'Possible until it was executed, also when its time has come already.',
    params: scheduleIdParams,
    body: cancelScheduleBody,
    bodyName: 'CancelSchedule',
    bodyExample: { reason: 'no longer wanted' },
    answer: writtenSchedule,
    example: examples.cancelledSchedule,
    problems: ['schedule_not_found', 'schedule_closed', 'subject_erased'],
    command: ({ id }, body) => ({ kind: 'schedule.cancel', scheduleId: id, ...body }),
  });

  queryRoute(app, {
    url: '/scheduled/:id',
    operationId: 'getSchedule',
    tag: 'scheduled',
    summary: 'Look up what is scheduled, and what came of it',
    params: scheduleIdParams,
    query: z.strictObject({ atLeast }),
    answer: schedule,
    example: examples.schedule,
    problems: ['schedule_not_found', 'read_model_behind'],
    read: async ({ id }, query, ledger) => {
      const source = { projections: SCHEDULED_PROJECTIONS, atLeast: query.atLeast };
      const { result, position } = await findIn(ledger, source, (tx) =>
        readSchedule(tx, ledger.ledgerId, id),
      );
      if (result !== null) return { body: result, position };
      const detail = 'There is no schedule with this id.';
      return { refusal: { code: 'schedule_not_found', detail, figures: { scheduleId: id } }, position };
    },
  });

  queryRoute(app, {
    url: '/scheduled',
    operationId: 'listSchedules',
    tag: 'scheduled',
    summary: 'List what is scheduled, newest first',
    query: z.strictObject({
      userId: idSchema.optional().meta({ description: 'Only of this user.' }),
      status: z.enum(['scheduled', 'executed', 'failed', 'cancelled']).optional(),
      limit: limitParam(50),
      cursor: cursorParam,
      atLeast,
    }),
    answer: listOf(schedule),
    example: exampleList(examples.schedule),
    problems: ['read_model_behind'],
    read: async (_params, { userId, status, limit, cursor, atLeast: position }, ledger) => {
      const source = { projections: SCHEDULED_PROJECTIONS, atLeast: position };
      const answered = await answerFrom(ledger, source, (tx) =>
        listSchedules(tx, ledger.ledgerId, { limit, cursor, filter: { userId, status } }),
      );
      return { body: answered.result, position: answered.position };
    },
  });
}
