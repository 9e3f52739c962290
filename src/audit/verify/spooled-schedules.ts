/** Rows of schedules, of the write side and of the read model, and how they are spelled. */
import type { ScheduleStatus } from '../../events/state.ts';
import type { ScheduleHead } from '../fold/heads.ts';
import { spell, table, time, type Spelling } from './spooled-table.ts';

/** What there is of a schedule beside the log. */
type Row = { readonly executeAt: string; readonly status: ScheduleStatus };
type ReadRow = Row & {
  readonly type: string;
  readonly userId: string | null;
  readonly endedPosition: bigint | null;
};

export const SCHEDULE_COLUMNS: Spelling = { at: time('s.execute_at'), status: 's.status' };

export function spellSchedule({ executeAt: at, status }: Row): string {
  return spell({ at, status });
}

/** What the read model has beside that, but for the position of its first event. */
export const READ_SCHEDULE_COLUMNS: Spelling = {
  ...SCHEDULE_COLUMNS,
  ...{ type: 's.type', user: 's.user_id', ended: 's.ended_position' },
};

export function spellReadSchedule(row: ReadRow): string {
  const { type, userId: user, endedPosition: ended } = row;
  return `${spellSchedule(row)}, ${spell({ type, user, ended })}`;
}

const WAITING = { status: 'scheduled', endedPosition: null } as const;

export const schedules = table<ScheduleHead>({
  name: 'schedules',
  projection: null,
  key: 's.id',
  columns: SCHEDULE_COLUMNS,
  rows: (ledgerId) => `from schedules s where s.ledger_id = ${ledgerId} and s.status = 'scheduled'`,
  heads: (heads) => heads.schedules,
  spell: (head) => spellSchedule({ ...head, ...WAITING }),
});

export const readScheduled = table<ScheduleHead>({
  name: 'read.scheduled',
  projection: 'scheduled',
  sinceAnyStart: false,
  key: 's.id',
  columns: { ...READ_SCHEDULE_COLUMNS, position: 's.position' },
  rows: (ledgerId) => `from read.scheduled s where s.ledger_id = ${ledgerId} and s.status = 'scheduled'`,
  heads: (heads) => heads.schedules,
  spell: (head) => `${spellReadSchedule({ ...head, ...WAITING })}, position ${head.position}`,
});
