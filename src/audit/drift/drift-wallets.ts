/** Derives wallets again from their entries, and holds against them what is read instead: heads and read models. */
import type { Transaction } from '../../db/transaction.ts';
import type { Finding } from '../fold/finding.ts';

/** Of a wallet with more entries not all are added up: the treasury's would never end. */
const MAX_ENTRIES = 5_000n;
/** Of all wallets of a look, in whatever order, but for the last: commands and queries wait for a processor meanwhile. */
const ENTRIES_OF_A_LOOK = 2_000n;

type Row = {
  id: string;
  has_head: boolean;
  is_read: boolean;
  /** Whether an entry of it has been projected. */
  is_shown: boolean;
  head: string;
  entries: string;
  read: string;
  projected: string;
  sum: string;
  position: bigint | null;
};

/** One statement, so one snapshot. Wallets that events or entries name. */
export async function checkWallets(
  tx: Transaction,
  ledgerId: number,
  walletIds: readonly string[],
): Promise<Finding[]> {
  const { rows } = await tx.query<Row>({
    name: 'drift-wallets',
    text: `
select wanted.id,
       w.id is not null as has_head, b.wallet_id is not null as is_read, shown.position is not null as is_shown,
       format('balance %s held %s seq %s', w.balance, w.held, w.seq) as head,
       format('balance %s held %s seq %s', coalesce(last.balance_after, 0), coalesce(last.held_after, 0),
              coalesce(last.seq, 0)) as entries,
       format('balance %s held %s', b.balance, b.held) as read,
       format('balance %s held %s', coalesce(shown.balance_after, 0), coalesce(shown.held_after, 0)) as projected,
       case when not w.is_added_up then 'not added up'
            else format('balance %s held %s seq %s', added.balance, coalesce(last.held_after, 0), added.entries)
       end as sum,
       last.position
  from unnest($2::uuid[]) as wanted (id)
  left join (
       select h.id, h.balance, h.held, h.seq,
              h.seq <= ${MAX_ENTRIES}
              and coalesce(sum(h.seq) filter (where h.seq <= ${MAX_ENTRIES}) over before, 0) < ${ENTRIES_OF_A_LOOK} as is_added_up
         from (
               select k.id, k.balance, k.held, k.seq, random() as place
                 from unnest($2::uuid[]) as wanted (id)
                cross join lateral (
                      select w.id, w.balance, w.held, w.seq
                        from wallets w
                       where w.ledger_id = $1::integer
                         and w.id = wanted.id
                       limit 1
                      ) k
              ) h
       window before as (order by h.place rows between unbounded preceding and 1 preceding)
       ) w
    on w.id = wanted.id
  left join read.wallet_balances b
    on b.ledger_id = $1::integer
   and b.wallet_id = wanted.id
  left join lateral (
        select e.balance_after, e.held_after, e.seq, e.position
          from ledger_entries e
         where e.ledger_id = $1::integer
           and e.wallet_id = wanted.id
         order by e.position desc, e.leg desc
         limit 1
       ) last on true
  left join lateral (
        select e.balance_after, e.held_after, e.position
          from ledger_entries e
         where e.ledger_id = $1::integer
           and e.wallet_id = wanted.id
           and e.position <= (
                 select c.position
                   from read.checkpoints c
                  where c.ledger_id = $1::integer
                    and c.projection = 'wallet_balances'
                    and c.live
               )
         order by e.position desc, e.leg desc
         limit 1
       ) shown on true
  left join lateral (
        select coalesce(sum(e.amount), 0) as balance, count(*) as entries
          from ledger_entries e
         where w.is_added_up
           and e.ledger_id = $1::integer
           and e.wallet_id = wanted.id
       ) added on true`,
    values: [ledgerId, walletIds],
  });
  return rows.flatMap((row) => findingsOf(row));
}

function findingsOf({ id: walletId, sum, position, ...row }: Row): Finding[] {
  const place = { position: position?.toString() ?? null, walletId };
  const head = row.has_head ? row.head : 'no wallet';
  const read = row.is_read ? row.read : 'no row';
  const findings: Finding[] = [];
  if (head !== row.entries) findings.push({ check: 'wallets', ...place, expected: row.entries, found: head });
  if (row.has_head && sum !== 'not added up' && sum !== row.entries)
    findings.push({ check: 'plain_sum', ...place, expected: sum, found: row.entries });
  // A wallet that is not projected yet has no row, and nothing to show.
  if ((row.is_read || row.is_shown) && read !== row.projected)
    findings.push({ check: 'read_models', ...place, expected: row.projected, found: read });
  return findings;
}

/** Wallets of events from anywhere in the log. */
export async function someWallets(
  tx: Transaction,
  ledgerId: number,
  { head, count }: { head: bigint; count: number },
): Promise<string[]> {
  const { rows } = await tx.query<{ wallet_id: string }>({
    name: 'drift-some-wallets',
    text: `
select distinct e.wallet_id
  from (
        select 1 + floor(random() * $2::bigint)::bigint as position
          from generate_series(1, $3::integer)
       ) wanted
 cross join lateral (
        select l.wallet_id
          from ledger_entries l
         where l.ledger_id = $1::integer
           and l.position >= wanted.position
         order by l.position
         limit 2
       ) e`,
    values: [ledgerId, head, count],
  });
  return rows.map((row) => row.wallet_id);
}
