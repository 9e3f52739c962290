/** Lots of a wallet as the read model shows them. Run it in a snapshot with the position of the `lots` projection. */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts';

type LotRow = {
  id: string;
  position: bigint;
  wallet_id: string;
  amount: bigint;
  remaining: bigint;
  reserved: bigint;
  expired: bigint;
  expires_at: string;
};

/** Newest first. */
export async function listLots(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { readonly walletId: string; readonly open: boolean | undefined },
): Promise<Page<Body>> {
  const { walletId, open, limit, cursor } = request;
  const before = cursor === undefined ? null : decodeCursor('lots', cursor).position;
  const filter = open === undefined ? '' : `and l.remaining ${open ? '>' : '='} 0`;
  const { rows } = await tx.query<LotRow>({
    text: `
select l.id, l.position, l.wallet_id, l.amount, l.remaining, l.reserved, l.expired, l.expires_at
  from read.lots l
 where l.ledger_id = $1::integer
   and l.wallet_id = $2::uuid
   and ($3::bigint is null or l.position < $3::bigint)
   ${filter}
 order by l.position desc
 limit $4::integer`,
    values: [ledgerId, walletId, before, limit + 1],
  });
  return pageOf(rows, limit, {
    list: 'lots',
    keyset: ({ position }) => ({ position, leg: 0 }),
    item: lotOfRow,
  });
}

function lotOfRow(row: LotRow): Body {
  const { amount, remaining, reserved, expired } = row;
  const ended = expired > 0n ? 'expired' : 'spent';
  return {
    lotId: row.id,
    walletId: row.wallet_id,
    amount: amount.toString(),
    remaining: remaining.toString(),
    reserved: reserved.toString(),
    spent: (amount - remaining - expired).toString(),
    expired: expired.toString(),
    status: remaining > 0n ? 'open' : ended,
    expiresAt: row.expires_at,
  };
}
