/** The schedules of a range: each is created for later, ends at most once, and is not executed before its time. */
import { createHash } from 'node:crypto';
import type { EventData, Fact, Schedule } from '../../events/catalog.ts';
import { statusAfter } from '../../events/evolve.ts';
import type { ScheduleStatus } from '../../events/state.ts';
import type { FindingList } from './finding.ts';
import type { ScheduleChange } from './range-summary.ts';

export type ScheduleEvent = Extract<Fact, { type: `scheduled.${string}` }> & Placed;

type Placed = { readonly position: bigint; readonly id: string; readonly occurredAt: string };

/** The event before one, where it is at hand. */
export type Previous = (Fact & Placed) | null;

export type ScheduleTracks = {
  readonly add: (event: ScheduleEvent, previous: Previous) => void;
  readonly finish: () => ScheduleChange[];
};

export function createScheduleTracks(findings: FindingList): ScheduleTracks {
  const tracks = new Map<string, ScheduleChange>();

  return {
    add(event, previous) {
      const { position } = event;
      const { schedule } = event.data;
      const track = tracks.get(schedule.scheduleId);
      const terms = termsOf(schedule);
      const fault =
        faultOf(event, previous) ?? (track === undefined ? null : faultAfter(track, event.type, terms));
      if (fault !== null)
        findings.add({ check: 'schedules', position: position.toString(), walletId: null, ...fault });
      const { scheduleId, type, userId, executeAt } = schedule;
      const status = statusOf(event);
      tracks.set(scheduleId, {
        ...{ scheduleId, type, userId, executeAt, terms, status },
        firstPosition: track?.firstPosition ?? position,
        created: track?.created ?? event.type === 'scheduled.created',
      });
    },
    finish: () => [...tracks.values()],
  };
}

export function statusOf({ type, data }: Fact & { type: `scheduled.${string}` }): ScheduleStatus {
  if (type === 'scheduled.executed') return statusAfter(data.outcome);
  return type === 'scheduled.cancelled' ? 'cancelled' : 'scheduled';
}

/** What never changes of a schedule, in few bytes; behind a space what is personal of it, which may be gone when it ends. */
function termsOf({ personalMetadata, ...rest }: Schedule): string {
  return personalMetadata === undefined ? hash(rest) : `${hash(rest)} ${hash(personalMetadata)}`;
}

function hash(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64');
}

type Fault = { readonly expected: string; readonly found: string };

/** What is wrong with an event by itself, and beside the one before it. */
function faultOf(event: ScheduleEvent, previous: Previous): Fault | null {
  const { scheduleId, executeAt } = event.data.schedule;
  const found = `${event.type} at ${event.occurredAt}`;
  switch (event.type) {
    case 'scheduled.created':
      if (scheduleId !== event.id) return { expected: `schedule ${event.id}`, found: scheduleId };
      return executeAt > event.occurredAt
        ? null
        : { expected: `schedule ${scheduleId} created before ${executeAt}`, found };
    case 'scheduled.executed':
      if (executeAt > event.occurredAt)
        return { expected: `schedule ${scheduleId} executed at ${executeAt} or later`, found };
      return faultOfResult(event.data, previous);
    case 'scheduled.cancelled':
      return null;
  }
}

/** What came of it is the event right before. */
function faultOfResult(data: EventData<'scheduled.executed'>, previous: Previous): Fault | null {
  const { outcome, transactionId, holdId } = data;
  const { scheduleId } = data.schedule;
  const told = `${outcome}, transaction ${transactionId}, hold ${holdId}`;
  if (outcome === 'failed')
    return transactionId === null && holdId === null
      ? null
      : { expected: `nothing that schedule ${scheduleId} came to`, found: told };
  if (previous === null) return null;
  const declined = previous.type === 'transaction.rejected';
  const held = 'hold' in previous.data ? previous.data.hold.holdId : null;
  const right =
    declined === (outcome === 'rejected') &&
    (transactionId === null || transactionId === previous.id) &&
    holdId === held;
  return right
    ? null
    : {
        expected: `schedule ${scheduleId} to have come to ${told}`,
        found: `${previous.type} ${previous.id}`,
      };
}

function faultAfter(before: ScheduleChange, type: ScheduleEvent['type'], terms: string): Fault | null {
  if (type === 'scheduled.created')
    return { expected: `schedule ${before.scheduleId} created once`, found: 'a second time' };
  return faultBetween(before, terms, type);
}

/** Whether a schedule that stood like `before` can have ended by what came next. */
export function faultBetween(
  before: Pick<ScheduleChange, 'scheduleId' | 'status' | 'terms'>,
  terms: string,
  found: string,
): Fault | null {
  if (before.status !== 'scheduled')
    return { expected: `schedule ${before.scheduleId} to stay ${before.status}`, found };
  if (before.terms === terms || before.terms.startsWith(`${terms} `)) return null;
  return {
    expected: `schedule ${before.scheduleId} as it was created`,
    found: 'another command, time or user',
  };
}
