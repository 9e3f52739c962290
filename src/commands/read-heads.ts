/** Reads what follows from the events a batch refers to: how holds stand, and how much was taken back. Under locks. */
import type { Transaction } from '../db/transaction.ts';
import type { Hold } from '../events/catalog.ts';
import { afterFirst, lotsMember, type Lot } from '../events/lots.ts';
import type { OriginalState } from '../events/state.ts';
import type { WalletHead } from './lock-and-read.ts';
import { isPosted, lotIdsOf, postingsOf, type References } from './references.ts';

/** Holds by the events that placed them, as they stand now. */
export async function readHolds(tx: Transaction, ledgerId: number, references: References): Promise<Hold[]> {
  const placed = new Map(
    [...references.events.values()].flatMap((event) =>
      event.type === 'hold.placed' ? [[event.id, event.data.hold]] : [],
    ),
  );
  if (placed.size === 0) return [];
  const { rows } = await tx.query<{
    id: string;
    captured: bigint;
    remaining: bigint;
    status: Hold['status'];
  }>({
    name: 'holds-by-id',
    text: `
select h.id, h.captured, h.remaining, h.status
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select h.id, h.captured, h.remaining, h.status
          from holds h
         where h.ledger_id = $1::integer
           and h.id = wanted.id
         limit 1
       ) h`,
    values: [ledgerId, [...placed.keys()]],
  });
  return rows.flatMap(({ id, captured, remaining, status }) => {
    const hold = placed.get(id);
    if (hold === undefined) return [];
    const { lots = [], ...terms } = hold;
    // Captures take from the lots first.
    const reserved = status === 'open' ? afterFirst(lots, captured) : [];
    const figures = { captured: captured.toString(), remaining: remaining.toString(), status };
    return [{ ...terms, ...figures, ...lotsMember(reserved) }];
  });
}

/** Transactions that may be taken back, with what was taken back already. */
export async function readOriginals(
  tx: Transaction,
  ledgerId: number,
  references: References,
): Promise<OriginalState[]> {
  const events = [...references.events.values()].filter(
    (event) => isPosted(event) || event.type === 'transaction.rejected',
  );
  if (events.length === 0) return [];
  const { rows } = await tx.query<{ id: string; reversed: bigint; wholly: boolean }>({
    name: 'reversed-so-far',
    text: `
select wanted.id,
       coalesce(sum((e.data ->> 'amount')::numeric), 0) as reversed,
       count(*) filter (where e.id is not null and e.data ->> 'amount' is null) > 0 as wholly
  from unnest($2::uuid[]) as wanted (id)
  left join lateral (
         select r.id, r.data
           from events r
          where r.ledger_id = $1::integer
            and r.related_id = wanted.id
            and r.type = 'transaction.posted'
       ) e on true
 group by wanted.id`,
    values: [ledgerId, events.map(({ id }) => id)],
  });
  const reversals = new Map(rows.map((row) => [row.id, row]));
  return events.flatMap((event) => {
    const sofar = reversals.get(event.id);
    if (sofar === undefined || !('type' in event.data)) return [];
    const { type, asset, userId } = event.data;
    const { reversed, wholly } = sofar;
    const lotId = 'lot' in event.data ? (event.data.lot?.lotId ?? null) : null;
    const postings = postingsOf(event);
    return [{ transactionId: event.id, type, asset, userId, postings, reversed, wholly, lotId }];
  });
}

/**
 * The lots of wallets that have something in lots, and those that references name; by wallet, in the order in which they
 * are spent.
 */
export async function readLots(
  tx: Transaction,
  ledgerId: number,
  of: { readonly wallets: readonly WalletHead[]; readonly references: References },
): Promise<Map<string, readonly Lot[]>> {
  const walletIds = of.wallets.filter(({ nextDueAt }) => nextDueAt !== null).map(({ id }) => id);
  const lotIds = [...new Set(lotIdsOf(of.references))];
  if (walletIds.length + lotIds.length === 0) return new Map();
  const { rows } = await tx.query<{
    id: string;
    wallet_id: string;
    amount: bigint;
    remaining: bigint;
    reserved: bigint;
    expires_at: string;
  }>({
    name: 'lots',
    text: `
select id, wallet_id, amount, remaining, reserved, expires_at
  from lots
 where ledger_id = $1::integer
   and wallet_id = any ($2::uuid[])
   and remaining > 0
 union
select id, wallet_id, amount, remaining, reserved, expires_at
  from lots
 where ledger_id = $1::integer
   and id = any ($3::uuid[])
 order by expires_at, id`,
    values: [ledgerId, walletIds, lotIds],
  });
  const lots = new Map<string, Lot[]>();
  for (const { id, wallet_id: walletId, expires_at: expiresAt, amount, remaining, reserved } of rows) {
    const lot: Lot = { lotId: id, walletId, amount, remaining, reserved, expiresAt };
    const others = lots.get(walletId);
    if (others === undefined) lots.set(walletId, [lot]);
    else others.push(lot);
  }
  return lots;
}
