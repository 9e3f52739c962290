/** Counts and volumes per asset, hour and transaction type, for charts and totals. */
import { tableOf, type Projection } from './projection.ts';

const BASE = 'asset_activity';

export const assetActivity: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  async apply(tx, { ledgerId, generation, from, to }) {
    const table = tableOf(BASE, generation);
    // The ranges are read first, by themselves. Each odd leg is the credit of one posting: its amount is the posting's.
    await tx.query({
      name: `${BASE}-${generation}`,
      text: `
with transaction as materialized (
  select e.position, e.type, date_trunc('hour', e.recorded_at) as hour, d.type as kind, d.asset
    from events e
   cross join lateral json_to_record(e.data) as d (type text, asset text)
   where e.ledger_id = $1::integer
     and e.position > $2::bigint
     and e.position <= $3::bigint
     and e.type in ('transaction.posted', 'transaction.rejected')
), credit as materialized (
  select c.position, c.asset_id, c.amount
    from ledger_entries c
   where c.ledger_id = $1::integer
     and c.position > $2::bigint
     and c.position <= $3::bigint
     and c.leg % 2 = 1
)
insert into ${table} as a (ledger_id, asset_id, hour, type, posted, volume, rejected)
select $1::integer, happened.asset_id, happened.hour, happened.kind, sum(happened.posted), sum(happened.volume),
       sum(happened.rejected)
  from (
        select c.asset_id, t.hour, t.kind, count(distinct t.position) as posted, sum(c.amount) as volume, 0 as rejected
          from transaction t
          join credit c
            on c.position = t.position
         where t.type = 'transaction.posted'
         group by c.asset_id, t.hour, t.kind
         union all
        select s.id, t.hour, t.kind, 0, 0, count(*)
          from transaction t
          join assets s
            on s.ledger_id = $1::integer
           and s.slug = t.asset
         where t.type = 'transaction.rejected'
         group by s.id, t.hour, t.kind
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
};
