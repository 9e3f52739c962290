/** Counts and volumes per asset, hour and transaction type, for charts and totals. */
import { tableOf, type Projection } from './projection.ts';

const BASE = 'asset_activity';

export const assetActivity: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  async apply(tx, { ledgerId, generation, from, to }) {
    const table = tableOf(BASE, generation);
    // Each odd leg is the credit of one posting, so its amount is the posting's.
    await tx.query({
      name: `${BASE}-${generation}`,
      text: `
insert into ${table} as a (ledger_id, asset_id, hour, type, posted, volume, rejected)
select $1::integer, moved.asset_id, moved.hour, moved.type, sum(moved.posted), sum(moved.volume), sum(moved.rejected)
  from (
        select c.asset_id,
               date_trunc('hour', e.recorded_at) as hour,
               e.data ->> 'type' as type,
               count(distinct e.position) as posted,
               sum(c.amount) as volume,
               0 as rejected
          from events e
          join ledger_entries c
            on c.ledger_id = e.ledger_id
           and c.position = e.position
           and c.position > $2::bigint
           and c.position <= $3::bigint
           and c.leg % 2 = 1
         where e.ledger_id = $1::integer
           and e.position > $2::bigint
           and e.position <= $3::bigint
           and e.type = 'transaction.posted'
         group by c.asset_id, hour, e.data ->> 'type'
         union all
        select s.id, date_trunc('hour', e.recorded_at), e.data ->> 'type', 0, 0, count(*)
          from events e
          join assets s
            on s.ledger_id = e.ledger_id
           and s.slug = e.data ->> 'asset'
         where e.ledger_id = $1::integer
           and e.position > $2::bigint
           and e.position <= $3::bigint
           and e.type = 'transaction.rejected'
         group by 1, 2, 3
       ) moved
 group by moved.asset_id, moved.hour, moved.type
 order by moved.asset_id, moved.hour, moved.type
    on conflict (ledger_id, asset_id, hour, type) do update
   set posted = a.posted + excluded.posted,
       volume = a.volume + excluded.volume,
       rejected = a.rejected + excluded.rejected`,
      values: [ledgerId, from, to],
    });
  },
};
