/** The rules of schedules: a command waits for its time, is decided then like any other, once, or is cancelled before. */
import type { NewEvent, PersonalValue, Schedule } from '../events/catalog.ts';
import { keptFields } from '../events/schedule-resource.ts';
import type { LedgerState } from '../events/state.ts';
import { SCHEDULE_CANCEL } from '../events/transaction-resource.ts';
import { afterOpening, protectMetadata, rejection, type Described } from './decide-transaction.ts';
import { happened, invalid, newEvent, refused, type Decision, type DecisionContext } from './decision.ts';
import {
  MAX_DAYS_AHEAD,
  commandOfSchedule,
  type CancelScheduleCommand,
  type CreateScheduleCommand,
  type RunScheduleCommand,
  type SchedulableCommand,
} from './schedule-schemas.ts';

const DAY_MS = 24 * 3_600 * 1_000;

export type DecideNow = (
  state: LedgerState,
  command: SchedulableCommand,
  context: DecisionContext,
) => Decision;

/**
 * What the command names must exist by now, so it is decided as if it were to be done at once: if it is refused for what
 * does not exist, or cannot be meant, so is the schedule. Whatever else it comes to is for its time to tell.
 */
export function decideScheduling(
  state: LedgerState,
  { executeAt, command }: CreateScheduleCommand,
  context: DecisionContext,
  decideNow: DecideNow,
): Decision {
  const fault = faultOfTime(executeAt, context.occurredAt);
  if (fault !== null) return invalid('executeAt', fault);
  if (command.kind === 'bonus' && command.expiresAt !== undefined && command.expiresAt <= executeAt)
    return invalid('expiresAt', 'must be after executeAt, or there would be nothing to give');
  const tried = decideNow(state, command, context);
  if (tried.kind !== 'events') return tried;

  const scheduleId = context.nextId();
  const userId = userOf(tried.events);
  const { kind: type, ...asked } = command;
  // Else it would stand in the log for ever.
  if (userId === null && 'personalMetadata' in asked && asked.personalMetadata !== undefined)
    return invalid('personalMetadata', 'is of no one user, with whom it could be erased');
  const { fields, digests, personal } = withoutPersonal(asked, { id: scheduleId, userId }, context);
  const schedule: Schedule = {
    ...{ scheduleId, type, executeAt, userId, command: keptFields(fields) },
    ...(digests === null ? {} : { personalMetadata: digests }),
  };
  return happened(newEvent('scheduled.created', { schedule }, context, { id: scheduleId, personal }));
}

function faultOfTime(executeAt: string, now: string): string | null {
  if (executeAt <= now) return `must be in the future, and it is ${now} now`;
  const latest = new Date(Date.parse(now) + MAX_DAYS_AHEAD * DAY_MS).toISOString();
  return executeAt > latest ? `must be at most ${MAX_DAYS_AHEAD} days ahead` : null;
}

/** Whose money the outcome of a command is about. */
function userOf(events: readonly NewEvent[]): string | null {
  const last = events.at(-1);
  if (last === undefined) return null;
  if ('userId' in last.data) return last.data.userId;
  return 'hold' in last.data ? last.data.hold.userId : null;
}

function withoutPersonal(
  asked: Readonly<Record<string, unknown>>,
  of: { id: string; userId: string | null },
  context: DecisionContext,
): {
  fields: Readonly<Record<string, unknown>>;
  digests: Record<string, string> | null;
  personal: readonly PersonalValue[];
} {
  if (of.userId === null || asked['personalMetadata'] === undefined)
    return { fields: asked, digests: null, personal: [] };
  const { personalMetadata: _names, ...fields } = asked;
  const subject = { id: of.id, subjectId: of.userId };
  const { plain, digests, personal } = protectMetadata(asked, subject, context);
  return { fields: { ...fields, metadata: plain }, digests, personal };
}

/** Its events, and behind them that the schedule was executed: all of them or none. Nothing, if that is not for now. */
export function decideRun(
  state: LedgerState,
  { scheduleId }: RunScheduleCommand,
  context: DecisionContext,
  decideNow: DecideNow,
): Decision {
  const known = state.schedules.get(scheduleId);
  if (known?.status !== 'scheduled' || known.schedule.executeAt > context.occurredAt)
    return { kind: 'nothing' };
  const { schedule } = known;
  const decision = decideNow(state, commandOfSchedule(schedule, known.personal), context);
  const executed = (result: Result): NewEvent => {
    const data = { schedule, ...NO_RESULT, ...result };
    return newEvent('scheduled.executed', data, context, { relatedId: scheduleId });
  };
  switch (decision.kind) {
    case 'events':
      return afterOpening(decision.events, executed(resultOf(decision.events)));
    case 'refused': {
      const { code, detail } = decision.refusal;
      return happened(executed({ outcome: 'failed', code, detail }));
    }
    case 'invalid': {
      const { path, message } = decision.fault;
      return happened(
        executed({ outcome: 'failed', code: 'validation_failed', detail: `${path} ${message}` }),
      );
    }
    case 'nothing':
      return happened(executed({ outcome: 'failed' }));
  }
}

const NO_RESULT = { transactionId: null, holdId: null, code: null, detail: null };

type Result = {
  readonly outcome: 'posted' | 'rejected' | 'failed';
  readonly transactionId?: string;
  readonly holdId?: string;
  readonly code?: string;
  readonly detail?: string;
};

function resultOf(events: readonly NewEvent[]): Result {
  const last = events.at(-1);
  if (last?.type === 'transaction.rejected') {
    const { code, detail } = last.data;
    return { outcome: 'rejected', transactionId: last.id, code, detail };
  }
  if (last === undefined) return { outcome: 'posted' };
  return {
    outcome: 'posted',
    ...('postings' in last.data ? { transactionId: last.id } : {}),
    ...('hold' in last.data ? { holdId: last.data.hold.holdId } : {}),
  };
}

/** What was personal of it went with the user: it is not named again, and the answer can be shown without it. */
function withoutErased(state: LedgerState, schedule: Schedule): Schedule {
  const { personalMetadata, ...rest } = schedule;
  if (personalMetadata === undefined || schedule.userId === null) return schedule;
  return state.users.get(schedule.userId)?.status === 'ERASED' ? rest : schedule;
}

export function decideCancel(
  state: LedgerState,
  command: CancelScheduleCommand,
  context: DecisionContext,
): Decision {
  const { scheduleId } = command;
  const known = state.schedules.get(scheduleId);
  if (known === undefined)
    return refused('schedule_not_found', 'There is no schedule with this id.', { scheduleId });
  const { schedule, status } = known;
  const reason = command.reason ?? null;
  if (status === 'scheduled') {
    const data = { schedule: withoutErased(state, schedule), reason };
    return happened(newEvent('scheduled.cancelled', data, context, { relatedId: scheduleId }));
  }
  const request: Described = {
    ...{ type: SCHEDULE_CANCEL, asset: null, userId: schedule.userId, amount: null },
    ...{ reference: null, metadata: null, asked: { reason } },
  };
  const refusal = {
    code: 'schedule_closed',
    detail: `The schedule is closed: it was ${status === 'failed' ? 'executed, and failed' : status}.`,
    figures: { scheduleId, scheduleStatus: status, executeAt: schedule.executeAt },
  } as const;
  return happened(rejection(request, refusal, context, { id: context.nextId(), relatedId: scheduleId }));
}
