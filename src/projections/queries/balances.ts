/** Balances: from the read model, strong from the wallet rows, or as of a position from the ledger's entries. */
import { textArray, uuidArray } from '../../db/binary-arrays.ts';
import type { Transaction } from '../../db/transaction.ts';
import { InvalidRequestError } from '../../errors.ts';
import { positionAt } from './positions.ts';

export type BalanceOf = { readonly userId: string; readonly assetSlug: string };

export type FoundBalance = {
  readonly kind: 'found';
  readonly walletId: string | null;
  readonly balance: bigint;
  readonly held: bigint;
  readonly position: bigint;
  /** What goes back and when, the earliest first, with what holds reserve of it; null where that is not asked. */
  readonly expiring: readonly Expiring[] | null;
};

export type Expiring = { readonly amount: string; readonly at: string };

export type Balance =
  | FoundBalance
  | { readonly kind: 'user_not_found' | 'asset_not_found'; readonly position: bigint };

type Cells = readonly [
  userKnown: boolean,
  assetKnown: boolean,
  walletId: string | null,
  balance: string | null,
  held: string | null,
  expiring: readonly Expiring[] | null,
];

/** Ends of lots that an answer names; those after them are added up by nobody. */
const MAX_EXPIRING = 100;

/**
 * Whether a user or asset exists is asked where commands write them, so that a new one is never unknown for lack of
 * projection; and only where there is no wallet, which proves both.
 */
const cells = (expiring: string): string => `json_build_array(w.id is not null or exists (select
                                                          from users u
                                                         where u.ledger_id = $1::integer
                                                           and u.id = wanted.user_id),
                                a.id is not null, w.id, w.balance::text, w.held::text, ${expiring})`;

/** Of a table of lots; asked only where there is one. */
const expiringOf = (table: string, asked: string): string => `case when ${asked} then (
          select json_agg(json_build_object('amount', x.amount::text,
                                            'at', to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                          order by x.at)
            from (
                  select l.expires_at as at, sum(l.remaining) as amount
                    from ${table} l
                   where l.ledger_id = $1::integer
                     and l.wallet_id = w.id
                     and l.remaining > 0
                   group by l.expires_at
                   order by l.expires_at
                   limit ${MAX_EXPIRING}
                 ) x) end`;

const SOME_LOT = `(select exists (select from read.lots l where l.ledger_id = $1::integer and l.remaining > 0))`;

const WANTED = `unnest($2::uuid[], $3::text[]) with ordinality as wanted (user_id, slug, ordinal)
          left join assets a
            on a.ledger_id = $1::integer
           and a.slug = wanted.slug`;

const PROJECTED = `
select coalesce((select min(c.position)
                   from read.checkpoints c
                  where c.ledger_id = $1::integer
                    and c.projection in ('wallet_balances', 'lots')
                    and c.live), 0) as position,
       (select json_agg(${cells(expiringOf('read.lots', SOME_LOT))} order by wanted.ordinal)
          from ${WANTED}
          left join (select b.ledger_id, b.owner, b.asset_id, b.wallet_id as id, b.balance, b.held
                       from read.wallet_balances b) w
            on w.ledger_id = $1::integer
           and w.owner = wanted.user_id::text
           and w.asset_id = a.id) as balances`;

const STRONG = `
select (select l.head_position from ledgers l where l.id = $1::integer) as position,
       (select json_agg(${cells(expiringOf('lots', 'w.next_due_at is not null'))} order by wanted.ordinal)
          from ${WANTED}
          left join wallets w
            on w.ledger_id = $1::integer
           and w.owner = wanted.user_id::text
           and w.asset_id = a.id) as balances`;

/** What a projected balance is read from. */
export const BALANCE_PROJECTIONS = ['wallet_balances', 'lots'] as const;

/** Balances of many at once, in the order asked for; rows and position are of one snapshot. */
export async function readBalances(
  tx: Transaction,
  ledgerId: number,
  wanted: readonly BalanceOf[],
  consistency: 'projected' | 'strong',
): Promise<Balance[]> {
  const { rows } = await tx.query<{ position: bigint; balances: string }>({
    name: `balances-${consistency}`,
    text: consistency === 'strong' ? STRONG : PROJECTED,
    values: [
      ledgerId,
      uuidArray(wanted.map(({ userId }) => userId)),
      textArray(wanted.map(({ assetSlug }) => assetSlug)),
    ],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('a balance query gave no row');
  const found = JSON.parse(row.balances) as Cells[];
  return found.map((cells) => balanceOf(cells, row.position));
}

function balanceOf(cells: Cells, position: bigint): Balance {
  const [userKnown, assetKnown, walletId, balance, held, expiring] = cells;
  if (!userKnown) return { kind: 'user_not_found', position };
  if (!assetKnown) return { kind: 'asset_not_found', position };
  const figures = { balance: BigInt(balance ?? 0), held: BigInt(held ?? 0) };
  return { kind: 'found', walletId, ...figures, position, expiring: expiring ?? [] };
}

export type PointInTime = { readonly asOf: bigint } | { readonly at: string };

/** The entry is found from the wallet's row: statistics of this very wallet could lead to a walk back along the whole log instead. */
const AS_OF = `
select l.head_position as head, u.id is not null as user_known, a.id is not null as asset_known, w.id as wallet_id,
       coalesce(entry.balance_after, 0) as balance, coalesce(entry.held_after, 0) as held
  from ledgers l
  left join users u
    on u.ledger_id = $1::integer
   and u.id = $2::uuid
  left join assets a
    on a.ledger_id = $1::integer
   and a.slug = $3::text
  left join wallets w
    on w.ledger_id = $1::integer
   and w.owner = $2::uuid::text
   and w.asset_id = a.id
  left join lateral (
       select e.balance_after, e.held_after
         from ledger_entries e
        where e.ledger_id = $1::integer
          and e.wallet_id = w.id
          and e.position <= $4::bigint
        order by e.position desc, e.leg desc
        limit 1
       ) entry
    on true
 where l.id = $1::integer`;

/** The balance right after a position, or after the last event recorded at or before a time; all of it from one snapshot. */
export async function readBalanceAt(
  tx: Transaction,
  ledgerId: number,
  { userId, assetSlug }: BalanceOf,
  when: PointInTime,
): Promise<{ balance: Balance; head: bigint }> {
  const position = 'at' in when ? await positionAt(tx, ledgerId, when.at) : when.asOf;
  const { rows } = await tx.query<{
    head: bigint;
    user_known: boolean;
    asset_known: boolean;
    wallet_id: string | null;
    balance: bigint;
    held: bigint;
  }>({ name: 'balance-as-of', text: AS_OF, values: [ledgerId, userId, assetSlug, position] });
  const row = rows[0];
  if (row === undefined) throw new Error(`ledger ${ledgerId} does not exist`);
  const { head, wallet_id: walletId, balance, held } = row;
  if (position > head) {
    throw new InvalidRequestError(
      [{ path: 'asOf', message: `must not be beyond the head, which is ${head}` }],
      head,
    );
  }
  if (!row.user_known) return { balance: { kind: 'user_not_found', position: head }, head };
  if (!row.asset_known) return { balance: { kind: 'asset_not_found', position: head }, head };
  return { balance: { kind: 'found', walletId, balance, held, position, expiring: null }, head };
}
