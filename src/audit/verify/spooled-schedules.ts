/** Rows of schedules, of the write side and of the read model, and how they are spelled. */
import type { ScheduleStatus } from '../../events/state.ts';
import type { ScheduleHead } from '../fold/heads.ts';
import { ISO, byId, spell, table } from './spooled-table.ts';

/** What there is of a schedule beside the log. */
type Row = { readonly executeAt: string; readonly status: ScheduleStatus };
type ReadRow = Row & {
  readonly type: string;
  readonly userId: string | null;
  readonly endedPosition: bigint | null;
};

export const SCHEDULE_COLUMNS = `to_char(s.execute_at, ${ISO}), s.status`;
const NAMES = ['at', 'status'];

export function spellSchedule({ executeAt: at, status }: Row): string {
  return spell({ at, status });
}

/** What the read model has beside that, but for the position of its first event. */
export const READ_SCHEDULE_COLUMNS = `${SCHEDULE_COLUMNS}, s.type, s.user_id::text, s.ended_position::text`;
const READ_NAMES = [...NAMES, 'type', 'user', 'ended'];

export function spellReadSchedule(row: ReadRow): string {
  const { type, userId: user, endedPosition: ended } = row;
  return `${spellSchedule(row)}, ${spell({ type, user, ended })}`;
}

/** As spellSchedule and spellReadSchedule do. */
export function spellScheduleRow(columns: readonly (string | null)[]): string {
  return columns.map((column, index) => `${READ_NAMES[index]} ${column ?? 'null'}`).join(', ');
}

const WAITING = { status: 'scheduled', endedPosition: null } as const;

export const schedules = table<ScheduleHead>({
  name: 'schedules',
  projection: null,
  query: (ledgerId) => `
select s.id, ${SCHEDULE_COLUMNS}
  from schedules s
 where s.ledger_id = ${ledgerId}
   and s.status = 'scheduled'`,
  row: (row) => byId(row, false, NAMES),
  heads: (heads) => heads.schedules,
  spell: (head) => spellSchedule({ ...head, ...WAITING }),
});

export const readScheduled = table<ScheduleHead>({
  name: 'read.scheduled',
  projection: 'scheduled',
  sinceAnyStart: false,
  query: (ledgerId) => `
select s.id, ${READ_SCHEDULE_COLUMNS}, s.position::text
  from read.scheduled s
 where s.ledger_id = ${ledgerId}
   and s.status = 'scheduled'`,
  row: (row) => byId(row, false, [...READ_NAMES, 'position']),
  heads: (heads) => heads.schedules,
  spell: (head) => `${spellReadSchedule({ ...head, ...WAITING })}, position ${head.position}`,
});
