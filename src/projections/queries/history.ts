/** A wallet's history: its ledger entries, newest first, each with the transaction it belongs to. */
import type { Transaction } from '../../db/transaction.ts';
import {
  EVENT_COLUMNS,
  eventOfRow,
  withPersonalValues,
  type EventRow,
  type StoredEvent,
} from '../../events/read.ts';
import { shownMetadata, type PostedData } from '../../events/transaction-resource.ts';
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts';

export type HistoryFilter = {
  readonly type?: string | undefined;
  /** Lines that only change what is held have the amount 0. */
  readonly holds: boolean;
  /** Positions: after `from`, up to and including `to`. */
  readonly from: bigint;
  readonly to: bigint;
};

export type HistoryLine = {
  position: string;
  transactionId: string;
  type: string;
  direction: 'CREDIT' | 'DEBIT';
  amount: string;
  balanceAfter: string;
  counterparty: { userId: string } | { system: string } | null;
  reference: string | null;
  metadata: Record<string, string> | null;
  recordedAt: string;
};

type EntryRow = EventRow & { leg: number; amount: bigint; balance_after: bigint };

const LAST_LEG = 32_767;

/**
 * The wallet comes from a subquery and its events by probes, so that the plan is the same whatever the statistics say: of a wallet
 * that has half of all entries they say that the log is best read whole. And both comparisons that bound the positions from above
 * name the same one: the index is entered at one of them, and read from there to where the page begins.
 *
 * Without a type filter this reads the log alone; with one, run it in a snapshot with `transactions`. */
export async function readHistory(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { walletId: string; filter: HistoryFilter },
): Promise<Page<HistoryLine>> {
  const { filter, limit } = request;
  const end = { position: filter.to, leg: LAST_LEG };
  const cursor = request.cursor === undefined ? end : decodeCursor('history', request.cursor);
  const before = cursor.position < end.position ? cursor : end;
  const values: unknown[] = [ledgerId, request.walletId, before.position, before.leg, filter.from, limit + 1];
  const holdType = filter.type === undefined ? undefined : HOLD_TYPES.get(filter.type);
  const byTransaction = filter.type !== undefined && holdType === undefined;
  const ofType = byTransaction
    ? `and t.type = $${values.push(filter.type)}::text`
    : holdType === undefined
      ? ''
      : `and e.type = $${values.push(holdType)}::text`;
  const { rows } = await tx.query<EntryRow>({
    name: `history-${filter.holds ? 'holds' : 'money'}-${byTransaction ? 'type' : (holdType ?? 'all')}`,
    text: `
select l.leg, l.amount, l.balance_after, ${EVENT_COLUMNS}
  from ledger_entries l
  ${byTransaction ? 'join read.transactions t on t.ledger_id = l.ledger_id and t.position = l.position' : ''}
  cross join lateral (
         select ${EVENT_COLUMNS}
           from events e
          where e.ledger_id = l.ledger_id
            and e.position = l.position
          limit 1
         ) e
 where l.ledger_id = $1::integer
   and l.wallet_id = (select $2::uuid)
   and (l.position, l.leg) < ($3::bigint, $4::smallint)
   and l.position > $5::bigint
   and l.position <= $3::bigint
   ${filter.holds ? '' : 'and l.amount <> 0'}
   ${ofType}
 order by l.position desc, l.leg desc
 limit $6::integer`,
    values,
  });
  const events = await withPersonalValues(tx, ledgerId, rows.map(eventOfRow));
  const owners = await readOwners(tx, ledgerId, rows, events);
  const lines = rows.map((row, index) => ({ row, event: events[index] as StoredEvent }));
  return pageOf(lines, limit, {
    list: 'history',
    keyset: ({ row }) => ({ position: row.position, leg: row.leg }),
    item: ({ row, event }) => historyLine(row, event, owners),
  });
}

function historyLine(row: EntryRow, event: StoredEvent, owners: Owners): HistoryLine {
  if (event.type === 'hold.placed' || event.type === 'hold.released' || event.type === 'hold.expired')
    return holdLine(row, event);
  if (event.type !== 'transaction.posted' && event.type !== 'hold.captured')
    throw new Error(`${event.type} at ${event.position} has no entries`);
  const other = otherSide(event.data, row.leg);
  return {
    position: row.position.toString(),
    transactionId: row.id,
    type: event.data.type,
    direction: row.amount < 0n ? 'DEBIT' : 'CREDIT',
    amount: (row.amount < 0n ? -row.amount : row.amount).toString(),
    balanceAfter: row.balance_after.toString(),
    counterparty: other === null ? null : (owners.get(other) ?? null),
    reference: event.data.reference,
    metadata: shownMetadata(event, event.data),
    recordedAt: row.recorded_at,
  };
}

const HOLD_LINES = {
  'hold.placed': { type: 'hold', direction: 'DEBIT' },
  'hold.released': { type: 'release', direction: 'CREDIT' },
  'hold.expired': { type: 'expiry', direction: 'CREDIT' },
} as const;

/** The events behind the types of hold lines. */
const HOLD_TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(HOLD_LINES).map(([event, { type }]) => [type, event]),
);

/** No money moved: only what is available did. */
function holdLine(
  row: EntryRow,
  event: Extract<StoredEvent, { type: keyof typeof HOLD_LINES }>,
): HistoryLine {
  return {
    position: row.position.toString(),
    transactionId: row.id,
    ...HOLD_LINES[event.type],
    amount: '0',
    balanceAfter: row.balance_after.toString(),
    counterparty: null,
    reference: event.data.hold.reference,
    metadata: null,
    recordedAt: row.recorded_at,
  };
}

/** Even legs take from a posting's `from`, odd legs give to its `to`. */
function otherSide(data: PostedData, leg: number): string | null {
  const posting = data.postings[Math.floor(leg / 2)];
  if (posting === undefined) return null;
  return leg % 2 === 0 ? posting.to.walletId : posting.from.walletId;
}

type Owners = ReadonlyMap<string, { userId: string } | { system: string }>;

async function readOwners(
  tx: Transaction,
  ledgerId: number,
  rows: readonly EntryRow[],
  events: readonly StoredEvent[],
): Promise<Owners> {
  const ids = rows.flatMap((row, index) => {
    const event = events[index];
    const posted = event?.type === 'transaction.posted' || event?.type === 'hold.captured';
    const other = posted ? otherSide(event.data, row.leg) : null;
    return other === null ? [] : [other];
  });
  if (ids.length === 0) return new Map();
  const found = await tx.query<{ id: string; owner: string; is_system: boolean }>({
    name: 'wallet-owners',
    text: `
select id, owner, is_system
  from wallets
 where ledger_id = $1::integer
   and id = any ($2::uuid[])`,
    values: [ledgerId, [...new Set(ids)]],
  });
  return new Map(
    found.rows.map(({ id, owner, is_system: isSystem }) => [
      id,
      isSystem ? { system: owner } : { userId: owner },
    ]),
  );
}
