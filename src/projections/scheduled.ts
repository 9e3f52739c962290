/** Every schedule as its latest event leaves it. What is to be done, and what came of it, the log says. */
import { tableOf, type Projection } from './projection.ts';

const BASE = 'scheduled';

/** Of an event `e` that ends a schedule. */
const STATUS_OF_END = `case
         when e.type = 'scheduled.cancelled' then 'cancelled'
         when e.data ->> 'outcome' = 'posted' then 'executed'
         else 'failed'
       end`;

export const scheduled: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  async apply(tx, { ledgerId, generation, from, to }) {
    await tx.query({
      name: `${BASE}-${generation}`,
      // A schedule may end in the range in which it began: its row is written once, as it is in the end.
      text: `
with happened as materialized (
  select e.position, e.type, e.data -> 'schedule' as schedule,
         case when e.type <> 'scheduled.created' then ${STATUS_OF_END} end as ended
    from events e
   where e.ledger_id = $1::integer
     and e.position > $2::bigint
     and e.position <= $3::bigint
     and e.type in ('scheduled.created', 'scheduled.executed', 'scheduled.cancelled')
), latest as (
  select distinct on (h.schedule ->> 'scheduleId')
         h.schedule, min(h.position) over (partition by h.schedule ->> 'scheduleId') as first_position, h.ended,
         case when h.ended is not null then h.position end as ended_position
    from happened h
   order by h.schedule ->> 'scheduleId', h.position desc
)
insert into ${tableOf(BASE, generation)} (ledger_id, id, position, type, user_id, execute_at, status, ended_position)
select $1::integer, d."scheduleId", latest.first_position, d.type, d."userId", d."executeAt",
       coalesce(latest.ended, 'scheduled'), latest.ended_position
  from latest
 cross join lateral json_to_record(latest.schedule)
         as d ("scheduleId" uuid, type text, "userId" uuid, "executeAt" timestamptz)
    on conflict (ledger_id, id) do update
   set status = excluded.status,
       ended_position = excluded.ended_position`,
      values: [ledgerId, from, to],
    });
  },
  build: {
    // What followed from a schedule names it, so its end is one probe away.
    async part(tx, { ledgerId, generation, from, to, target }) {
      await tx.query({
        name: `${BASE}-part-${generation}`,
        text: `
insert into ${tableOf(BASE, generation)} (ledger_id, id, position, type, user_id, execute_at, status, ended_position)
select c.ledger_id, d."scheduleId", c.position, d.type, d."userId", d."executeAt",
       coalesce(latest.ended, 'scheduled'), latest.position
  from events c
  left join lateral (
       select e.position, ${STATUS_OF_END} as ended
         from events e
        where e.ledger_id = $1::integer
          and e.related_id = c.id
          and e.position <= $4::bigint
          and e.type in ('scheduled.executed', 'scheduled.cancelled')
        order by e.position desc
        limit 1
       ) latest
    on true
 cross join lateral json_to_record(c.data -> 'schedule')
         as d ("scheduleId" uuid, type text, "userId" uuid, "executeAt" timestamptz)
 where c.ledger_id = $1::integer
   and c.position > $2::bigint
   and c.position <= $3::bigint
   and c.type = 'scheduled.created'`,
        values: [ledgerId, from, to, target],
      });
    },
  },
};
