/**
 * Locks the wallets of a batch, then reads what its decisions depend on. Two rules, both learned the hard way:
 * wallets are locked in one order for everyone (users' by id, then the system's by id; behind them schedules
 * by id, see schedule-heads.ts, and last the head row), so no cycle of waiting can form; and they are read by a
 * later statement than the one that locks them, because only the locked row itself is read again after a wait.
 *
 * LATERAL with a bound keeps the planner to one probe of the primary key for each id, in the order given.
 */
import { byteaArray, uuidArray } from '../db/binary-arrays.ts';
import type { Transaction } from '../db/transaction.ts';
import { walletLimitsOfText } from '../events/spend-limits.ts';
import type { WalletState } from '../events/state.ts';

export async function lockWallets(tx: Transaction, ledgerId: number, ids: readonly string[]): Promise<void> {
  await tx.query({
    name: 'lock-wallets',
    text: `
with ordered as materialized (
  select wanted.id
    from unnest($2::uuid[]) as wanted (id)
   cross join lateral (
          select w.is_system
            from wallets w
           where w.ledger_id = $1::integer
             and w.id = wanted.id
           limit 1
         ) known
   order by known.is_system, wanted.id
)
select locked.id
  from ordered
 cross join lateral (
        select w.id
          from wallets w
         where w.ledger_id = $1::integer
           and w.id = ordered.id
           for update
       ) locked`,
    values: [ledgerId, uuidArray(ids)],
  });
}

/**
 * Takes the head row before reading: nobody else can append until this transaction ends, so a batch that lost a
 * race once cannot lose it again. Still after the wallets, so the order of locks stays the same.
 */
export async function lockHead(tx: Transaction, ledgerId: number): Promise<void> {
  await tx.query({
    name: 'lock-head',
    text: 'select head_position from ledgers where id = $1::integer for update',
    values: [ledgerId],
  });
}

export type WalletHead = Omit<WalletState, 'asset'>;

export type UnderLocks = {
  /** The time of the decisions: whole milliseconds, never before the last recorded event. */
  readonly occurredAt: string;
  readonly headPosition: bigint;
  readonly wallets: readonly WalletHead[];
  /** Positions of the events that carry keys of the batch. */
  readonly positions: readonly bigint[];
};

type WalletCells = readonly [
  id: string,
  owner: string,
  isSystem: boolean,
  assetId: string,
  balance: string,
  held: string,
  floor: string | null,
  seq: string,
  status: WalletState['status'],
  nextDueAt: string | null,
  limits: string | null,
];

/** One statement for all of it: at low load a batch is one command, and each statement costs as much as its rules. */
export async function readUnderLocks(
  tx: Transaction,
  ledgerId: number,
  wanted: { walletIds: readonly string[]; keyHashes: readonly Buffer[] },
): Promise<UnderLocks> {
  const { rows } = await tx.query<{
    occurred_at: string;
    head_position: bigint;
    wallets: string | null;
    positions: string | null;
  }>({
    name: 'read-under-locks',
    text: `
select greatest(l.head_recorded_at, date_trunc('milliseconds', clock_timestamp())) as occurred_at,
       l.head_position,
       (select json_agg(json_build_array(found.id, found.owner, found.is_system, found.asset_id, found.balance::text,
                                         found.held::text, found.floor::text, found.seq::text, found.status,
                                         to_char(found.next_due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                                         found.limits::text))
          from unnest($2::uuid[]) as wanted (id)
         cross join lateral (
                select w.id, w.owner, w.is_system, w.asset_id, w.balance, w.held, w.floor, w.seq, w.status,
                       w.next_due_at, w.limits
                  from wallets w
                 where w.ledger_id = $1::integer
                   and w.id = wanted.id
                 limit 1
               ) found) as wallets,
       (select json_agg(k.position::text)
          from idempotency_keys k
         where k.ledger_id = $1::integer
           and k.key_hash = any ($3::bytea[])) as positions
  from ledgers l
 where l.id = $1::integer`,
    values: [ledgerId, uuidArray(wanted.walletIds), byteaArray(wanted.keyHashes)],
  });
  const row = rows[0];
  if (row === undefined) throw new Error(`ledger ${ledgerId} does not exist`);
  const wallets = JSON.parse(row.wallets ?? '[]') as WalletCells[];
  const positions = JSON.parse(row.positions ?? '[]') as string[];
  return {
    occurredAt: row.occurred_at,
    headPosition: row.head_position,
    wallets: wallets.map(walletHead),
    positions: positions.map(BigInt),
  };
}

function walletHead(cells: WalletCells): WalletHead {
  const [id, owner, isSystem, assetId, balance, held, floor, seq, status, nextDueAt, limits] = cells;
  return {
    id,
    owner: isSystem ? { system: owner } : { userId: owner },
    assetId,
    balance: BigInt(balance),
    held: BigInt(held),
    floor: floor === null ? null : BigInt(floor),
    seq: BigInt(seq),
    status,
    nextDueAt,
    limits: limits === null ? null : walletLimitsOfText(limits),
  };
}

/** Those of the given that are taken, and by whom. */
export async function readTakenEmails(
  tx: Transaction,
  ledgerId: number,
  emails: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (emails.length === 0) return new Map();
  const { rows } = await tx.query<{ value: string; subject_id: string }>({
    name: 'read-taken-emails',
    text: `
select value, subject_id
  from personal
 where ledger_id = $1::integer
   and field = 'email'
   and value = any ($2::text[])`,
    values: [ledgerId, emails],
  });
  return new Map(rows.map((row) => [row.value, row.subject_id]));
}
