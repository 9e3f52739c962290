/** The feed: the log itself, in order, without loss. A reader keeps the last position it has seen. */
import type { Transaction } from '../db/transaction.ts';
import type { Body } from './body.ts';
import { EVENT_COLUMNS, type EventRow } from './read.ts';

/** Events after a position, in order; `upTo` bounds a stream to the head it started with. */
export async function readFeed(
  tx: Transaction,
  ledgerId: number,
  wanted: { after: bigint; upTo: bigint; limit: number; type: string | undefined },
): Promise<EventRow[]> {
  const byType = wanted.type !== undefined;
  const { rows } = await tx.query<EventRow>({
    name: byType ? 'feed-by-type' : 'feed',
    text: `
select ${EVENT_COLUMNS}
  from events e
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   ${byType ? 'and e.type = $5::text' : ''}
 order by e.position
 limit $4::integer`,
    values: [ledgerId, wanted.after, wanted.upTo, wanted.limit, ...(byType ? [wanted.type] : [])],
  });
  return rows;
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
