/** Counts and volumes per asset, hour and transaction type, for charts and totals. */
import { typeOf } from './canonical-text.ts';
import { tableOf, type Projection } from './projection.ts';

const BASE = 'asset_activity';

/**
 * Of a range; `entries` joins `events e` with `c`, their legs that are credits: each odd one is, and has the posting's amount. An event
 * counts once for an asset, by its first credit in it; only events of several postings have to look.
 */
const activity = (entries: string) => `
select c.asset_id, date_trunc('hour', e.recorded_at) as hour, ${typeOf} as kind,
       count(*) filter (where c.leg = 1 or not exists (
                                               select
                                                 from ledger_entries f
                                                where f.ledger_id = $1::integer
                                                  and f.position = e.position
                                                  and f.leg < c.leg
                                                  and f.leg % 2 = 1
                                                  and f.asset_id = c.asset_id)) as posted,
       sum(c.amount) as volume, 0 as rejected
  from events e
${entries}
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type in ('transaction.posted', 'hold.captured')
 group by c.asset_id, hour, kind
 union all
select a.id, refused.hour, refused.kind, 0, 0, refused.count
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
   and a.slug = refused.slug`;

/** One probe an event: the planner guesses that a range is one row, and would join the two by comparing each with each. */
const probed = `
 cross join lateral (
        select l.leg, l.asset_id, l.amount
          from ledger_entries l
         where l.ledger_id = $1::integer
           and l.position = e.position
           and l.leg % 2 = 1
        offset 0
       ) c`;

/** For the settings of a rebuild. */
const merged = `
  join ledger_entries c
    on c.ledger_id = $1::integer
   and c.position = e.position
   and c.position > $2::bigint
   and c.position <= $3::bigint
   and c.leg % 2 = 1`;

export const assetActivity: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  async apply(tx, { ledgerId, generation, from, to }) {
    await tx.query({
      name: `${BASE}-${generation}`,
      text: `
insert into ${tableOf(BASE, generation)} as a (ledger_id, asset_id, hour, type, posted, volume, rejected)
select $1::integer, happened.asset_id, happened.hour, happened.kind, sum(happened.posted), sum(happened.volume),
       sum(happened.rejected)
  from (${activity(probed)}
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
      await tx.query({
        name: `${BASE}-part-${generation}`,
        text: `
insert into ${tableOf(BASE, generation)} (ledger_id, asset_id, hour, type, posted, volume, rejected)
select $1::integer, happened.*
  from (${activity(merged)}
       ) happened`,
        values: [ledgerId, from, to],
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
