/** Why a wallet has the balance it has: from zero, by type of transaction, what is held of it, and what of it has an end. */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import type { Hold } from '../../events/catalog.ts';
import { readLimitsInForce } from './limits.ts';
import { holdResource } from '../../events/outcome.ts';

const MAX_HOLDS = 500;

/** Of a wallet that exists, right after a position; at the head with its limits, if any. Every entry of the wallet up to there is read. */
export async function explainWallet(
  tx: Transaction,
  ledgerId: number,
  asked: { walletId: string; asOf: bigint; atHead: boolean },
): Promise<Body> {
  const { walletId, asOf, atHead } = asked;
  const values = [ledgerId, walletId, asOf];
  const totals = await tx.query<{ type: string; count: bigint; credits: bigint; debits: bigint }>({
    name: 'explain-movements',
    text: `
select e.data ->> 'type' as type,
       count(distinct l.position) as count,
       coalesce(sum(l.amount) filter (where l.amount > 0), 0) as credits,
       coalesce(-sum(l.amount) filter (where l.amount < 0), 0) as debits
  from ledger_entries l
  join events e
    on e.ledger_id = l.ledger_id
   and e.position = l.position
 where l.ledger_id = $1::integer
   and l.wallet_id = $2::uuid
   and l.position <= $3::bigint
   and l.amount <> 0
 group by e.data ->> 'type'
 order by e.data ->> 'type'`,
    values,
  });
  const latest = await tx.query<{ balance_after: bigint; held_after: bigint }>({
    name: 'explain-balance',
    text: `
select l.balance_after, l.held_after
  from ledger_entries l
 where l.ledger_id = $1::integer
   and l.wallet_id = $2::uuid
   and l.position <= $3::bigint
 order by l.position desc, l.leg desc
 limit 1`,
    values,
  });
  const holds = await openHolds(tx, values);
  const lots = await openLots(tx, values);
  const limits = atHead ? await readLimitsInForce(tx, ledgerId, walletId) : null;
  const { balance_after: balance, held_after: held } = latest.rows[0] ?? {
    balance_after: 0n,
    held_after: 0n,
  };
  return {
    walletId,
    position: asOf.toString(),
    opening: '0',
    movements: totals.rows.map(({ type, count, credits, debits }) => {
      return { type, count: count.toString(), credits: credits.toString(), debits: debits.toString() };
    }),
    balance: balance.toString(),
    holds: holds.shown.map(holdResource),
    holdCount: holds.count.toString(),
    held: held.toString(),
    lots,
    available: (balance - held).toString(),
    ...(limits === null ? {} : { limits }),
  };
}

/** What each hold was after its last event up to the position, of those that were open then. */
async function openHolds(
  tx: Transaction,
  values: readonly unknown[],
): Promise<{ shown: Hold[]; count: bigint }> {
  const { rows } = await tx.query<{ hold: string; count: bigint }>({
    name: 'explain-holds',
    text: `
select latest.hold, count(*) over () as count
  from (
        select distinct on (e.data #>> '{hold,holdId}') e.data -> 'hold' as hold
          from ledger_entries l
          join events e
            on e.ledger_id = l.ledger_id
           and e.position = l.position
         where l.ledger_id = $1::integer
           and l.wallet_id = $2::uuid
           and l.position <= $3::bigint
           and e.type in ('hold.placed', 'hold.captured', 'hold.released', 'hold.expired')
           and e.data #>> '{hold,walletId}' = ($2::uuid)::text
         order by e.data #>> '{hold,holdId}', l.position desc
       ) latest
 where latest.hold ->> 'status' = 'open'
 order by latest.hold ->> 'holdId'
 limit ${MAX_HOLDS}`,
    values: [...values],
  });
  return { shown: rows.map(({ hold }) => JSON.parse(hold) as Hold), count: rows[0]?.count ?? 0n };
}

/** The expiring bonuses that had something left right after the position, the earliest to end first. There are at most MAX_OPEN_LOTS. */
async function openLots(tx: Transaction, values: readonly unknown[]): Promise<Body[]> {
  const { rows } = await tx.query<{ id: string; amount: bigint; remaining: bigint; expires_at: string }>({
    name: 'explain-lots',
    text: `
with named as materialized (
  select distinct on (e.position) e.data
    from ledger_entries l
    join events e
      on e.ledger_id = l.ledger_id
     and e.position = l.position
   where l.ledger_id = $1::integer
     and l.wallet_id = $2::uuid
     and l.position <= $3::bigint
     and e.type in ('transaction.posted', 'hold.captured')
     and e.data::text like '%"lotId":%'
), share as (
  select s.share ->> 'lotId' as id, (s.share ->> 'amount')::numeric * side.sign as amount
    from named n
   cross join json_array_elements(n.data -> 'postings') as p (posting)
   cross join (values ('from', -1), ('to', 1)) as side (name, sign)
   cross join json_array_elements(p.posting -> side.name -> 'lots') as s (share)
   where p.posting -> side.name ->> 'walletId' = ($2::uuid)::text
)
select l.id, l.amount, sum(s.amount) as remaining, l.expires_at
  from share s
  join lots l
    on l.ledger_id = $1::integer
   and l.id = s.id::uuid
 group by l.id, l.amount, l.expires_at
having sum(s.amount) > 0
 order by l.expires_at, l.id`,
    values: [...values],
  });
  return rows.map(({ id, amount, remaining, expires_at: expiresAt }) => {
    return { lotId: id, amount: amount.toString(), remaining: remaining.toString(), expiresAt };
  });
}
