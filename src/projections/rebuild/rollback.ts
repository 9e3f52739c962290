/** Back to the generation that was live before, and the end of those that nobody needs any more. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { sqlState } from '../../db/failures.ts';
import { inTransaction } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import type { Projection } from '../projection.ts';
import type { Claimed } from './claim.ts';
import { dropTables } from './generation-tables.ts';
import { lockLiveGenerations, RebuildUnderWayError, underWay } from './request.ts';

/** There is nothing to go back to, or nothing that this program could catch up. */
export class NoRollbackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoRollbackError';
  }
}

/**
 * The generation that was live last is caught up, compared and swapped in as a rebuilt one would be. All or none of the
 * projections; rejects with NoRollbackError or RebuildUnderWayError.
 */
export async function requestRollback(pool: Pool, projections: readonly Projection[]): Promise<Claimed[]> {
  return inTransaction(pool, async (tx) => {
    await lockLiveGenerations(tx, projections);
    const requested: Claimed[] = [];
    for (const projection of projections) {
      const current = await underWay(tx, projection);
      if (current !== null) throw new RebuildUnderWayError(projection.name, current.generation);
      const generation = await lastRetired(tx, projection);
      await catchUpAgain(tx, { projection: projection.name, generation });
      requested.push({ projection: projection.name, generation });
    }
    return requested;
  });
}

async function lastRetired(tx: Transaction, { name, version }: Projection): Promise<number> {
  const { rows } = await tx.query<{ generation: number; version: number }>({
    text: `
select generation, version
  from read.generations
 where projection = $1::text
   and state = 'retired'
 order by ended_at desc
 limit 1`,
    values: [name],
  });
  const last = rows[0];
  if (last === undefined) throw new NoRollbackError(`${name} has no generation to go back to.`);
  if (last.version !== version) {
    throw new NoRollbackError(
      `Generation ${last.generation} of ${name} is of version ${last.version}, this program of version ${version}: ` +
        'go back with the program that built it.',
    );
  }
  return last.generation;
}

async function catchUpAgain(tx: Transaction, { projection, generation }: Claimed): Promise<void> {
  const values = [projection, generation];
  await tx.query({
    text: `
insert into read.checkpoints (ledger_id, projection, generation, version, live)
select l.id, g.projection, g.generation, g.version, false
  from ledgers l
 cross join read.generations g
 where g.projection = $1::text
   and g.generation = $2::integer
    on conflict do nothing`,
    values,
  });
  for (const noted of ['read.rebuild_parts', 'read.rebuild_differences']) {
    await tx.query({
      text: `
delete from ${noted}
 where projection = $1::text
   and generation = $2::integer`,
      values,
    });
  }
  await tx.query({
    text: `
update read.generations
   set state = 'catching_up',
       dry_run = false,
       started_at = clock_timestamp(),
       ended_at = null,
       compared_at = null,
       compared_rows = null,
       differences = null,
       failures = 0,
       error = null
 where projection = $1::text
   and generation = $2::integer`,
    values,
  });
}

const TRIES = 25;
const LOCK_TIMEOUT_MS = 500;
const MAX_PAUSE_MS = 200;

const ENDED = ['retired', 'abandoned', 'dropped'];
const UNDER_WAY = ['building', 'catching_up', 'following'];

/**
 * Those that were live, were given up, or were only a dry run; if asked for those under way as well, which ends their
 * rebuild. Resolves to what was dropped.
 */
export async function prune(
  pool: Pool,
  projections: readonly Projection[],
  options: { underWay: boolean },
): Promise<Claimed[]> {
  const states = options.underWay ? [...ENDED, ...UNDER_WAY] : ENDED;
  const pruned: Claimed[] = [];
  for (const projection of projections) {
    const { rows } = await pool.query<Claimed>({
      text: `
select projection, generation
  from read.generations
 where projection = $1::text
   and state = any ($2::text[])
 order by generation`,
      values: [projection.name, states],
    });
    for (const row of rows) if (await pruneOne(pool, projection, row, states)) pruned.push(row);
  }
  return pruned;
}

/** A query or a step that still uses the tables is waited for, in short turns. */
async function pruneOne(
  pool: Pool,
  projection: Projection,
  row: Claimed,
  states: readonly string[],
): Promise<boolean> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await inTransaction(pool, (tx) => removeGeneration(tx, projection, row, states));
    } catch (error) {
      if (left === 0 || sqlState(error) !== '55P03') throw error;
      await delay(Math.random() * MAX_PAUSE_MS);
    }
  }
}

/** False when it was taken up again in the meantime, or is gone. */
async function removeGeneration(
  tx: Transaction,
  projection: Projection,
  row: Claimed,
  states: readonly string[],
): Promise<boolean> {
  await tx.query({ text: `set local lock_timeout = ${LOCK_TIMEOUT_MS}` });
  const values = [row.projection, row.generation];
  const { rowCount } = await tx.query({
    text: `
delete from read.generations
 where projection = $1::text
   and generation = $2::integer
   and state = any ($3::text[])`,
    values: [...values, states],
  });
  if (rowCount === 0) return false;
  await tx.query({
    text: `
delete from read.rebuild_differences
 where projection = $1::text
   and generation = $2::integer`,
    values,
  });
  await dropTables(tx, projection.tables, row);
  return true;
}
