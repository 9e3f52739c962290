/** Counts and volumes per asset, hour and transaction type, for charts and totals. */
import { typeOf } from './canonical-text.ts';
import { tableOf, type Projection } from './projection.ts';

const BASE = 'asset_activity';

export const assetActivity: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  async apply(tx, { ledgerId, generation, from, to }) {
    const table = tableOf(BASE, generation);
    // Each odd leg is the credit of one posting: its amount is the posting's. Events and credits of a position meet by
    // sorting: the planner guesses that a range is one row, and would join the two by comparing each with each.
    await tx.query({
      name: `${BASE}-${generation}`,
      text: `
with line as materialized (
  select e.position, e.type, date_trunc('hour', e.recorded_at) as hour, d.type as kind, d.asset as slug,
         null::uuid as asset_id, null::numeric as amount
    from events e
   cross join lateral json_to_record(e.data) as d (type text, asset text)
   where e.ledger_id = $1::integer
     and e.position > $2::bigint
     and e.position <= $3::bigint
     and e.type in ('transaction.posted', 'hold.captured', 'transaction.rejected')
   union all
  select c.position, null, null, null, null, c.asset_id, c.amount
    from ledger_entries c
   where c.ledger_id = $1::integer
     and c.position > $2::bigint
     and c.position <= $3::bigint
     and c.leg % 2 = 1
), described as (
  select l.position, l.asset_id, l.amount, max(l.hour) over event as hour, max(l.kind) over event as kind
    from line l
  window event as (partition by l.position)
)
insert into ${table} as a (ledger_id, asset_id, hour, type, posted, volume, rejected)
select $1::integer, happened.asset_id, happened.hour, happened.kind, sum(happened.posted), sum(happened.volume),
       sum(happened.rejected)
  from (
        select d.asset_id, d.hour, d.kind, count(distinct d.position) as posted, sum(d.amount) as volume, 0 as rejected
          from described d
         where d.asset_id is not null
         group by d.asset_id, d.hour, d.kind
         union all
        select s.id, l.hour, l.kind, 0, 0, count(*)
          from line l
          join assets s
            on s.ledger_id = $1::integer
           and s.slug = l.slug
         where l.type = 'transaction.rejected'
         group by s.id, l.hour, l.kind
       ) happened
 group by happened.asset_id, happened.hour, happened.kind
 order by happened.asset_id, happened.hour, happened.kind
    on conflict (ledger_id, asset_id, hour, type) do update
   set posted = a.posted + excluded.posted,
       volume = a.volume + excluded.volume,
       rejected = a.rejected + excluded.rejected`,
      values: [ledgerId, from, to],
    });
  },
  build: {
    // Each part adds lines of its own; `finish` sums them up.
    async part(tx, { ledgerId, generation, from, to }) {
      // Both are read in the order of positions, so they meet without hashing or sorting either: half the cost.
      await tx.query({
        text: `
select set_config('enable_mergejoin', 'on', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_nestloop', 'off', true), set_config('enable_sort', 'off', true),
       set_config('enable_incremental_sort', 'off', true)`,
      });
      const values = [ledgerId, from, to];
      await tx.query({
        name: `${BASE}-part-posted-${generation}`,
        // An event counts once for an asset, by its first credit in it; only events of several postings have to look.
        text: `
insert into ${tableOf(BASE, generation)} (ledger_id, asset_id, hour, type, posted, volume, rejected)
select $1::integer, c.asset_id, date_trunc('hour', e.recorded_at) as hour, ${typeOf} as kind,
       count(*) filter (where c.leg = 1 or not exists (
                                               select
                                                 from ledger_entries f
                                                where f.ledger_id = $1::integer
                                                  and f.position = c.position
                                                  and f.leg < c.leg
                                                  and f.leg % 2 = 1
                                                  and f.asset_id = c.asset_id)),
       sum(c.amount), 0
  from events e
  join ledger_entries c
    on c.ledger_id = $1::integer
   and c.position = e.position
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type in ('transaction.posted', 'hold.captured')
   and c.position > $2::bigint
   and c.position <= $3::bigint
   and c.leg % 2 = 1
 group by c.asset_id, hour, kind`,
        values,
      });
      await tx.query({
        name: `${BASE}-part-rejected-${generation}`,
        text: `
insert into ${tableOf(BASE, generation)} (ledger_id, asset_id, hour, type, posted, volume, rejected)
select $1::integer, a.id, refused.hour, refused.kind, 0, 0, refused.count
  from (
        select e.data ->> 'asset' as slug, date_trunc('hour', e.recorded_at) as hour, ${typeOf} as kind, count(*) as count
          from events e
         where e.ledger_id = $1::integer
           and e.position > $2::bigint
           and e.position <= $3::bigint
           and e.type = 'transaction.rejected'
         group by slug, hour, kind
       ) refused
  join assets a
    on a.ledger_id = $1::integer
   and a.slug = refused.slug`,
        values,
      });
    },
    async finish(tx, { ledgerId, generation }) {
      const table = tableOf(BASE, generation);
      await tx.query({
        text: `
with partial as (
  delete from ${table}
   where ledger_id = $1::integer
  returning asset_id, hour, type, posted, volume, rejected
)
insert into ${table} (ledger_id, asset_id, hour, type, posted, volume, rejected)
select $1::integer, p.asset_id, p.hour, p.type, sum(p.posted), sum(p.volume), sum(p.rejected)
  from partial p
 group by p.asset_id, p.hour, p.type`,
        values: [ledgerId],
      });
    },
  },
};
