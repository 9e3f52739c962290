/**
 * Series of days, in UTC, for charts: how something stood at the end of each, today's being now. Balances are of the log, an
 * index probe a day, so that no read model has to keep what hardly anybody asks for.
 */
import type { Transaction } from '../../db/transaction.ts';

/** The last so many days, and the last position of each. */
const DAYS = `
  select day::date as day,
         last_position_at($1::integer, (day::date + 1)::timestamp at time zone 'UTC' - interval '1 millisecond') as position
    from generate_series((clock_timestamp() at time zone 'UTC')::date - ($3::integer - 1),
                         (clock_timestamp() at time zone 'UTC')::date,
                         interval '1 day') as day`;

const LAST_ENTRY = (wallet: string): string => `
  left join lateral (
        select l.balance_after, l.held_after
          from ledger_entries l
         where l.ledger_id = $1::integer
           and l.wallet_id = ${wallet}
           and l.position <= d.position
         order by l.position desc, l.leg desc
         limit 1
       ) e on true`;

export type DailyBalance = { readonly date: string; readonly balance: string; readonly held: string };

/** Oldest first; days before the wallet was opened have a balance of 0. */
export async function readDailyBalances(
  tx: Transaction,
  ledgerId: number,
  { walletId, days }: { walletId: string; days: number },
): Promise<DailyBalance[]> {
  const { rows } = await tx.query<DailyBalance>({
    name: 'daily-balances',
    text: `
select d.day::text as date, coalesce(e.balance_after, 0)::text as balance, coalesce(e.held_after, 0)::text as held
  from (${DAYS}) d
  ${LAST_ENTRY('(select $2::uuid)')}
 order by d.day`,
    values: [ledgerId, walletId, days],
  });
  return rows;
}

export type DailyActivity = {
  readonly date: string;
  readonly circulation: string;
  /** By type of transaction; those of which there was none are left out. */
  readonly types: Readonly<Record<string, { readonly count: string; readonly volume: string }>>;
};

/** Oldest first. Null for an asset that does not exist. */
export async function readDailyActivity(
  tx: Transaction,
  ledgerId: number,
  { slug, days }: { slug: string; days: number },
): Promise<DailyActivity[] | null> {
  const { rows } = await tx.query<{ date: string; circulation: string; types: string | null }>({
    name: 'daily-activity',
    text: `
select d.day::text as date, coalesce(-e.balance_after, 0)::text as circulation, t.types::text
  from assets a
  join wallets w
    on w.ledger_id = a.ledger_id
   and w.asset_id = a.id
   and w.owner = 'treasury'
   and w.is_system
 cross join (${DAYS}) d
  ${LAST_ENTRY('w.id')}
  left join lateral (
        select json_object_agg(s.type, json_build_object('count', s.posted::text, 'volume', s.volume::text)
                               order by s.type) as types
          from (
                select v.type, sum(v.posted) as posted, sum(v.volume) as volume
                  from read.asset_activity v
                 where v.ledger_id = $1::integer
                   and v.asset_id = a.id
                   and v.hour >= d.day::timestamp at time zone 'UTC'
                   and v.hour < (d.day + 1)::timestamp at time zone 'UTC'
                   and v.posted > 0
                 group by v.type
               ) s
       ) t on true
 where a.ledger_id = $1::integer
   and a.slug = $2::text
 order by d.day`,
    values: [ledgerId, slug, days],
  });
  if (rows.length === 0) return null;
  return rows.map(({ date, circulation, types }) => ({
    ...{ date, circulation },
    types: types === null ? {} : (JSON.parse(types) as DailyActivity['types']),
  }));
}
