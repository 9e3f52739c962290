/** Wallets with status and balance: two read models in one snapshot, as old as the older of them. */
import type { Transaction } from '../../db/transaction.ts';
import type { Owner } from '../../events/catalog.ts';
import type { Body } from '../../events/body.ts';
import { walletResource } from '../../events/outcome.ts';
import { spelled, walletLimitsOfText } from '../../events/spend-limits.ts';
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts';

export const WALLET_PROJECTIONS = ['directory', 'wallet_balances'] as const;

/** More wallets than this of one user are not listed; a user has one per asset. */
const MAX_WALLETS = 1_000;

type WalletRow = {
  id: string;
  owner: string;
  is_system: boolean;
  slug: string;
  name: string;
  scale: number;
  asset_status: string;
  balance: bigint | null;
  held: bigint | null;
  status: string;
  limits: string | null;
};

/** Overdraft and limits are of the write side: they are shown as soon as they hold. */
const WALLETS = `
select w.id, w.owner, w.is_system, w.position, a.slug, a.name, a.scale, a.status as asset_status, b.balance, b.held, w.status, h.limits::text
  from read.wallets w
  join read.assets a
    on a.ledger_id = w.ledger_id
   and a.id = w.asset_id
  left join read.wallet_balances b
    on b.ledger_id = w.ledger_id
   and b.wallet_id = w.id
  left join wallets h
    on h.ledger_id = w.ledger_id
   and h.id = w.id
 where w.ledger_id = $1::integer`;

export async function readWallet(tx: Transaction, ledgerId: number, id: string): Promise<Body | null> {
  const { rows } = await tx.query<WalletRow>({
    name: 'wallet',
    text: `${WALLETS}
   and w.id = $2::uuid`,
    values: [ledgerId, id],
  });
  return rows[0] === undefined ? null : walletOfRow(rows[0]);
}

/** In the order in which they were opened. */
export async function listWalletsOfUser(tx: Transaction, ledgerId: number, userId: string): Promise<Body[]> {
  const { rows } = await tx.query<WalletRow>({
    name: 'wallets-of-user',
    text: `${WALLETS}
   and w.owner = $2::text
   and not w.is_system
 order by w.position
 limit ${MAX_WALLETS}`,
    values: [ledgerId, userId],
  });
  return rows.map(walletOfRow);
}

/** Of the system accounts, in the order in which they were opened. */
export async function listSystemWallets(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { name: string | undefined },
): Promise<Page<Body>> {
  const { name, limit, cursor } = request;
  const after = cursor === undefined ? 0n : decodeCursor('wallets', cursor).position;
  const values: unknown[] = [ledgerId, after, limit + 1];
  const named = name === undefined ? '' : `and w.owner = $${values.push(name)}::text`;
  const { rows } = await tx.query<WalletRow & { position: bigint }>({
    text: `${WALLETS}
   and w.is_system
   and w.position > $2::bigint
   ${named}
 order by w.position
 limit $3::integer`,
    values,
  });
  return pageOf(rows, limit, {
    list: 'wallets',
    keyset: ({ position }) => ({ position, leg: 0 }),
    item: walletOfRow,
  });
}

function walletOfRow(row: WalletRow): Body {
  const owner: Owner = row.is_system ? { system: row.owner } : { userId: row.owner };
  const limits = row.limits === null ? null : walletLimitsOfText(row.limits);
  return walletResource({
    id: row.id,
    owner,
    asset: { slug: row.slug, name: row.name, scale: row.scale, status: row.asset_status },
    balance: row.balance ?? 0n,
    held: row.held ?? 0n,
    status: row.status,
    overdraft: limits?.overdraft.toString(),
    limits: limits === null ? undefined : spelled(limits.limits),
  });
}

/** Asked of the wallets themselves: their history is of the log, which knows them before the directory does. */
export async function walletExists(tx: Transaction, ledgerId: number, id: string): Promise<boolean> {
  const { rows } = await tx.query({
    name: 'wallet-exists',
    text: 'select from wallets where ledger_id = $1::integer and id = $2::uuid',
    values: [ledgerId, id],
  });
  return rows.length > 0;
}
