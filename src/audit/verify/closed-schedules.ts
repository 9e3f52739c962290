/** Schedules that have ended never change again: their rows are looked up where the log ends them. */
import type { PoolClient } from 'pg';
import type { CheckName } from '../fold/finding.ts';
import type { RangeFold } from '../fold/range-fold.ts';
import type { Schedule } from '../../events/catalog.ts';
import type { ScheduleStatus } from '../../events/state.ts';
import {
  READ_SCHEDULE_COLUMNS,
  SCHEDULE_COLUMNS,
  spellReadSchedule,
  spellSchedule,
  spellScheduleRow,
} from './spooled-schedules.ts';

export type ClosedSchedule = {
  readonly position: bigint;
  readonly schedule: Schedule;
  readonly status: ScheduleStatus;
};

/** `schedulesUpTo`: the checkpoint of the read model of schedules. */
export async function checkClosedSchedules(
  client: PoolClient,
  { ledgerId, schedulesUpTo }: { ledgerId: number; schedulesUpTo: bigint },
  fold: RangeFold,
  closed: readonly ClosedSchedule[],
): Promise<void> {
  await checkRows(client, ledgerId, fold, {
    ...{ table: 'schedules', check: 'schedule_heads', columns: SCHEDULE_COLUMNS, closed },
    spell: ({ schedule, status }) => spellSchedule({ ...schedule, status }),
  });
  await checkRows(client, ledgerId, fold, {
    ...{ table: 'read.scheduled', check: 'read_models', columns: READ_SCHEDULE_COLUMNS },
    closed: closed.filter(({ position }) => position <= schedulesUpTo),
    spell: ({ schedule, status, position }) =>
      spellReadSchedule({ ...schedule, status, endedPosition: position }),
  });
}

async function checkRows(
  client: PoolClient,
  ledgerId: number,
  fold: RangeFold,
  of: {
    readonly table: 'schedules' | 'read.scheduled';
    readonly check: CheckName;
    readonly columns: string;
    readonly spell: (closed: ClosedSchedule) => string;
    readonly closed: readonly ClosedSchedule[];
  },
): Promise<void> {
  const { table, check, columns, spell, closed } = of;
  if (closed.length === 0) return;
  const { rows } = await client.query<{ id: string; row: (string | null)[] }>({
    name: `audit-closed-${table}`,
    text: `
select wanted.id, s.row
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select array[${columns}] as row
          from ${table} s
         where s.ledger_id = $1::integer
           and s.id = wanted.id
         limit 1
       ) s`,
    values: [ledgerId, closed.map(({ schedule }) => schedule.scheduleId)],
  });
  const found = new Map(rows.map(({ id, row }) => [id, spellScheduleRow(row)]));
  for (const each of closed) {
    const { position, schedule } = each;
    const { scheduleId } = schedule;
    const [expected, row] = [spell(each), found.get(scheduleId) ?? 'no row'];
    if (row !== expected) fold.report(check, { position }, `${table} ${scheduleId}: ${expected}`, row);
  }
}
