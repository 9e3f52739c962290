/** Overdraft and spend limits of a wallet, and what is used of them: from the wallet's own row, as decisions see it. */
import type { Transaction } from '../../db/transaction.ts';
import type { Body } from '../../events/body.ts';
import {
  limitsLeft,
  limitsOfText,
  SPEND_LIMITS,
  walletLimitsOfText,
  type LimitsLeft,
} from '../../events/spend-limits.ts';

type Row = {
  at: string;
  is_system: boolean;
  balance: bigint;
  held: bigint;
  limits: string | null;
  asset_limits: string | null;
};

type Shown = LimitsLeft & { overdraft: { limit: string; used: string } };

/** As of now. Null for a wallet that does not exist. */
export async function readWalletLimits(
  tx: Transaction,
  ledgerId: number,
  walletId: string,
): Promise<Body | null> {
  const row = await readRow(tx, ledgerId, walletId);
  return row === null ? null : { walletId, ...shownOf(row) };
}

/** The same without the wallet's id; null where there is neither an overdraft nor a limit. */
export async function readLimitsInForce(
  tx: Transaction,
  ledgerId: number,
  walletId: string,
): Promise<Body | null> {
  const row = await readRow(tx, ledgerId, walletId);
  if (row === null) return null;
  const shown = shownOf(row);
  const inForce = SPEND_LIMITS.some((name) => shown[name].limit !== null) || shown.overdraft.limit !== '0';
  return inForce ? shown : null;
}

/** In one statement and so one snapshot. */
async function readRow(tx: Transaction, ledgerId: number, walletId: string): Promise<Row | null> {
  const { rows } = await tx.query<Row>({
    name: 'wallet-limits',
    text: `
select greatest(l.head_recorded_at, date_trunc('milliseconds', clock_timestamp())) as at,
       w.is_system, w.balance, w.held, w.limits::text, a.limits::text as asset_limits
  from ledgers l
  join wallets w
    on w.ledger_id = l.id
   and w.id = $2::uuid
  join assets a
    on a.ledger_id = l.id
   and a.id = w.asset_id
 where l.id = $1::integer`,
    values: [ledgerId, walletId],
  });
  return rows[0] ?? null;
}

function shownOf(row: Row): Shown {
  const wallet = row.limits === null ? null : walletLimitsOfText(row.limits);
  const shared = row.is_system || row.asset_limits === null ? null : limitsOfText(row.asset_limits);
  const free = row.balance - row.held;
  const used = !row.is_system && free < 0n ? -free : 0n;
  return {
    overdraft: { limit: (wallet?.overdraft ?? 0n).toString(), used: used.toString() },
    ...limitsLeft({ wallet, asset: shared }, row.at),
  };
}
