/** Assets as the directory shows them, their activity over time, and the trial balance. */
import type { Transaction } from '../../db/transaction.ts';
import { hasAny, limitsOfText, spelled, type SpelledLimits } from '../../events/spend-limits.ts';
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts';

export type Asset = {
  id: string;
  slug: string;
  name: string;
  scale: number;
  status: string;
  supplyCap: string | null;
  /** Left out where there are none. */
  limits?: SpelledLimits;
};

type AssetRow = {
  id: string;
  slug: string;
  name: string;
  scale: number;
  status: string;
  supply_cap: bigint | null;
  limits: string | null;
  position: bigint;
};

/** In the order of creation, with limits as soon as they hold; `slug` finds at most one. */
export async function listAssets(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { slug: string | null },
): Promise<Page<Asset>> {
  const after = request.cursor === undefined ? 0n : decodeCursor('assets', request.cursor).position;
  const { rows } = await tx.query<AssetRow>({
    name: 'assets',
    text: `
select r.id, r.slug, r.name, r.scale, r.status, r.supply_cap, r.position, a.limits::text
  from read.assets r
  left join assets a
    on a.ledger_id = r.ledger_id
   and a.id = r.id
 where r.ledger_id = $1::integer
   and r.position > $2::bigint
   and ($4::text is null or r.slug = $4::text)
 order by r.position
 limit $3::integer`,
    values: [ledgerId, after, request.limit + 1, request.slug],
  });
  return pageOf(rows, request.limit, {
    list: 'assets',
    keyset: ({ position }) => ({ position, leg: 0 }),
    item: assetOf,
  });
}

function assetOf(row: AssetRow): Asset {
  const { id, slug, name, scale, status } = row;
  const limits = row.limits === null ? null : limitsOfText(row.limits);
  const shown = { id, slug, name, scale, status, supplyCap: row.supply_cap?.toString() ?? null };
  return hasAny(limits) ? { ...shown, limits: spelled(limits) } : shown;
}

export type Activity = { at: string; type: string; posted: string; volume: string; rejected: string };

/** Oldest first. The buckets are hours or UTC days; one without activity has no line. */
export async function readActivity(
  tx: Transaction,
  ledgerId: number,
  wanted: { slug: string; bucket: 'hour' | 'day'; from: string; to: string; limit: number },
): Promise<Activity[]> {
  const { rows } = await tx.query<{
    at: string;
    type: string;
    posted: bigint;
    volume: bigint;
    rejected: bigint;
  }>({
    name: 'asset-activity',
    text: `
select date_trunc($3::text, v.hour) as at, v.type, sum(v.posted) as posted, sum(v.volume) as volume,
       sum(v.rejected) as rejected
  from read.asset_activity v
  join assets a
    on a.ledger_id = v.ledger_id
   and a.id = v.asset_id
 where v.ledger_id = $1::integer
   and a.slug = $2::text
   and v.hour >= date_trunc('hour', $4::timestamptz)
   and v.hour < $5::timestamptz
 group by 1, 2
 order by 1, 2
 limit $6::integer`,
    values: [ledgerId, wanted.slug, wanted.bucket, wanted.from, wanted.to, wanted.limit],
  });
  return rows.map(({ at, type, posted, volume, rejected }) => {
    return { at, type, posted: posted.toString(), volume: volume.toString(), rejected: rejected.toString() };
  });
}

export type TrialBalanceLine = { asset: string; sum: string; circulation: string; wallets: string };

/** Per asset the sum over all wallets, which is zero, and what the treasury has put into circulation. */
export async function readTrialBalance(
  tx: Transaction,
  ledgerId: number,
): Promise<{ position: bigint; assets: TrialBalanceLine[] }> {
  const { rows } = await tx.query<{
    position: bigint;
    slug: string | null;
    sum: bigint;
    circulation: bigint;
    wallets: bigint;
  }>({
    name: 'trial-balance',
    text: `
select c.position,
       a.slug,
       coalesce(sum(b.balance), 0) as sum,
       coalesce(-sum(b.balance) filter (where b.owner = 'treasury'), 0) as circulation,
       count(b.wallet_id) as wallets
  from read.checkpoints c
  left join read.wallet_balances b
    on b.ledger_id = c.ledger_id
  left join assets a
    on a.ledger_id = b.ledger_id
   and a.id = b.asset_id
 where c.ledger_id = $1::integer
   and c.projection = 'wallet_balances'
   and c.live
 group by c.position, a.slug
 order by a.slug`,
    values: [ledgerId],
  });
  const assets = rows.flatMap(({ slug, sum, circulation, wallets }) => {
    if (slug === null) return [];
    return [
      { asset: slug, sum: sum.toString(), circulation: circulation.toString(), wallets: wallets.toString() },
    ];
  });
  return { position: rows[0]?.position ?? 0n, assets };
}
