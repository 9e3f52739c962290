/**
 * Folds a read model again from the first event, in one transaction under its checkpoint's lock. Queries keep
 * seeing the old rows until it commits; the worker waits.
 */
import type { Pool } from 'pg';
import { inTransaction } from '../db/pool.ts';
import { tableOf, type Projection } from './projection.ts';

const CHUNK = 20_000n;

export type RebuildProgress = {
  readonly projection: string;
  readonly position: bigint;
  readonly head: bigint;
};

/** Resolves to the position reached: the head at its start. */
export async function rebuild(
  pool: Pool,
  ledgerId: number,
  projection: Projection,
  onProgress: (progress: RebuildProgress) => void,
): Promise<bigint> {
  return inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ generation: number }>({
      text: `
select generation
  from read.checkpoints
 where ledger_id = $1::integer
   and projection = $2::text
   and live
   for update`,
      values: [ledgerId, projection.name],
    });
    const generation = rows[0]?.generation;
    if (generation === undefined)
      throw new Error(`no checkpoint of ${projection.name} for ledger ${ledgerId}`);
    const heads = await tx.query<{ head_position: bigint }>({
      text: 'select head_position from ledgers where id = $1::integer',
      values: [ledgerId],
    });
    const head = heads.rows[0]?.head_position ?? 0n;
    for (const base of projection.tables) {
      // Not TRUNCATE, whose lock would stop the queries.
      await tx.query({
        text: `delete from ${tableOf(base, generation)} where ledger_id = $1::integer`,
        values: [ledgerId],
      });
    }
    for (let from = 0n; from < head; from += CHUNK) {
      const to = from + CHUNK < head ? from + CHUNK : head;
      await projection.apply(tx, { ledgerId, generation, from, to });
      onProgress({ projection: projection.name, position: to, head });
    }
    await tx.query({
      text: `
update read.checkpoints
   set position = $3::bigint,
       version = $4::integer,
       error = null,
       failed_position = null,
       updated_at = clock_timestamp()
 where ledger_id = $1::integer
   and projection = $2::text
   and live`,
      values: [ledgerId, projection.name, head, projection.version],
    });
    return head;
  });
}
