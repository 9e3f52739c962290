/** What has a time, and whose time has come. Asked by the worker; decided by the write side, under its locks. */
import type { Pool } from 'pg';

/** Items of one look at most, and candidates of each kind; the next look takes the rest. */
export const MAX_DUE = 500;
/** Postings of one look at most, so that what comes due meanwhile is seen soon: some batches of the write side. */
export const MAX_DUE_POSTINGS = 2_500;

/** Something whose time has come. To add a kind: a member here, its rows below, and what ends it in background.ts. */
export type Due =
  | { readonly kind: 'hold' | 'lot'; readonly id: string }
  /** `postings`: how many it has, which is how much work it is. */
  | { readonly kind: 'schedule'; readonly id: string; readonly postings: number };

/** What one look takes, the most overdue first; `more`: something that is due was left for the next one. */
export type DueLook = { readonly items: readonly Due[]; readonly more: boolean };

type DueRow = { kind: Due['kind']; id: string; postings: number; waiting: number };

/**
 * Of a ledger, by the time that decisions are made at; of lots those with something left that no hold reserves. Those with
 * ids of `except` are left out. Kinds take turns by the work they are: a thousand holds keep no schedule waiting, and
 * schedules of many postings no hold.
 */
export async function dueItems(pool: Pool, ledgerId: number, except: readonly string[]): Promise<DueLook> {
  const { rows } = await pool.query<DueRow>({
    name: 'due-items',
    text: `
with time as materialized (
  select greatest(l.head_recorded_at, clock_timestamp()) as now
    from ledgers l
   where l.id = $1::integer
), due as (
       (
       select 'hold' as kind, h.id, h.expires_at as due_at
         from holds h
        where h.ledger_id = $1::integer
          and h.status = 'open'
          and h.expires_at <= (select now from time)
          and h.id <> all ($2::uuid[])
        order by h.expires_at
        limit ${MAX_DUE + 1}
       )
        union all
       (
       select 'lot', l.id, l.expires_at
         from lots l
        where l.ledger_id = $1::integer
          and l.remaining > l.reserved
          and l.expires_at <= (select now from time)
          and l.id <> all ($2::uuid[])
        order by l.expires_at
        limit ${MAX_DUE + 1}
       )
        union all
       (
       select 'schedule', s.id, s.execute_at
         from schedules s
        where s.ledger_id = $1::integer
          and s.status = 'scheduled'
          and s.execute_at <= (select now from time)
          and s.id <> all ($2::uuid[])
        order by s.execute_at
        limit ${MAX_DUE + 1}
       )
), weighed as (
  select due.kind, due.id, due.due_at, coalesce(json_array_length(waiting.postings), 1) as postings
    from due
    left join lateral (
         select e.data -> 'schedule' -> 'command' -> 'postings' as postings
           from events e
          where due.kind = 'schedule'
            and e.ledger_id = $1::integer
            and e.id = due.id
          limit 1
         ) waiting
      on true
), shared as (
  select w.*, sum(w.postings) over (partition by w.kind order by w.due_at, w.id) as share
    from weighed w
), ordered as (
  select s.*,
         row_number() over turns as turn,
         sum(s.postings) over turns as work,
         count(*) over () as waiting
    from shared s
  window turns as (order by s.share, s.due_at, s.id rows unbounded preceding)
)
select o.kind, o.id, o.postings, o.waiting::integer as waiting
  from ordered o
 where o.turn <= ${MAX_DUE}
   and (o.work <= ${MAX_DUE_POSTINGS} or o.turn = 1)
 order by o.due_at, o.id`,
    values: [ledgerId, except],
  });
  const items = rows.map(({ kind, id, postings }): Due =>
    kind === 'schedule' ? { kind, id, postings } : { kind, id },
  );
  return { items, more: items.length < (rows[0]?.waiting ?? 0) };
}
