/** What may be asked about time: any command that moves money later instead of now. */
import { z } from 'zod';
import type { Schedule } from '../events/catalog.ts';
import { askedFields } from '../events/schedule-resource.ts';
import { idSchema, reason, timeSchema } from './fields.ts';
import type { MovingCommand } from './money-schemas.ts';

export const MAX_DAYS_AHEAD = 366;

/** Whether it is in the future is decided, not validated: only a decision knows the time. */
const executeAt = timeSchema
  .optional()
  .meta({
    description: `When it is to be done, at most ${MAX_DAYS_AHEAD} days ahead. The answer is then a 202. Default: now.`,
    examples: ['2026-01-02T00:00:00Z'],
  });

/** The body of a command that may be asked for later. */
export function schedulable<Body extends z.ZodObject>(
  body: Body,
): z.ZodType<z.output<Body> & { readonly executeAt?: string | undefined }> {
  return body.safeExtend({ executeAt }) as never;
}

export const cancelScheduleBody = z.strictObject({ reason });

export const scheduleIdParams = z.strictObject({ id: idSchema.meta({ description: 'The scheduleId.' }) });

export type SchedulableCommand = Exclude<MovingCommand, { readonly kind: `${string}.expire` }>;

export type CreateScheduleCommand = {
  readonly kind: 'schedule.create';
  readonly executeAt: string;
  readonly command: SchedulableCommand;
};

/** Of the service itself, when the time has come. */
export type RunScheduleCommand = {
  readonly kind: 'schedule.run';
  readonly scheduleId: string;
  /** How many postings it has: so much work it is. */
  readonly postings: number;
};

export type CancelScheduleCommand = {
  readonly kind: 'schedule.cancel';
  readonly scheduleId: string;
} & z.output<typeof cancelScheduleBody>;

export type ScheduleCommand = CreateScheduleCommand | RunScheduleCommand | CancelScheduleCommand;

/** The command itself, or that it be done at its time. */
export function scheduledFor(
  at: string | undefined,
  command: SchedulableCommand,
): SchedulableCommand | CreateScheduleCommand {
  return at === undefined ? command : { kind: 'schedule.create', executeAt: at, command };
}

/** The fields were those of a command when they were taken, and the log keeps them as they were. */
export function commandOfSchedule(
  schedule: Schedule,
  personal: ReadonlyMap<string, string> | null,
): SchedulableCommand {
  return { kind: schedule.type, ...askedFields(schedule, personal) } as unknown as SchedulableCommand;
}
