/** Every hold as its latest event leaves it. */
import { tableOf, type Projection } from './projection.ts';

const BASE = 'holds';

export const holds: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  async apply(tx, { ledgerId, generation, from, to }) {
    await tx.query({
      name: `${BASE}-${generation}`,
      // A hold keeps the position of its first event, which in a range is never behind its others.
      text: `
with happened as materialized (
  select e.position, e.data -> 'hold' as hold
    from events e
   where e.ledger_id = $1::integer
     and e.position > $2::bigint
     and e.position <= $3::bigint
     and e.type in ('hold.placed', 'hold.captured', 'hold.released', 'hold.expired')
)
insert into ${tableOf(BASE, generation)} as h (ledger_id, id, position, wallet_id, user_id, asset, amount, captured,
                                               remaining, status, expires_at, reference)
select $1::integer, d."holdId", latest.first_position, d."walletId", d."userId", d.asset, d.amount, d.captured,
       d.remaining, d.status, d."expiresAt", d.reference
  from (
        select distinct on (a.hold ->> 'holdId')
               a.hold, min(a.position) over (partition by a.hold ->> 'holdId') as first_position
          from happened a
         order by a.hold ->> 'holdId', a.position desc
       ) latest
 cross join lateral json_to_record(latest.hold)
         as d ("holdId" uuid, "walletId" uuid, "userId" uuid, asset text, amount numeric, captured numeric,
               remaining numeric, status text, "expiresAt" timestamptz, reference text)
    on conflict (ledger_id, id) do update
   set captured = excluded.captured,
       remaining = excluded.remaining,
       status = excluded.status`,
      values: [ledgerId, from, to],
    });
  },
  build: {
    // What followed from a hold names it, so its latest state is one probe away.
    async part(tx, { ledgerId, generation, from, to, target }) {
      await tx.query({
        name: `${BASE}-part-${generation}`,
        text: `
insert into ${tableOf(BASE, generation)} (ledger_id, id, position, wallet_id, user_id, asset, amount, captured,
                                          remaining, status, expires_at, reference)
select e.ledger_id, d."holdId", e.position, d."walletId", d."userId", d.asset, d.amount, d.captured, d.remaining,
       d.status, d."expiresAt", d.reference
  from events e
  left join lateral (
       select f.data
         from events f
        where f.ledger_id = $1::integer
          and f.related_id = e.id
          and f.position <= $4::bigint
          and f.type in ('hold.captured', 'hold.released', 'hold.expired')
        order by f.position desc
        limit 1
       ) latest
    on true
 cross join lateral json_to_record(coalesce(latest.data, e.data) -> 'hold')
         as d ("holdId" uuid, "walletId" uuid, "userId" uuid, asset text, amount numeric, captured numeric,
               remaining numeric, status text, "expiresAt" timestamptz, reference text)
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type = 'hold.placed'`,
        values: [ledgerId, from, to, target],
      });
    },
  },
};
