/** What was signed: checkpoints, the keys that signed them, and the incarnations of the log that they are of. */
import type { Transaction } from '../../db/transaction.ts';

/** Checkpoints of one answer at most; the last one's size says from where to ask on. */
export const CHECKPOINT_PAGE = 1_000;

export type StoredCheckpoint = {
  readonly incarnation: number;
  readonly treeSize: bigint;
  readonly origin: string;
  readonly rootHash: Buffer;
  readonly note: string;
  readonly sealedAt: string;
  /** The one right before it, and the latest one before it that lasts; 0: none. */
  readonly previousSize: bigint;
  readonly lastingSize: bigint;
  /** Whether the one before it may have been let go. */
  readonly isOld: boolean;
};

export type Incarnation = {
  readonly number: number;
  readonly origin: string;
  /** The signed checkpoint that it goes on from. */
  readonly succeeds: string | null;
};

type CheckpointRow = {
  incarnation: number;
  tree_size: bigint;
  origin: string;
  root_hash: Buffer;
  note: string;
  sealed_at: string;
  previous_size: bigint;
  lasting_size: bigint;
  is_old: boolean;
};

/** One that does not last was sealed in the hour of the next one, so it was let go 23 hours after that at the earliest. */
const COLUMNS = `c.incarnation, c.tree_size, c.origin, c.root_hash, c.note, c.sealed_at, c.previous_size, c.lasting_size,
       c.sealed_at < clock_timestamp() - interval '23 hours' as is_old`;

function checkpointOf(row: CheckpointRow): StoredCheckpoint {
  return {
    incarnation: row.incarnation,
    treeSize: row.tree_size,
    origin: row.origin,
    rootHash: row.root_hash,
    note: row.note,
    sealedAt: row.sealed_at,
    previousSize: row.previous_size,
    lastingSize: row.lasting_size,
    isOld: row.is_old,
  };
}

/** The last one of the incarnation; null before the first. */
export async function readLastCheckpoint(
  tx: Transaction,
  ledgerId: number,
  incarnation: number,
): Promise<StoredCheckpoint | null> {
  const { rows } = await tx.query<CheckpointRow>({
    name: 'last-checkpoint',
    text: `
select ${COLUMNS}
  from audit_checkpoints c
 where c.ledger_id = $1::integer
   and c.incarnation = $2::integer
 order by c.tree_size desc
 limit 1`,
    values: [ledgerId, incarnation],
  });
  return rows[0] === undefined ? null : checkpointOf(rows[0]);
}

/** The one of a given size, if one was made there. */
export async function readCheckpointOf(
  tx: Transaction,
  ledgerId: number,
  incarnation: number,
  treeSize: bigint,
): Promise<StoredCheckpoint | null> {
  const { rows } = await tx.query<CheckpointRow>({
    name: 'checkpoint-of',
    text: `
select ${COLUMNS}
  from audit_checkpoints c
 where c.ledger_id = $1::integer
   and c.incarnation = $2::integer
   and c.tree_size = $3::bigint`,
    values: [ledgerId, incarnation, treeSize],
  });
  return rows[0] === undefined ? null : checkpointOf(rows[0]);
}

/** A page of checkpoints of all incarnations in the order of size: those above `after` (default 0), not above `upTo`. */
export async function readCheckpoints(
  tx: Transaction,
  ledgerId: number,
  wanted: { upTo: bigint; after?: { treeSize: bigint; incarnation: number } },
): Promise<StoredCheckpoint[]> {
  const after = wanted.after ?? { treeSize: 0n, incarnation: 0 };
  const { rows } = await tx.query<CheckpointRow>({
    name: 'checkpoints',
    text: `
select ${COLUMNS}
  from audit_checkpoints c
 where c.ledger_id = $1::integer
   and c.tree_size <= $2::bigint
   and (c.tree_size, c.incarnation) > ($3::bigint, $4::integer)
 order by c.tree_size, c.incarnation
 limit $5::integer`,
    values: [ledgerId, wanted.upTo, after.treeSize, after.incarnation, CHECKPOINT_PAGE],
  });
  return rows.map(checkpointOf);
}

/** Every public key that ever signed, as vkeys, the first one first. */
export async function readPublicKeys(tx: Transaction, ledgerId: number): Promise<string[]> {
  const { rows } = await tx.query<{ vkey: string }>({
    name: 'audit-keys',
    text: `
select vkey
  from audit_keys
 where ledger_id = $1::integer
 order by number`,
    values: [ledgerId],
  });
  return rows.map(({ vkey }) => vkey);
}

/** The one that is sealed now; null before the first. */
export async function readIncarnation(tx: Transaction, ledgerId: number): Promise<Incarnation | null> {
  const { rows } = await tx.query<Incarnation>({
    name: 'incarnation',
    text: `
select number, origin, succeeds
  from audit_incarnations
 where ledger_id = $1::integer
 order by number desc
 limit 1`,
    values: [ledgerId],
  });
  return rows[0] ?? null;
}

/** All there were, the one that is sealed now first. */
export async function readIncarnations(tx: Transaction, ledgerId: number): Promise<Incarnation[]> {
  const { rows } = await tx.query<Incarnation>({
    name: 'incarnations',
    text: `
select number, origin, succeeds
  from audit_incarnations
 where ledger_id = $1::integer
 order by number desc`,
    values: [ledgerId],
  });
  return rows;
}

export type SealedState = {
  readonly head: bigint;
  /** How many events the last checkpoint covers. */
  readonly sealed: bigint;
};

export async function readSealedState(tx: Transaction, ledgerId: number): Promise<SealedState> {
  const { rows } = await tx.query<SealedState>({
    name: 'sealed-state',
    text: `
select l.head_position as head,
       coalesce((select max(c.tree_size)
                   from audit_checkpoints c
                  where c.ledger_id = l.id
                    and c.incarnation = (select max(i.number)
                                           from audit_incarnations i
                                          where i.ledger_id = l.id)), 0) as sealed
  from ledgers l
 where l.id = $1::integer`,
    values: [ledgerId],
  });
  const state = rows[0];
  if (state === undefined) throw new Error(`there is no ledger ${ledgerId}`);
  return state;
}
