/** What has a time, and whose time has come. Asked by the worker; decided by the write side, under its locks. */
import type { Pool } from 'pg';

/** Holds of one look at most; the next look takes the rest. */
export const MAX_DUE = 500;

/** Ids of open holds of a ledger whose time has come, the most overdue first. */
export async function dueHolds(pool: Pool, ledgerId: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'due-holds',
    text: `
select id
  from holds
 where ledger_id = $1::integer
   and status = 'open'
   and expires_at <= clock_timestamp()
 order by expires_at
 limit ${MAX_DUE}`,
    values: [ledgerId],
  });
  return rows.map(({ id }) => id);
}
