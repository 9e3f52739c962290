/** How every wallet stood after a position: for whoever goes on from there without the events before. */
import type { Pool } from 'pg';
import { z } from 'zod';
import type { WalletHead } from '../fold/heads.ts';

const whole = z.string().regex(/^(?:0|-?[1-9][0-9]*)$/);

/** A wallet as a line of `opening.ndjson`. */
const openingWallet = z.strictObject({
  walletId: z.uuid(),
  owner: z.string(),
  isSystem: z.boolean(),
  assetId: z.uuid(),
  asset: z.string(),
  status: z.enum(['ACTIVE', 'FROZEN']),
  limit: whole.nullable(),
  balance: whole,
  held: whole,
  seq: whole,
  movedPosition: whole,
  openedPosition: whole,
});

export type OpeningWallet = z.infer<typeof openingWallet>;

type Row = {
  id: string;
  owner: string;
  is_system: boolean;
  asset_id: string;
  slug: string;
  status: 'ACTIVE' | 'FROZEN';
  floor: bigint | null;
  balance: bigint | null;
  held: bigint | null;
  seq: bigint | null;
  moved: bigint | null;
  opened: bigint;
};

/** From the last entry of each wallet that was open by then; its status is that of now. */
export async function readOpening(pool: Pool, ledgerId: number, position: bigint): Promise<OpeningWallet[]> {
  const { rows } = await pool.query<Row>({
    text: `
select w.id, w.owner, w.is_system, w.asset_id, a.slug, w.status,
       case when w.is_system and w.owner = 'treasury' then w.floor else -coalesce(d.overdraft, 0) end as floor,
       e.balance_after as balance, e.held_after as held, e.seq, e.position as moved, o.position as opened
  from wallets w
  join assets a
    on a.ledger_id = w.ledger_id
   and a.id = w.asset_id
  join read.wallets o
    on o.ledger_id = w.ledger_id
   and o.id = w.id
   and o.position <= $2::bigint
  left join lateral (
        select l.balance_after, l.held_after, l.seq, l.position
          from ledger_entries l
         where l.ledger_id = w.ledger_id
           and l.wallet_id = w.id
           and l.position <= $2::bigint
         order by l.position desc, l.leg desc
         limit 1
       ) e on true
  left join lateral (
        select (c.data ->> 'overdraft')::numeric as overdraft
          from events c
         where w.limits is not null
           and c.ledger_id = w.ledger_id
           and c.type = 'wallet.overdraft_changed'
           and (c.data ->> 'walletId')::uuid = w.id
           and c.position <= $2::bigint
         order by c.position desc
         limit 1
       ) d on true
 where w.ledger_id = $1::integer
 order by w.id`,
    values: [ledgerId, position],
  });
  return rows.map((row) => ({
    ...{
      walletId: row.id,
      owner: row.owner,
      isSystem: row.is_system,
      assetId: row.asset_id,
      asset: row.slug,
    },
    status: row.status,
    limit: row.floor?.toString() ?? null,
    balance: (row.balance ?? 0n).toString(),
    held: (row.held ?? 0n).toString(),
    seq: (row.seq ?? 0n).toString(),
    movedPosition: (row.moved ?? row.opened).toString(),
    openedPosition: row.opened.toString(),
  }));
}

/** Throws for a line that is none. */
export function parseOpeningWallet(line: string): OpeningWallet {
  return openingWallet.parse(JSON.parse(line));
}

/** As what the log before the position comes to. */
export function openingHead(of: OpeningWallet): WalletHead {
  const [balance, held] = [BigInt(of.balance), BigInt(of.held)];
  return {
    ...{
      walletId: of.walletId,
      owner: of.owner,
      isSystem: of.isSystem,
      assetId: of.assetId,
      asset: of.asset,
    },
    limit: of.limit === null ? null : BigInt(of.limit),
    ...{ balance, held, plainBalance: balance, plainHeld: held, seq: BigInt(of.seq), status: of.status },
    ...{ movedPosition: BigInt(of.movedPosition), openedPosition: BigInt(of.openedPosition) },
  };
}
