/**
 * Locks the wallets of a batch, then reads what its decisions depend on. Two rules, both learned the hard way:
 * wallets are locked in one order for everyone (users' by id, then the system's by id), so no cycle of
 * waiting can form; and they are read by a later statement than the one that locks them, because only
 * the locked row itself is read again after a wait.
 *
 * LATERAL with a bound keeps the planner to one probe of the primary key for each id, in the order given.
 */
import { byteaArray, uuidArray } from '../db/binary-arrays.ts';
import type { Transaction } from '../db/transaction.ts';
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

type WalletRow = {
  id: string;
  owner: string;
  is_system: boolean;
  asset_id: string;
  balance: bigint;
  held: bigint;
  floor: bigint | null;
  seq: bigint;
  status: WalletState['status'];
};

export type WalletHead = Omit<WalletState, 'asset'>;

/** The time of the decisions of a batch: whole milliseconds, never before the last recorded event. */
export async function readDecisionTime(tx: Transaction, ledgerId: number): Promise<string> {
  const { rows } = await tx.query<{ occurred_at: string }>({
    name: 'decision-time',
    text: `
select greatest(head_recorded_at, date_trunc('milliseconds', clock_timestamp())) as occurred_at
  from ledgers
 where id = $1::integer`,
    values: [ledgerId],
  });
  const row = rows[0];
  if (row === undefined) throw new Error(`ledger ${ledgerId} does not exist`);
  return row.occurred_at;
}

export async function readWallets(
  tx: Transaction,
  ledgerId: number,
  ids: readonly string[],
): Promise<WalletHead[]> {
  if (ids.length === 0) return [];
  const { rows } = await tx.query<WalletRow>({
    name: 'read-wallets',
    text: `
select found.id, found.owner, found.is_system, found.asset_id, found.balance, found.held, found.floor, found.seq,
       found.status
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select w.id, w.owner, w.is_system, w.asset_id, w.balance, w.held, w.floor, w.seq, w.status
          from wallets w
         where w.ledger_id = $1::integer
           and w.id = wanted.id
         limit 1
       ) found`,
    values: [ledgerId, uuidArray(ids)],
  });
  return rows.map(walletHead);
}

function walletHead(row: WalletRow): WalletHead {
  const { id, balance, held, floor, seq, status } = row;
  const owner = row.is_system ? { system: row.owner } : { userId: row.owner };
  return { id, owner, assetId: row.asset_id, balance, held, floor, seq, status };
}

/** Positions of the events that carry the given keys, by key hash in hex. */
export async function readKeys(
  tx: Transaction,
  ledgerId: number,
  hashes: readonly Buffer[],
): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await tx.query<{ key_hash: Buffer; position: bigint }>({
    name: 'read-keys',
    text: `
select k.key_hash, k.position
  from idempotency_keys k
 where k.ledger_id = $1::integer
   and k.key_hash = any ($2::bytea[])`,
    values: [ledgerId, byteaArray(hashes)],
  });
  return new Map(rows.map((row) => [row.key_hash.toString('hex'), row.position]));
}

export async function readTakenEmails(
  tx: Transaction,
  ledgerId: number,
  emails: readonly string[],
): Promise<readonly string[]> {
  if (emails.length === 0) return [];
  const { rows } = await tx.query<{ value: string }>({
    name: 'read-taken-emails',
    text: `
select value
  from personal
 where ledger_id = $1::integer
   and field = 'email'
   and value = any ($2::text[])`,
    values: [ledgerId, emails],
  });
  return rows.map((row) => row.value);
}
