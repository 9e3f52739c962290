/** Holds and schedules that have ended never change again: their rows are looked up where the log ends them. */
import type { PoolClient } from 'pg';
import type { Hold, Schedule } from '../../events/catalog.ts';
import type { ScheduleStatus } from '../../events/state.ts';
import type { CheckName } from '../fold/finding.ts';
import type { RangeFold } from '../fold/range-fold.ts';
import { HOLD_COLUMNS, READ_HOLD_COLUMNS, spellHold, spellReadHold } from './spooled-rows.ts';
import {
  READ_SCHEDULE_COLUMNS,
  SCHEDULE_COLUMNS,
  spellReadSchedule,
  spellSchedule,
} from './spooled-schedules.ts';
import { spelledBy, type Spelling } from './spooled-table.ts';

export type ClosedHold = { readonly position: bigint; readonly hold: Hold };

export type ClosedSchedule = {
  readonly position: bigint;
  readonly schedule: Schedule;
  readonly status: ScheduleStatus;
};

/** What a table has to say of those that have ended. */
type ClosedRows<Closed> = {
  readonly table: 'holds' | 'read.holds' | 'schedules' | 'read.scheduled';
  readonly check: CheckName;
  /** Of the table as `alias`. */
  readonly columns: Spelling;
  readonly alias: string;
  readonly spell: (closed: Closed) => string;
  readonly about: (closed: Closed) => { readonly id: string; readonly walletId?: string };
};

type Ledger = { readonly ledgerId: number; readonly projectedTo: bigint };

const HOLDS = { alias: 'h', about: ({ hold }: ClosedHold) => ({ id: hold.holdId, walletId: hold.walletId }) };

/** `projectedTo`: the checkpoint of the read model of holds. */
export async function checkClosedHolds(
  client: PoolClient,
  { ledgerId, projectedTo }: Ledger,
  fold: RangeFold,
  closed: readonly ClosedHold[],
): Promise<void> {
  await checkRows(client, ledgerId, fold, closed, {
    ...{ ...HOLDS, table: 'holds', check: 'hold_heads', columns: HOLD_COLUMNS },
    spell: ({ hold }) => spellHold(hold),
  });
  const projected = closed.filter(({ position }) => position <= projectedTo);
  await checkRows(client, ledgerId, fold, projected, {
    ...{ ...HOLDS, table: 'read.holds', check: 'read_models', columns: READ_HOLD_COLUMNS },
    spell: ({ hold }) => spellReadHold(hold),
  });
}

const SCHEDULES = { alias: 's', about: ({ schedule }: ClosedSchedule) => ({ id: schedule.scheduleId }) };

/** `projectedTo`: the checkpoint of the read model of schedules. */
export async function checkClosedSchedules(
  client: PoolClient,
  { ledgerId, projectedTo }: Ledger,
  fold: RangeFold,
  closed: readonly ClosedSchedule[],
): Promise<void> {
  await checkRows(client, ledgerId, fold, closed, {
    ...{ ...SCHEDULES, table: 'schedules', check: 'schedule_heads', columns: SCHEDULE_COLUMNS },
    spell: ({ schedule, status }) => spellSchedule({ ...schedule, status }),
  });
  const projected = closed.filter(({ position }) => position <= projectedTo);
  await checkRows(client, ledgerId, fold, projected, {
    ...{ ...SCHEDULES, table: 'read.scheduled', check: 'read_models', columns: READ_SCHEDULE_COLUMNS },
    spell: ({ schedule, status, position }) =>
      spellReadSchedule({ ...schedule, status, endedPosition: position }),
  });
}

async function checkRows<Closed extends { readonly position: bigint }>(
  client: PoolClient,
  ledgerId: number,
  fold: RangeFold,
  closed: readonly Closed[],
  { table, alias, check, columns, spell, about }: ClosedRows<Closed>,
): Promise<void> {
  if (closed.length === 0) return;
  const { rows } = await client.query<{ id: string; row: string }>({
    name: `audit-closed-${table}`,
    text: `
select wanted.id, found.row
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select ${spelledBy(columns)} as row
          from ${table} ${alias}
         where ${alias}.ledger_id = $1::integer
           and ${alias}.id = wanted.id
         limit 1
       ) found`,
    values: [ledgerId, closed.map((each) => about(each).id)],
  });
  const found = new Map(rows.map(({ id, row }) => [id, row]));
  for (const each of closed) {
    const { id, ...of } = about(each);
    const [expected, row] = [spell(each), found.get(id) ?? 'no row'];
    if (row !== expected)
      fold.report(check, { position: each.position, ...of }, `${table} ${id}: ${expected}`, row);
  }
}
