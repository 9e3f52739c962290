/** Balances: from the read model, strong from the wallet rows, or as of a position from the ledger's entries. */
import type { Transaction } from '../../db/transaction.ts';
import { InvalidRequestError } from '../../errors.ts';
import { headPosition, positionAt } from './positions.ts';

export type BalanceOf = { readonly userId: string; readonly assetSlug: string };

export type FoundBalance = {
  readonly kind: 'found';
  readonly walletId: string | null;
  readonly balance: bigint;
  readonly held: bigint;
  readonly position: bigint;
};

export type Balance =
  | FoundBalance
  | { readonly kind: 'user_not_found' | 'asset_not_found'; readonly position: bigint };

type BalanceRow = {
  ordinal: bigint;
  user_known: boolean;
  asset_known: boolean;
  wallet_id: string | null;
  balance: bigint | null;
  held: bigint | null;
  position: bigint;
};

/** Users and assets are looked up where commands write them, so a new one is never unknown for lack of projection. */
const PROJECTED = `
select wanted.ordinal,
       u.id is not null as user_known,
       a.id is not null as asset_known,
       b.wallet_id, b.balance, b.held,
       coalesce((select c.position
                   from read.checkpoints c
                  where c.ledger_id = $1::integer
                    and c.projection = 'wallet_balances'
                    and c.live), 0) as position
  from unnest($2::uuid[], $3::text[]) with ordinality as wanted (user_id, slug, ordinal)
  left join users u
    on u.ledger_id = $1::integer
   and u.id = wanted.user_id
  left join assets a
    on a.ledger_id = $1::integer
   and a.slug = wanted.slug
  left join read.wallet_balances b
    on b.ledger_id = $1::integer
   and b.owner = wanted.user_id::text
   and b.asset_id = a.id`;

const STRONG = `
select wanted.ordinal,
       u.id is not null as user_known,
       a.id is not null as asset_known,
       w.id as wallet_id, w.balance, w.held,
       (select l.head_position from ledgers l where l.id = $1::integer) as position
  from unnest($2::uuid[], $3::text[]) with ordinality as wanted (user_id, slug, ordinal)
  left join users u
    on u.ledger_id = $1::integer
   and u.id = wanted.user_id
  left join assets a
    on a.ledger_id = $1::integer
   and a.slug = wanted.slug
  left join wallets w
    on w.ledger_id = $1::integer
   and w.owner = wanted.user_id::text
   and w.asset_id = a.id`;

/** Balances of many at once, in the order asked for; rows and position are of one snapshot. */
export async function readBalances(
  tx: Transaction,
  ledgerId: number,
  wanted: readonly BalanceOf[],
  consistency: 'projected' | 'strong',
): Promise<Balance[]> {
  const { rows } = await tx.query<BalanceRow>({
    name: `balances-${consistency}`,
    text: consistency === 'strong' ? STRONG : PROJECTED,
    values: [ledgerId, wanted.map(({ userId }) => userId), wanted.map(({ assetSlug }) => assetSlug)],
  });
  const balances = new Array<Balance>(wanted.length);
  for (const row of rows) balances[Number(row.ordinal) - 1] = balanceOf(row);
  return balances;
}

function balanceOf(row: BalanceRow): Balance {
  const { wallet_id: walletId, position } = row;
  if (!row.user_known) return { kind: 'user_not_found', position };
  if (!row.asset_known) return { kind: 'asset_not_found', position };
  return { kind: 'found', walletId, balance: row.balance ?? 0n, held: row.held ?? 0n, position };
}

export type PointInTime = { readonly asOf: bigint } | { readonly at: string };

/** The balance right after a position, or after the last event recorded at or before a time. */
export async function readBalanceAt(
  tx: Transaction,
  ledgerId: number,
  wanted: BalanceOf,
  when: PointInTime,
): Promise<{ balance: Balance; head: bigint }> {
  const position = 'at' in when ? await positionAt(tx, ledgerId, when.at) : when.asOf;
  const head = await headPosition(tx, ledgerId);
  if (position > head) {
    throw new InvalidRequestError([
      { path: 'asOf', message: `must not be beyond the head, which is ${head}` },
    ]);
  }
  const [now] = await readBalances(tx, ledgerId, [wanted], 'strong');
  if (now === undefined) throw new Error('a balance query gave fewer rows than it was asked for');
  if (now.kind !== 'found') return { balance: now, head };
  const { rows } = await tx.query<{ balance_after: bigint; held_after: bigint }>({
    name: 'balance-as-of',
    text: `
select balance_after, held_after
  from ledger_entries
 where ledger_id = $1::integer
   and wallet_id = $2::uuid
   and position <= $3::bigint
 order by position desc, leg desc
 limit 1`,
    values: [ledgerId, now.walletId, position],
  });
  const row = rows[0];
  const then = { balance: row?.balance_after ?? 0n, held: row?.held_after ?? 0n, position };
  return { balance: { ...now, ...then }, head };
}
