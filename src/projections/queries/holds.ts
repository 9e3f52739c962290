/** Holds as the read model shows them. Run these in a snapshot with the position of the `holds` projection. */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import type { Hold } from '../../events/catalog.ts';
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
};

const COLUMNS = `h.id, h.position, h.wallet_id, h.user_id, h.asset, h.amount, h.captured, h.remaining, h.status,
       h.expires_at, h.reference`;

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
  return rows[0] === undefined ? null : holdOfRow(rows[0]);
}

/** Newest first. */
export async function listHolds(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { filter: HoldFilter },
): Promise<Page<Body>> {
  const { filter, limit, cursor } = request;
  const before = cursor === undefined ? null : decodeCursor(cursor).position;
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
  return pageOf(rows, limit, { keyset: ({ position }) => ({ position, leg: 0 }), item: holdOfRow });
}

function holdOfRow(row: HoldRow): Body {
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
