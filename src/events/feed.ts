/**
 * The feed: the log itself, in order, without loss. A reader keeps the position up to which it has seen.
 *
 * A filter may match next to nothing of a log of any length, so each read finds what it looks for by an index, or looks at a bounded number
 * of events and says how far it has looked: from there the next one goes on, whether or not there was anything to show.
 */
import type { Transaction } from '../db/transaction.ts';
import type { Body } from './body.ts';
import { currentVersion, type EventType } from './catalog.ts';
import { EVENT_COLUMNS, type EventRow } from './read.ts';

/** Events a read by a type that has no index looks at: neighbours in the table. */
const MAX_RANGE = 50_000n;
/** Events of a wallet that a read by wallet and type looks at: each a row somewhere else. */
const MAX_PROBES = 2_000;

/** Events after a position; `upTo` bounds a stream to the head it started with. */
export type FeedRequest = {
  readonly after: bigint;
  readonly upTo: bigint;
  readonly limit: number;
  readonly type: string | undefined;
  readonly walletId: string | undefined;
};

export type FeedPage = {
  /** In the order of their positions. */
  readonly rows: readonly EventRow[];
  /** Everything that matches up to here has been shown. `upTo` at the end. */
  readonly seen: bigint;
};

export function readFeed(tx: Transaction, ledgerId: number, wanted: FeedRequest): Promise<FeedPage> {
  const { walletId } = wanted;
  return walletId === undefined
    ? readRange(tx, ledgerId, wanted)
    : readWallet(tx, ledgerId, { ...wanted, walletId });
}

/** Every type but the most common one is found by an index: such a read ends where the log does. */
function isIndexed(type: string | undefined): type is EventType {
  return type !== undefined && type !== 'transaction.posted' && Object.hasOwn(currentVersion, type);
}

async function readRange(tx: Transaction, ledgerId: number, wanted: FeedRequest): Promise<FeedPage> {
  const { after, limit, type } = wanted;
  if (isIndexed(type)) return readIndexed(tx, ledgerId, { ...wanted, type });
  const byType = type !== undefined;
  const upTo = byType && wanted.upTo - after > MAX_RANGE ? after + MAX_RANGE : wanted.upTo;
  const { rows } = await tx.query<EventRow>({
    name: byType ? 'feed-by-type' : 'feed',
    text: selectRange(byType ? 'and e.type = $5::text' : ''),
    values: [ledgerId, after, upTo, limit, ...(byType ? [type] : [])],
  });
  return pageOf(rows, limit, upTo);
}

/** The type is in the text of the statement, else the planner could not know that the index has it. */
async function readIndexed(
  tx: Transaction,
  ledgerId: number,
  { after, upTo, limit, type }: FeedRequest & { readonly type: EventType },
): Promise<FeedPage> {
  const { rows } = await tx.query<EventRow>({
    name: `feed-of-${type}`,
    text: selectRange(`and e.type = '${type}'`),
    values: [ledgerId, after, upTo, limit],
  });
  return pageOf(rows, limit, upTo);
}

function selectRange(condition: string): string {
  return `
select ${EVENT_COLUMNS}
  from events e
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   ${condition}
 order by e.position
 limit $4::integer`;
}

/** First the positions, from indexes alone, then the events there. */
async function readWallet(
  tx: Transaction,
  ledgerId: number,
  wanted: FeedRequest & { readonly walletId: string },
): Promise<FeedPage> {
  const { limit, type } = wanted;
  const probes = type === undefined ? limit : MAX_PROBES;
  const positions = await walletPositions(tx, ledgerId, { ...wanted, limit: probes });
  const upTo = positions.length < probes ? wanted.upTo : (positions.at(-1) ?? wanted.upTo);
  if (positions.length === 0) return { rows: [], seen: upTo };
  const { rows } = await tx.query<EventRow>({
    name: 'feed-at',
    text: `
select ${EVENT_COLUMNS}
  from unnest($2::bigint[]) as wanted (position)
 cross join lateral (
        select *
          from events e
         where e.ledger_id = $1::integer
           and e.position = wanted.position
       ) e
 where $3::text is null
    or e.type = $3::text
 order by e.position
 limit $4::integer`,
    values: [ledgerId, positions, type ?? null, limit],
  });
  return pageOf(rows, limit, upTo);
}

/**
 * Where a wallet's entries are, and the events about the wallet that move nothing. Compared as pairs, the entries can be
 * found through the wallet's index alone: a planner that expects many of them would else read along the primary key,
 * through everybody's, and where the wallet has been quiet to the end of the log. An event may have many legs in one
 * wallet.
 */
async function walletPositions(
  tx: Transaction,
  ledgerId: number,
  wanted: FeedRequest & { readonly walletId: string },
): Promise<bigint[]> {
  const { rows } = await tx.query<{ position: bigint }>({
    name: 'feed-wallet-positions',
    text: `
select position
  from ((select distinct l.wallet_id, l.position
           from ledger_entries l
          where l.ledger_id = $1::integer
            and (l.wallet_id, l.position) > ($2::uuid, $3::bigint)
            and (l.wallet_id, l.position) <= ($2::uuid, $4::bigint)
            and coalesce($6::text, '') not in ('wallet.opened', 'wallet.status_changed', 'wallet.overdraft_changed',
                                               'wallet.limits_changed')
          order by l.wallet_id, l.position
          limit $5::integer)
        union all
        (select $2::uuid, e.position
           from events e
          where e.ledger_id = $1::integer
            and e.type in ('wallet.opened', 'wallet.status_changed', 'wallet.overdraft_changed',
                           'wallet.limits_changed')
            and (e.data ->> 'walletId')::uuid = $2::uuid
            and e.position > $3::bigint
            and e.position <= $4::bigint
          order by e.position
          limit $5::integer)) as concerning
 order by position
 limit $5::integer`,
    values: [ledgerId, wanted.walletId, wanted.after, wanted.upTo, wanted.limit, wanted.type ?? null],
  });
  return rows.map(({ position }) => position);
}

/** Where a page is full there may be more right behind its last event. */
function pageOf(rows: readonly EventRow[], limit: number, upTo: bigint): FeedPage {
  return { rows, seen: rows.length < limit ? upTo : (rows.at(-1)?.position ?? upTo) };
}

/** An event as the feed shows it: as it was stored, of whatever version. */
export function feedEvent(row: EventRow): Body {
  return {
    position: row.position.toString(),
    id: row.id,
    type: row.type,
    version: row.version,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    actor: row.actor,
    idempotencyKey: row.idempotency_key,
    correlationId: row.correlation_id,
    relatedId: row.related_id,
    data: JSON.parse(row.data) as unknown,
  };
}
