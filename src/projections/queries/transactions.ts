/** Transactions, posted and declined: one by its id straight from the log, lists through the read model's filters. */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import {
  EVENT_COLUMNS,
  eventOfRow,
  withPersonalValues,
  type EventRow,
  type StoredEvent,
} from '../../events/read.ts';
import { postedBody, rejectedBody, shownMetadata } from '../../events/transaction-resource.ts';
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts';

export type TransactionFilter = {
  readonly reference?: string | undefined;
  readonly userId?: string | undefined;
  readonly type?: string | undefined;
  /** Positions: after `from`, up to and including `to`. */
  readonly from: bigint;
  readonly to: bigint;
};

/** By id from the log itself: a transaction can be read the moment it is answered. */
export async function readTransaction(tx: Transaction, ledgerId: number, id: string): Promise<Body | null> {
  const { rows } = await tx.query<EventRow>({
    name: 'transaction',
    text: `
select ${EVENT_COLUMNS}
  from events e
 where e.ledger_id = $1::integer
   and e.id = $2::uuid
   and e.type in ('transaction.posted', 'hold.captured', 'transaction.rejected')`,
    values: [ledgerId, id],
  });
  const [event] = await withPersonalValues(tx, ledgerId, rows.map(eventOfRow));
  if (event === undefined) return null;
  return {
    ...transactionBody(event),
    ...(await scheduleOf(tx, ledgerId, event)),
    ...(await followersOf(tx, ledgerId, event)),
  };
}

/** That a schedule was executed is recorded right behind what came of it. */
async function scheduleOf(
  tx: Transaction,
  ledgerId: number,
  { id, position }: StoredEvent,
): Promise<{ scheduleId?: string }> {
  const { rows } = await tx.query<{ schedule_id: string }>({
    name: 'schedule-of',
    text: `
select e.related_id as schedule_id
  from events e
 where e.ledger_id = $1::integer
   and e.position = $2::bigint
   and e.type = 'scheduled.executed'
   and e.data ->> 'transactionId' = $3::text`,
    values: [ledgerId, position + 1n, id],
  });
  return rows[0] === undefined ? {} : { scheduleId: rows[0].schedule_id };
}

type Follower = {
  id: string;
  position: bigint;
  amount: bigint | null;
  recorded_at: string;
  expires: boolean;
};

/** What took it back and what of it expired, the oldest first; nothing at all where nothing did. */
async function followersOf(tx: Transaction, ledgerId: number, original: StoredEvent): Promise<Body> {
  const { rows } = await tx.query<Follower>({
    name: 'followers',
    text: `
select e.id, e.position, (e.data ->> 'amount')::numeric as amount, e.recorded_at,
       e.data -> 'expires' is not null as expires
  from events e
 where e.ledger_id = $1::integer
   and e.related_id = $2::uuid
   and e.type = 'transaction.posted'
 order by e.position`,
    values: [ledgerId, original.id],
  });
  const expiries = rows.filter(({ expires }) => expires);
  return {
    ...reversalsShown(rows.filter(({ expires }) => !expires)),
    ...(expiries.length === 0
      ? {}
      : { expiries: expiries.map(followerShown), expiredAmount: totalOf(expiries).toString() }),
  };
}

function reversalsShown(reversals: readonly Follower[]): Body {
  if (reversals.length === 0) return {};
  const whole = reversals.some(({ amount }) => amount === null);
  return {
    reversals: reversals.map(followerShown),
    reversedAmount: whole ? null : totalOf(reversals).toString(),
  };
}

function followerShown({ id, position, amount, recorded_at: recordedAt }: Follower): Body {
  return { transactionId: id, amount: amount?.toString() ?? null, position: position.toString(), recordedAt };
}

function totalOf(followers: readonly Follower[]): bigint {
  return followers.reduce((sum, { amount }) => sum + (amount ?? 0n), 0n);
}

/** How many postings each of these transactions has; ids of no transaction are left out. */
export async function countPostings(
  tx: Transaction,
  ledgerId: number,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (ids.length === 0) return new Map();
  const { rows } = await tx.query<{ id: string; postings: number }>({
    name: 'count-postings',
    text: `
select e.id, json_array_length(e.data -> 'postings') as postings
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select e.id, e.data
          from events e
         where e.ledger_id = $1::integer
           and e.id = wanted.id
           and e.type in ('transaction.posted', 'hold.captured')
         limit 1
       ) e`,
    values: [ledgerId, ids],
  });
  return new Map(rows.map(({ id, postings }) => [id, postings]));
}

function transactionBody(event: StoredEvent): Body {
  if (event.type === 'transaction.posted' || event.type === 'hold.captured')
    return postedBody(event, event.data, shownMetadata(event, event.data));
  if (event.type === 'transaction.rejected') {
    return rejectedBody(event, event.data, shownMetadata(event, event.data));
  }
  throw new Error(`${event.type} at position ${event.position} is not a transaction`);
}

/** Newest first. Run it in a snapshot, with the position of the `transactions` projection. */
export async function listTransactions(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { filter: TransactionFilter },
): Promise<Page<Body>> {
  const { filter, limit, cursor } = request;
  const before =
    cursor === undefined
      ? filter.to + 1n
      : minimum(decodeCursor('transactions', cursor).position, filter.to + 1n);
  const values: unknown[] = [ledgerId, before, filter.from, limit + 1];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const conditions = [
    ...(filter.type === undefined ? [] : [`and t.type = ${bind(filter.type)}::text`]),
    ...(filter.reference === undefined ? [] : [`and t.reference = ${bind(filter.reference)}::text`]),
  ].join('\n   ');
  const positions =
    filter.userId === undefined ? allPositions(conditions) : positionsOfUser(conditions, bind(filter.userId));
  const { rows } = await tx.query<EventRow>({
    text: `
select ${EVENT_COLUMNS}
  from (${positions}) found
  join events e
    on e.ledger_id = $1::integer
   and e.position = found.position
 order by e.position desc
 limit $4::integer`,
    values,
  });
  const events = await withPersonalValues(tx, ledgerId, rows.map(eventOfRow));
  return pageOf(events, limit, {
    list: 'transactions',
    keyset: ({ position }) => ({ position, leg: 0 }),
    item: transactionBody,
  });
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function allPositions(conditions: string): string {
  return `
select t.position
  from read.transactions t
 where t.ledger_id = $1::integer
   and t.position < $2::bigint
   and t.position > $3::bigint
   ${conditions}
 order by t.position desc
 limit $4::integer`;
}

/** Posted ones through the entries of the user's wallets, each wallet giving one page; declined ones have no entries. */
function positionsOfUser(conditions: string, userId: string): string {
  return `
select posted.position
  from wallets w
 cross join lateral (
        select distinct e.position
          from ledger_entries e
          join read.transactions t
            on t.ledger_id = e.ledger_id
           and t.position = e.position
         where e.ledger_id = w.ledger_id
           and e.wallet_id = w.id
           and e.position < $2::bigint
           and e.position > $3::bigint
           ${conditions}
         order by e.position desc
         limit $4::integer
       ) posted
 where w.ledger_id = $1::integer
   and w.owner = (${userId}::uuid)::text
 union
select declined.position
  from (
        select t.position
          from read.transactions t
         where t.ledger_id = $1::integer
           and t.user_id = ${userId}::uuid
           and t.status = 'rejected'
           and t.position < $2::bigint
           and t.position > $3::bigint
           ${conditions}
         order by t.position desc
         limit $4::integer
       ) declined
 order by position desc
 limit $4::integer`;
}
