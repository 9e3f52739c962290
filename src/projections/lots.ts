/** Every lot as the events leave it: what is left of it, what holds reserve of that, and what of it has expired. */
import type { Transaction } from '../db/transaction.ts';
import { tableOf, type Projection, type Range } from './projection.ts';

const BASE = 'lots';

/** Of the events of a range those that name a lot, by an index of such: most events name none. */
const NAMING = `
  select e.position, e.type, e.data
    from events e
   where e.ledger_id = $1::integer
     and e.position > $2::bigint
     and e.position <= $3::bigint
     and e.type in ('transaction.posted', 'hold.placed', 'hold.captured', 'hold.released', 'hold.expired')
     and strpos(e.data::text, '"lotId":') > 0`;

const OPENED = `
select $1::integer, (n.data #>> '{lot,lotId}')::uuid, n.position, (n.data #>> '{postings,0,to,walletId}')::uuid,
       (n.data #>> '{postings,0,amount}')::numeric, (n.data #>> '{lot,expiresAt}')::timestamptz
  from (${NAMING}) n
 where n.data -> 'lot' is not null`;

/** What the events of a range do to each lot. */
const CHANGES = `
with named as materialized (${NAMING}
), share as (
  select s.share, -1 as remaining, case when n.type = 'hold.captured' then -1 else 0 end as reserved,
         case when n.data -> 'expires' is not null then 1 else 0 end as expired
    from named n
   cross join json_array_elements(n.data -> 'postings') as p (posting)
   cross join json_array_elements(p.posting #> '{from,lots}') as s (share)
   union all
  select s.share, 1, 0, 0
    from named n
   cross join json_array_elements(n.data -> 'postings') as p (posting)
   cross join json_array_elements(p.posting #> '{to,lots}') as s (share)
   union all
  select s.share, 0, 1, 0
    from named n
   cross join json_array_elements(n.data #> '{hold,lots}') as s (share)
   where n.type = 'hold.placed'
   union all
  select s.share, 0, -1, 0
    from named n
   cross join json_array_elements(n.data -> 'freed') as s (share)
), change as (
  select (s.share ->> 'lotId')::uuid as id,
         sum((s.share ->> 'amount')::numeric * s.remaining) as remaining,
         sum((s.share ->> 'amount')::numeric * s.reserved) as reserved,
         sum((s.share ->> 'amount')::numeric * s.expired) as expired
    from share s
   group by (s.share ->> 'lotId')::uuid
)`;

/** Most ranges name no lot, and are done when that is known. */
async function namesLots(tx: Transaction, { ledgerId, from, to }: Range): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>({
    name: `${BASE}-named`,
    text: `select exists (${NAMING}) as found`,
    values: [ledgerId, from, to],
  });
  return rows[0]?.found === true;
}

async function insertOpened(tx: Transaction, { ledgerId, generation, from, to }: Range): Promise<void> {
  await tx.query({
    name: `${BASE}-opened-${generation}`,
    text: `
insert into ${tableOf(BASE, generation)} (ledger_id, id, position, wallet_id, amount, expires_at)${OPENED}`,
    values: [ledgerId, from, to],
  });
}

export const lots: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  async apply(tx, range) {
    if (!(await namesLots(tx, range))) return;
    const { ledgerId, generation, from, to } = range;
    await insertOpened(tx, range);
    await tx.query({
      name: `${BASE}-changed-${generation}`,
      text: `${CHANGES}
update ${tableOf(BASE, generation)} l
   set remaining = l.remaining + c.remaining,
       reserved = l.reserved + c.reserved,
       expired = l.expired + c.expired
  from change c
 where l.ledger_id = $1::integer
   and l.id = c.id`,
      values: [ledgerId, from, to],
    });
  },
  build: {
    // Each part adds the lots that open in it, and what it changes of any; `finish` sums them up.
    async part(tx, part) {
      if (!(await namesLots(tx, part))) return;
      const { ledgerId, generation, from, to } = part;
      await insertOpened(tx, part);
      await tx.query({
        name: `${BASE}-part-${generation}`,
        text: `${CHANGES}
insert into ${tableOf(BASE, generation)} (ledger_id, id, position, wallet_id, amount, remaining, reserved, expired, expires_at)
select $1::integer, c.id, 0, c.id, 0, c.remaining, c.reserved, c.expired, 'epoch'
  from change c`,
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
  returning id, position, wallet_id, amount, remaining, reserved, expired, expires_at
)
insert into ${table} (ledger_id, id, position, wallet_id, amount, remaining, reserved, expired, expires_at)
select $1::integer, p.id, max(p.position), (array_agg(p.wallet_id) filter (where p.position > 0))[1], sum(p.amount),
       sum(p.remaining), sum(p.reserved), sum(p.expired), max(p.expires_at)
  from partial p
 group by p.id`,
        values: [ledgerId],
      });
    },
  },
};
