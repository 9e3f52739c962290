/**
 * Moves one read model forward. The checkpoint row is locked in one statement and the head is read in the next:
 * one statement for both could, after a wait, pair a fresh checkpoint with an old head and move backwards.
 */
import type { Pool } from 'pg';
import { inTransaction } from '../db/pool.ts';
import type { Transaction } from '../db/transaction.ts';
import type { Projection } from './projection.ts';

/** Events a transaction applies at most: bounds its memory, its locks and what a crash repeats. */
const MAX_RANGE = 5_000n;

export type CaughtUp = { readonly position: bigint; readonly head: bigint; readonly applied: bigint };

/** A look without a lock: is there anything to apply? Both numbers only grow, so a "no" can only be late. */
export async function isBehind(tx: Transaction, ledgerId: number, projection: Projection): Promise<boolean> {
  const { rows } = await tx.query<{ behind: boolean }>({
    name: 'is-behind',
    text: `
select c.position < l.head_position as behind
  from read.checkpoints c
  join ledgers l
    on l.id = c.ledger_id
 where c.ledger_id = $1::integer
   and c.projection = $2::text
   and c.live`,
    values: [ledgerId, projection.name],
  });
  return rows[0]?.behind ?? true;
}

/** One transaction: applies at most MAX_RANGE events. Rejects with the database's error, the checkpoint unmoved. */
export async function catchUp(pool: Pool, ledgerId: number, projection: Projection): Promise<CaughtUp> {
  return inTransaction(pool, async (tx) => {
    const checkpoint = await lockCheckpoint(tx, ledgerId, projection);
    const head = await readHead(tx, ledgerId);
    const from = checkpoint.position;
    const to = head - from > MAX_RANGE ? from + MAX_RANGE : head;
    if (to <= from) return { position: from, head, applied: 0n };
    await projection.apply(tx, { ledgerId, generation: checkpoint.generation, from, to });
    await moveCheckpoint(tx, ledgerId, projection, to);
    return { position: to, head, applied: to - from };
  });
}

/** Rows of checkpoints for every ledger and projection; harmless when they exist. */
export async function ensureCheckpoints(tx: Transaction, projections: readonly Projection[]): Promise<void> {
  await tx.query({
    text: `
insert into read.checkpoints (ledger_id, projection, generation, version)
select l.id, p.name, 1, p.version
  from ledgers l
 cross join unnest($1::text[], $2::integer[]) as p (name, version)
    on conflict do nothing`,
    values: [projections.map(({ name }) => name), projections.map(({ version }) => version)],
  });
}

async function lockCheckpoint(
  tx: Transaction,
  ledgerId: number,
  projection: Projection,
): Promise<{ generation: number; position: bigint }> {
  const { rows } = await tx.query<{ generation: number; position: bigint }>({
    name: 'lock-checkpoint',
    text: `
select generation, position
  from read.checkpoints
 where ledger_id = $1::integer
   and projection = $2::text
   and live
   for update`,
    values: [ledgerId, projection.name],
  });
  const row = rows[0];
  if (row === undefined) throw new Error(`no checkpoint of ${projection.name} for ledger ${ledgerId}`);
  return row;
}

async function readHead(tx: Transaction, ledgerId: number): Promise<bigint> {
  const { rows } = await tx.query<{ head_position: bigint }>({
    name: 'read-head',
    text: 'select head_position from ledgers where id = $1::integer',
    values: [ledgerId],
  });
  return rows[0]?.head_position ?? 0n;
}

async function moveCheckpoint(tx: Transaction, ledgerId: number, projection: Projection, to: bigint): Promise<void> {
  await tx.query({
    name: 'move-checkpoint',
    text: `
update read.checkpoints
   set position = $3::bigint,
       error = null,
       failed_position = null,
       updated_at = clock_timestamp()
 where ledger_id = $1::integer
   and projection = $2::text
   and live
   and position < $3::bigint`,
    values: [ledgerId, projection.name, to],
  });
}

/**
 * Remembers why a projection stands still, for GET /projections and for whoever looks. One that has nothing left to
 * apply stands at the head: another pass or a rebuild went on in the meantime, and nothing would take the error back.
 */
export async function recordFailure(tx: Transaction, ledgerId: number, name: string, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  await tx.query({
    text: `
update read.checkpoints
   set error = left($3::text, 500),
       failed_position = position + 1
 where ledger_id = $1::integer
   and projection = $2::text
   and live
   and position < (select head_position from ledgers where id = $1::integer)`,
    values: [ledgerId, name, message],
  });
}
