/**
 * Schedules: the read model says which there are and how they stand, the log what they are and what came of them. Run
 * these in a snapshot with the position of the `scheduled` projection.
 */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import { readEventsAt, type StoredEvent } from '../../events/read.ts';
import { endOf, scheduleResource } from '../../events/schedule-resource.ts';
import type { ScheduleStatus } from '../../events/state.ts';
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts';

export type ScheduleFilter = {
  readonly userId?: string | undefined;
  readonly status?: ScheduleStatus | undefined;
};

type ScheduleRow = { position: bigint; ended_position: bigint | null };

export async function readSchedule(tx: Transaction, ledgerId: number, id: string): Promise<Body | null> {
  const { rows } = await tx.query<ScheduleRow>({
    name: 'schedule',
    text: `
select s.position, s.ended_position
  from read.scheduled s
 where s.ledger_id = $1::integer
   and s.id = $2::uuid`,
    values: [ledgerId, id],
  });
  const [shown] = await showAll(tx, ledgerId, rows);
  return shown?.body ?? null;
}

/** Newest first. */
export async function listSchedules(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { filter: ScheduleFilter },
): Promise<Page<Body>> {
  const { filter, limit, cursor } = request;
  const before = cursor === undefined ? null : decodeCursor('scheduled', cursor).position;
  const values: unknown[] = [ledgerId, before, limit + 1];
  const conditions = [
    ...(filter.userId === undefined ? [] : [`and s.user_id = $${values.push(filter.userId)}::uuid`]),
    ...(filter.status === undefined ? [] : [`and s.status = $${values.push(filter.status)}::text`]),
  ].join('\n   ');
  const { rows } = await tx.query<ScheduleRow>({
    text: `
select s.position, s.ended_position
  from read.scheduled s
 where s.ledger_id = $1::integer
   and ($2::bigint is null or s.position < $2::bigint)
   ${conditions}
 order by s.position desc
 limit $3::integer`,
    values,
  });
  return pageOf(await showAll(tx, ledgerId, rows), limit, {
    list: 'scheduled',
    keyset: ({ position }) => ({ position, leg: 0 }),
    item: ({ body }) => body,
  });
}

async function showAll(
  tx: Transaction,
  ledgerId: number,
  rows: readonly ScheduleRow[],
): Promise<{ position: bigint; body: Body }[]> {
  const positions = rows.flatMap(({ position, ended_position: ended }) => [position, ended ?? []].flat());
  const events = await readEventsAt(tx, ledgerId, positions);
  const byPosition = new Map(events.map((event) => [event.position, event]));
  return rows.map(({ position, ended_position: ended }) => {
    const created = scheduleEvent(byPosition.get(position));
    const end = endOf(ended === null ? created : scheduleEvent(byPosition.get(ended)));
    return { position, body: scheduleResource(created.data.schedule, end, created.personal) };
  });
}

type ScheduleEvent = Extract<StoredEvent, { type: `scheduled.${string}` }>;

function scheduleEvent(event: StoredEvent | undefined): ScheduleEvent {
  if (event !== undefined && 'schedule' in event.data) return event as ScheduleEvent;
  throw new Error('the read model of schedules names an event that is not of one');
}
