/** What has a time, and whose time has come. Asked by the worker; decided by the write side, under its locks. */
import type { Pool } from 'pg';

/** Items of one look at most; the next look takes the rest. */
export const MAX_DUE = 500;

/** Something whose time has come. To add a kind: a member here, its rows below, and what ends it in background.ts. */
export type Due =
  | { readonly kind: 'hold' | 'lot'; readonly id: string }
  /** `postings`: how many it has, which is how much work it is. */
  | { readonly kind: 'schedule'; readonly id: string; readonly postings: number };

type DueRow = { kind: Due['kind']; id: string; postings: number };

/** Of a ledger, the most overdue first, whatever its kind; of lots those with something left that no hold reserves. Those with ids of `except` are left out. */
export async function dueItems(pool: Pool, ledgerId: number, except: readonly string[]): Promise<Due[]> {
  const { rows } = await pool.query<DueRow>({
    name: 'due-items',
    text: `
select due.kind, due.id, coalesce(json_array_length(waiting.postings), 1) as postings
  from (
       (
       select 'hold' as kind, h.id, h.expires_at as due_at
         from holds h
        where h.ledger_id = $1::integer
          and h.status = 'open'
          and h.expires_at <= clock_timestamp()
          and h.id <> all ($2::uuid[])
        order by h.expires_at
        limit ${MAX_DUE}
       )
        union all
       (
       select 'lot', l.id, l.expires_at
         from lots l
        where l.ledger_id = $1::integer
          and l.remaining > l.reserved
          and l.expires_at <= clock_timestamp()
          and l.id <> all ($2::uuid[])
        order by l.expires_at
        limit ${MAX_DUE}
       )
        union all
       (
       select 'schedule', s.id, s.execute_at
         from schedules s
        where s.ledger_id = $1::integer
          and s.status = 'scheduled'
          and s.execute_at <= clock_timestamp()
          and s.id <> all ($2::uuid[])
        order by s.execute_at
        limit ${MAX_DUE}
       )
        order by due_at
        limit ${MAX_DUE}
       ) due
  left join lateral (
       select e.data -> 'schedule' -> 'command' -> 'postings' as postings
         from events e
        where due.kind = 'schedule'
          and e.ledger_id = $1::integer
          and e.id = due.id
        limit 1
       ) waiting
    on true
 order by due.due_at`,
    values: [ledgerId, except],
  });
  return rows.map(({ kind, id, postings }) => (kind === 'schedule' ? { kind, id, postings } : { kind, id }));
}
