/**
 * How schedules stand. Their rows are locked after the wallets and before the head row of the ledger, by id: running
 * one, running it in another process and cancelling it exclude each other, and no cycle of waiting can form.
 */
import { uuidArray } from '../db/binary-arrays.ts';
import type { Transaction } from '../db/transaction.ts';
import type { PreparedEvent } from '../events/append.ts';
import type { Schedule } from '../events/catalog.ts';
import { statusAfter } from '../events/evolve.ts';
import { readPersonal } from '../events/read.ts';
import { personalFieldsOf } from '../events/schedule-resource.ts';
import type { ScheduleState, ScheduleStatus } from '../events/state.ts';
import type { References } from './references.ts';
import type { Command } from './schemas.ts';

/** Of the schedules that commands end; what no event is known of is not there to be locked. */
export function schedulesToLock(commands: readonly Command[], { events }: References): string[] {
  if (events.size === 0) return [];
  return commands.flatMap((command) =>
    command.kind === 'schedule.run' || command.kind === 'schedule.cancel' ? [command.scheduleId] : [],
  );
}

export async function lockSchedules(
  tx: Transaction,
  ledgerId: number,
  ids: readonly string[],
): Promise<void> {
  await tx.query({
    name: 'lock-schedules',
    text: `
with ordered as materialized (
  select distinct wanted.id
    from unnest($2::uuid[]) as wanted (id)
   order by wanted.id
)
select locked.id
  from ordered
 cross join lateral (
        select s.id
          from schedules s
         where s.ledger_id = $1::integer
           and s.id = ordered.id
           for update
       ) locked`,
    values: [ledgerId, uuidArray(ids)],
  });
}

/** Schedules by the events that created them, as they stand now. */
export async function readSchedules(
  tx: Transaction,
  ledgerId: number,
  references: References,
): Promise<ScheduleState[]> {
  if (references.events.size === 0) return [];
  const created = new Map(
    [...references.events.values()].flatMap((event) =>
      event.type === 'scheduled.created' ? [[event.id, event.data.schedule]] : [],
    ),
  );
  if (created.size === 0) return [];
  const [{ rows }, values] = await Promise.all([
    tx.query<{ id: string; status: ScheduleStatus }>({
      name: 'schedules-by-id',
      text: `
select s.id, s.status
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select s.id, s.status
          from schedules s
         where s.ledger_id = $1::integer
           and s.id = wanted.id
         limit 1
       ) s`,
      values: [ledgerId, [...created.keys()]],
    }),
    readPersonal(tx, ledgerId, [...created.values()].flatMap(personalFieldsOf)),
  ]);
  return rows.flatMap(({ id, status }) => {
    const schedule = created.get(id);
    if (schedule === undefined) return [];
    const personal = new Map<string, string>();
    for (const { subjectId, field } of personalFieldsOf(schedule)) {
      const value = values.get(`${subjectId} ${field}`)?.value ?? null;
      if (value !== null) personal.set(field, value);
    }
    return [{ schedule, status, personal }];
  });
}

/** Schedules as the batch leaves them, each once. */
export async function writeSchedules(
  tx: Transaction,
  ledgerId: number,
  events: readonly PreparedEvent[],
): Promise<void> {
  const last = new Map<string, { schedule: Schedule; status: ScheduleStatus }>();
  for (const { event } of events) {
    if (!('schedule' in event.data)) continue;
    const { schedule } = event.data;
    last.set(schedule.scheduleId, { schedule, status: statusOf(event) });
  }
  if (last.size === 0) return;
  const heads = [...last.values()];
  await tx.query({
    name: 'upsert-schedules',
    text: `
insert into schedules (ledger_id, id, execute_at, status)
select $1::integer, w.id, w.execute_at, w.status
  from unnest($2::uuid[], $3::timestamptz[], $4::text[]) as w (id, execute_at, status)
    on conflict (ledger_id, id) do update
   set status = excluded.status`,
    values: [
      ledgerId,
      heads.map(({ schedule }) => schedule.scheduleId),
      heads.map(({ schedule }) => schedule.executeAt),
      heads.map(({ status }) => status),
    ],
  });
}

function statusOf({ type, data }: PreparedEvent['event']): ScheduleStatus {
  if (type === 'scheduled.executed') return statusAfter(data.outcome);
  return type === 'scheduled.cancelled' ? 'cancelled' : 'scheduled';
}
