/** What has a time, and whose time has come. Asked by the worker; decided by the write side, under its locks. */
import type { Pool } from 'pg';

/** Of one look at most; the next look takes the rest. */
export const MAX_DUE = 500;

export type Due = { readonly kind: 'hold' | 'lot'; readonly id: string };

/** Of a ledger, the most overdue first: open holds, and lots with something left that no hold reserves. */
export async function dueItems(pool: Pool, ledgerId: number): Promise<Due[]> {
  const { rows } = await pool.query<Due>({
    name: 'due-items',
    text: `
select due.kind, due.id
  from (
        (select 'hold' as kind, id, expires_at as at
           from holds
          where ledger_id = $1::integer
            and status = 'open'
            and expires_at <= clock_timestamp()
          order by expires_at
          limit ${MAX_DUE})
         union all
        (select 'lot', id, expires_at
           from lots
          where ledger_id = $1::integer
            and remaining > reserved
            and expires_at <= clock_timestamp()
          order by expires_at
          limit ${MAX_DUE})
       ) due
 order by due.at
 limit ${MAX_DUE}`,
    values: [ledgerId],
  });
  return rows;
}
