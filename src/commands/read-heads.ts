/** Reads what follows from the events a batch refers to: how holds stand, and how much was taken back. Under locks. */
import type { Transaction } from '../db/transaction.ts';
import type { Hold } from '../events/catalog.ts';
import type { OriginalState } from '../events/state.ts';
import { isPosted, postingsOf, type References } from './references.ts';

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
    return hold === undefined
      ? []
      : [{ ...hold, captured: captured.toString(), remaining: remaining.toString(), status }];
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
    return [{ transactionId: event.id, type, asset, userId, postings: postingsOf(event), reversed, wholly }];
  });
}
