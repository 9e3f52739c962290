/** Why a wallet has the balance it has: what came and went by type of transaction, what is held of it, and what of it has an end. */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import type { Hold } from '../../events/catalog.ts';
import { readLimitsInForce } from './limits.ts';
import { holdResource } from '../../events/outcome.ts';

const MAX_HOLDS = 500;

/** So many lines of a wallet's history are read, the newest; what was before them is the opening balance. */
export const MAX_EXPLAINED = 20_000;

type Asked = {
  readonly walletId: string;
  readonly asOf: bigint;
  readonly atHead: boolean;
  readonly maxLines?: number;
};

/** Of a wallet that exists, right after a position; at the head with its limits, if any. */
export async function explainWallet(tx: Transaction, ledgerId: number, asked: Asked): Promise<Body> {
  const { walletId, asOf, atHead, maxLines = MAX_EXPLAINED } = asked;
  const values = [ledgerId, walletId, asOf, maxLines];
  const { opening, since, balance, held } = await figures(tx, values);
  const movements = await movementsOf(tx, values);
  const holds = await openHolds(tx, values);
  const lots = atHead ? await lotsNow(tx, ledgerId, walletId) : await lotsThen(tx, values);
  const limits = atHead ? await readLimitsInForce(tx, ledgerId, walletId) : null;
  return {
    walletId,
    position: asOf.toString(),
    opening: opening.toString(),
    movements,
    balance: balance.toString(),
    holds: holds.shown.map(holdResource),
    holdCount: holds.count.toString(),
    held: held.toString(),
    lots,
    available: (balance - held).toString(),
    ...(limits === null ? {} : { limits }),
    ...(since === null ? {} : { since: since.toString() }),
  };
}

/** The newest lines of the wallet up to the position; by its own index whatever the statistics of this wallet, hence the subquery. */
const LINES = `
  select l.position, l.leg, l.seq, l.amount, l.balance_after, l.held_after
    from ledger_entries l
   where l.ledger_id = $1::integer
     and l.wallet_id = (select $2::uuid)
     and l.position <= $3::bigint
   order by l.position desc, l.leg desc
   limit $4::integer`;

/** `since` is where the lines begin; null when they are all that there are. */
async function figures(
  tx: Transaction,
  values: readonly unknown[],
): Promise<{ opening: bigint; since: bigint | null; balance: bigint; held: bigint }> {
  const { rows } = await tx.query<{
    balance: bigint;
    held: bigint;
    opening: bigint;
    first: bigint;
    first_seq: bigint;
  }>({
    name: 'explain-balance',
    text: `
with line as materialized (${LINES}
)
select latest.balance_after as balance, latest.held_after as held,
       oldest.balance_after - oldest.amount as opening, oldest.position as first, oldest.seq as first_seq
  from (select * from line order by position desc, leg desc limit 1) latest
 cross join (select * from line order by position, leg limit 1) oldest`,
    values: [...values],
  });
  const [row] = rows;
  if (row === undefined) return { opening: 0n, since: null, balance: 0n, held: 0n };
  const { balance, held, opening } = row;
  return { opening, balance, held, since: row.first_seq === 1n ? null : row.first };
}

async function movementsOf(tx: Transaction, values: readonly unknown[]): Promise<Body[]> {
  const { rows } = await tx.query<{ type: string; count: bigint; credits: bigint; debits: bigint }>({
    name: 'explain-movements',
    text: `
with line as materialized (${LINES}
)
select e.data ->> 'type' as type,
       count(distinct l.position) as count,
       coalesce(sum(l.amount) filter (where l.amount > 0), 0) as credits,
       coalesce(-sum(l.amount) filter (where l.amount < 0), 0) as debits
  from line l
  join events e
    on e.ledger_id = $1::integer
   and e.position = l.position
 where l.amount <> 0
 group by e.data ->> 'type'
 order by e.data ->> 'type'`,
    values: [...values],
  });
  return rows.map(({ type, count, credits, debits }) => {
    return { type, count: count.toString(), credits: credits.toString(), debits: debits.toString() };
  });
}

/** What each hold was after its last event up to the position, of those that were open then. */
async function openHolds(
  tx: Transaction,
  values: readonly unknown[],
): Promise<{ shown: Hold[]; count: bigint }> {
  const { rows } = await tx.query<{ hold: string; count: bigint }>({
    name: 'explain-holds',
    text: `
with line as materialized (${LINES}
)
select latest.hold, count(*) over () as count
  from (
        select distinct on (e.data #>> '{hold,holdId}') e.data -> 'hold' as hold
          from line l
          join events e
            on e.ledger_id = $1::integer
           and e.position = l.position
         where e.type in ('hold.placed', 'hold.captured', 'hold.released', 'hold.expired')
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

type LotRow = { id: string; amount: bigint; remaining: bigint; reserved: bigint; expires_at: string };

function lotOfRow({ id, amount, remaining, reserved, expires_at: expiresAt }: LotRow): Body {
  const figures = { remaining: remaining.toString(), reserved: reserved.toString() };
  return { lotId: id, amount: amount.toString(), ...figures, expiresAt };
}

/** The expiring bonuses that have something left, the earliest to end first, as decisions see them. There are at most MAX_OPEN_LOTS. */
async function lotsNow(tx: Transaction, ledgerId: number, walletId: string): Promise<Body[]> {
  const { rows } = await tx.query<LotRow>({
    name: 'explain-lots-now',
    text: `
select l.id, l.amount, l.remaining, l.reserved, l.expires_at
  from lots l
 where l.ledger_id = $1::integer
   and l.wallet_id = $2::uuid
   and l.remaining > 0
 order by l.expires_at, l.id`,
    values: [ledgerId, walletId],
  });
  return rows.map(lotOfRow);
}

/** Those that had something left right after the position, of the bonuses that the lines tell of. */
async function lotsThen(tx: Transaction, values: readonly unknown[]): Promise<Body[]> {
  const { rows } = await tx.query<LotRow>({
    name: 'explain-lots-then',
    text: `
with line as materialized (${LINES}
), named as materialized (
  select distinct on (e.position) e.type, e.data
    from line l
    join events e
      on e.ledger_id = $1::integer
     and e.position = l.position
   where e.type in ('transaction.posted', 'hold.placed', 'hold.captured', 'hold.released', 'hold.expired')
     and e.data::text like '%"lotId":%'
), share as (
  select s.share, side.sign as remaining,
         case when n.type = 'hold.captured' and side.sign < 0 then -1 else 0 end as reserved
    from named n
   cross join json_array_elements(n.data -> 'postings') as p (posting)
   cross join (values ('from', -1), ('to', 1)) as side (name, sign)
   cross join json_array_elements(p.posting -> side.name -> 'lots') as s (share)
   where p.posting -> side.name ->> 'walletId' = ($2::uuid)::text
   union all
  select s.share, 0, 1
    from named n
   cross join json_array_elements(n.data #> '{hold,lots}') as s (share)
   where n.type = 'hold.placed'
     and n.data #>> '{hold,walletId}' = ($2::uuid)::text
   union all
  select s.share, 0, -1
    from named n
   cross join json_array_elements(n.data -> 'freed') as s (share)
   where n.data #>> '{hold,walletId}' = ($2::uuid)::text
)
select l.id, l.amount, l.expires_at,
       sum((s.share ->> 'amount')::numeric * s.remaining) as remaining,
       sum((s.share ->> 'amount')::numeric * s.reserved) as reserved
  from share s
  join lots l
    on l.ledger_id = $1::integer
   and l.id = (s.share ->> 'lotId')::uuid
 where exists (select from named n where n.data #>> '{lot,lotId}' = l.id::text)
 group by l.id, l.amount, l.expires_at
having sum((s.share ->> 'amount')::numeric * s.remaining) > 0
 order by l.expires_at, l.id`,
    values: [...values],
  });
  return rows.map(lotOfRow);
}
