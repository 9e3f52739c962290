/** Why a wallet has the balance it has: from zero, by type of transaction, and what is held of it. */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import type { Hold } from '../../events/catalog.ts';
import { holdResource } from '../../events/outcome.ts';

const MAX_HOLDS = 500;

/** Of a wallet that exists, right after a position. Every entry of the wallet up to there is read. */
export async function explainWallet(
  tx: Transaction,
  ledgerId: number,
  asked: { walletId: string; asOf: bigint },
): Promise<Body> {
  const { walletId, asOf } = asked;
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
    available: (balance - held).toString(),
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
