/** A command that waits for its time: how the log keeps it, how routes show it, and how it is taken up again. */
import type { Body } from './body.ts';
import { canonicalJson } from './canonical.ts';
import type { Fact, Schedule } from './catalog.ts';
import { statusAfter } from './evolve.ts';
import type { ScheduleStatus } from './state.ts';
import { inCanonicalOrder, personalMetadataField } from './transaction-resource.ts';

/** Fields of commands that are JSON numbers, which the log has none of: it keeps their digits. */
export const NUMBER_FIELDS: ReadonlySet<string> = new Set(['expiresInSeconds', 'expiresInDays']);

/** The fields of a command as an event keeps them, in canonical order: the first answer must be equal bytes to its replay. */
export function keptFields(fields: Readonly<Record<string, unknown>>): Schedule['command'] {
  const withoutNumbers = (name: string, value: unknown): unknown => {
    if (typeof value !== 'number') return value;
    if (!NUMBER_FIELDS.has(name)) throw new Error(`${name} of a command is a number that cannot be kept`);
    return value.toString();
  };
  return JSON.parse(canonicalJson(fields), withoutNumbers) as Schedule['command'];
}

/** The fields of the command as a batch has them, without what was erased. */
export function askedFields(schedule: Schedule, personal: ReadonlyMap<string, string> | null): Body {
  const { command, personalMetadata, scheduleId } = schedule;
  const fields = Object.fromEntries(
    Object.entries(command).map(([name, value]) => [name, NUMBER_FIELDS.has(name) ? Number(value) : value]),
  );
  if (personalMetadata === undefined) return fields;
  const metadata: Record<string, unknown> = { ...(command['metadata'] as object) };
  const names: string[] = [];
  for (const name of Object.keys(personalMetadata).sort()) {
    const value = personal?.get(personalMetadataField(scheduleId, name));
    if (value === undefined) continue;
    metadata[name] = value;
    names.push(name);
  }
  return {
    ...fields,
    metadata: inCanonicalOrder(metadata),
    ...(names.length > 0 ? { personalMetadata: names } : {}),
  };
}

/** Where the personal values of the command are kept beside the log. */
export function personalFieldsOf({ scheduleId, userId, personalMetadata }: Schedule) {
  if (userId === null) return [];
  return Object.keys(personalMetadata ?? {}).map((name) => ({
    name,
    subjectId: userId,
    field: personalMetadataField(scheduleId, name),
  }));
}

/** Whether nothing of it was erased. */
export function isWhole(schedule: Schedule, personal: ReadonlyMap<string, string> | null): boolean {
  return personalFieldsOf(schedule).every(({ field }) => personal?.has(field) === true);
}

export type ScheduleEvent = Extract<Fact, { type: `scheduled.${string}` }> & {
  readonly position: bigint;
  readonly recordedAt: string;
};

/** How a schedule stands after its latest event. */
export function endOf(event: ScheduleEvent): ScheduleEnd {
  switch (event.type) {
    case 'scheduled.created':
      return { status: 'scheduled', result: null, reason: null };
    case 'scheduled.cancelled':
      return { status: 'cancelled', result: null, reason: event.data.reason };
    case 'scheduled.executed': {
      const { outcome, transactionId, holdId, code, detail } = event.data;
      const { position, recordedAt } = event;
      const result = { outcome, transactionId, holdId, code, detail };
      const written = { position: position.toString(), recordedAt };
      return { status: statusAfter(outcome), result: { ...result, ...written }, reason: null };
    }
  }
}

type ScheduleEnd = {
  readonly status: ScheduleStatus;
  readonly result: Body | null;
  /** Why it was cancelled. */
  readonly reason: string | null;
};

/** A schedule as every route shows it. */
export function scheduleResource(
  schedule: Schedule,
  { status, result, reason }: ScheduleEnd,
  personal: ReadonlyMap<string, string> | null,
): Body {
  const { scheduleId, type, executeAt, userId } = schedule;
  const command = askedFields(schedule, personal);
  return { scheduleId, status, type, executeAt, userId, command, result, reason };
}
