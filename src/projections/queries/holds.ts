/** Holds as the read model shows them. Run these in a snapshot with the position of the `holds` projection. */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import type { Hold, LotShare } from '../../events/catalog.ts';
import { afterFirst } from '../../events/lots.ts';
import { holdResource } from '../../events/outcome.ts';
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts';

export type HoldFilter = {
  readonly userId?: string | undefined;
  readonly status?: Hold['status'] | undefined;
};

type HoldRow = {
  id: string;
  position: bigint;
  wallet_id: string;
  user_id: string;
  asset: string;
  amount: bigint;
  captured: bigint;
  remaining: bigint;
  status: Hold['status'];
  expires_at: string | null;
  reference: string | null;
  /** What it reserved of lots when it was placed, as JSON. */
  lots: string | null;
  schedule_id: string | null;
};

/** Of the read model's row `h`; what of it never changes and no filter asks for is in the log, at its position and behind it. */
const COLUMNS = `h.id, h.position, h.wallet_id, h.user_id, h.asset, h.amount, h.captured, h.remaining, h.status,
       h.expires_at, h.reference,
       (select e.data #> '{hold,lots}'
          from events e
         where e.ledger_id = h.ledger_id
           and e.position = h.position) as lots,
       (select e.related_id
          from events e
         where e.ledger_id = h.ledger_id
           and e.position = h.position + 1
           and e.type = 'scheduled.executed'
           and e.data ->> 'holdId' = h.id::text) as schedule_id`;

export async function readHold(tx: Transaction, ledgerId: number, id: string): Promise<Body | null> {
  const { rows } = await tx.query<HoldRow>({
    name: 'hold',
    text: `
select ${COLUMNS}
  from read.holds h
 where h.ledger_id = $1::integer
   and h.id = $2::uuid`,
    values: [ledgerId, id],
  });
  const [row] = rows;
  return row === undefined ? null : holdOfRow(row, await endsOf(tx, ledgerId, rows));
}

/** Newest first. */
export async function listHolds(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { filter: HoldFilter },
): Promise<Page<Body>> {
  const { filter, limit, cursor } = request;
  const before = cursor === undefined ? null : decodeCursor('holds', cursor).position;
  const values: unknown[] = [ledgerId, before, limit + 1];
  const conditions = [
    ...(filter.userId === undefined ? [] : [`and h.user_id = $${values.push(filter.userId)}::uuid`]),
    ...(filter.status === undefined ? [] : [`and h.status = $${values.push(filter.status)}::text`]),
  ].join('\n   ');
  const { rows } = await tx.query<HoldRow>({
    text: `
select ${COLUMNS}
  from read.holds h
 where h.ledger_id = $1::integer
   and ($2::bigint is null or h.position < $2::bigint)
   ${conditions}
 order by h.position desc
 limit $3::integer`,
    values,
  });
  const ends = await endsOf(tx, ledgerId, rows);
  return pageOf(rows, limit, {
    list: 'holds',
    keyset: ({ position }) => ({ position, leg: 0 }),
    item: (row) => holdOfRow(row, ends),
  });
}

/** When the lots end that they reserve. */
async function endsOf(
  tx: Transaction,
  ledgerId: number,
  holds: readonly HoldRow[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(holds.flatMap((hold) => reservedOf(hold).map(({ lotId }) => lotId)));
  if (ids.size === 0) return new Map();
  const { rows } = await tx.query<{ id: string; expires_at: string }>({
    name: 'ends-of-lots',
    text: `
select l.id, l.expires_at
  from lots l
 where l.ledger_id = $1::integer
   and l.id = any ($2::uuid[])`,
    values: [ledgerId, [...ids]],
  });
  return new Map(rows.map(({ id, expires_at: expiresAt }) => [id, expiresAt]));
}

/** Captures take from the lots first. */
function reservedOf({ lots, status, captured }: HoldRow): LotShare[] {
  return lots === null || status !== 'open' ? [] : afterFirst(JSON.parse(lots) as LotShare[], captured);
}

function holdOfRow(row: HoldRow, ends: ReadonlyMap<string, string>): Body {
  const lots = reservedOf(row).map((share) => ({ ...share, expiresAt: ends.get(share.lotId) ?? null }));
  return {
    ...resourceOfRow(row),
    ...(lots.length === 0 ? {} : { lots }),
    ...(row.schedule_id === null ? {} : { scheduleId: row.schedule_id }),
  };
}

function resourceOfRow(row: HoldRow): Body {
  return holdResource({
    holdId: row.id,
    walletId: row.wallet_id,
    userId: row.user_id,
    asset: row.asset,
    amount: row.amount.toString(),
    captured: row.captured.toString(),
    remaining: row.remaining.toString(),
    status: row.status,
    expiresAt: row.expires_at,
    reference: row.reference,
  });
}
