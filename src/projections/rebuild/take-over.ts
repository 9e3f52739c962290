/** The end of a rebuild: it is compared with the live generation, and takes its place or, as a dry run, goes. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { sqlState } from '../../db/failures.ts';
import { inTransaction } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import { catchUp, recordFailure } from '../catch-up.ts';
import { namesAndVersions, tableOf, type Projection } from '../projection.ts';
import { known, projectionOf, type Claim, type Claimed } from './claim.ts';
import { compareGenerations } from './compare.ts';
import { dropTables } from './generation-tables.ts';

/** Who waits for a view holds up every query that comes after: better to give way and try again. */
const VIEW_LOCK_TIMEOUT_MS = 200;
const SWAP_TRIES = 25;
const MAX_PAUSE_MS = 200;
/** The statements and transactions of queries are bounded by 10 seconds. */
const QUERY_END_SECONDS = 15;

/** Sessions of rebuilds carry this name, as a pool gives it, and read no view. */
export const REBUILD_SESSIONS = 'rebuild';

/** One that follows and is not compared yet; false where none is, or where the two are not level yet. */
export async function compareOne(
  pool: Pool,
  projections: readonly Projection[],
  claim: Claim,
): Promise<boolean> {
  await moveTogether(pool, projections);
  return inTransaction(pool, async (tx) => {
    await tx.query({ text: 'set transaction isolation level repeatable read' });
    const row = await claimFollowing(tx, projections, { compared: false });
    if (row === undefined) return false;
    claim(row);
    const { generation } = row;
    const projection = projectionOf(projections, row);
    const standing = await standings(tx, row);
    const error = standing.find((each) => each.error !== null)?.error;
    if (error !== undefined) throw new Error(`it cannot follow the log: ${error}`);
    // A live one of another version, or that stands still, has nothing to say about the new one.
    const comparable = standing.every(
      (each) => each.live_version === projection.version && each.live_error === null,
    );
    if (comparable && standing.some((each) => each.position !== each.live_position)) return false;
    if (standing.some((each) => each.position < each.live_position)) return false;
    const live = standing[0]?.live;
    const found =
      comparable && live !== undefined
        ? await compareGenerations(tx, projection, { generation, live })
        : { rows: null, differences: null };
    await tx.query({
      text: `
update read.generations
   set compared_at = clock_timestamp(),
       compared_rows = $3::bigint,
       differences = $4::bigint
 where projection = $1::text
   and generation = $2::integer`,
      values: [row.projection, generation, found.rows, found.differences],
    });
    return true;
  });
}

/** A pass for those that follow, for where no worker runs; beside a worker it finds nothing to do. */
async function moveTogether(pool: Pool, projections: readonly Projection[]): Promise<void> {
  const { rows } = await pool.query<{ ledger_id: number; projection: string }>({
    name: 'following-behind',
    text: `
select c.ledger_id, c.projection
  from read.generations g
  ${known}
  join read.checkpoints c
    on c.projection = g.projection
   and (c.live or c.following)
  join ledgers l
    on l.id = c.ledger_id
 where g.state = 'following'
   and c.position < l.head_position
 group by c.ledger_id, c.projection`,
    values: namesAndVersions(projections),
  });
  for (const row of rows) {
    const projection = projectionOf(projections, row);
    try {
      await catchUp(pool, row.ledger_id, [projection]);
    } catch {
      await moveApart(pool, row.ledger_id, projection);
    }
  }
}

/** Which of the two cannot go on is noted; the other does. */
async function moveApart(pool: Pool, ledgerId: number, projection: Projection): Promise<void> {
  for (const which of ['live', 'following'] as const) {
    await catchUp(pool, ledgerId, [projection], which).catch((error: unknown) =>
      recordFailure(pool, ledgerId, projection.name, error, which),
    );
  }
}

type Following = Claimed & { readonly dry_run: boolean; readonly queries_of_before: boolean };

async function claimFollowing(
  tx: Transaction,
  projections: readonly Projection[],
  { compared }: { compared: boolean },
): Promise<Following | undefined> {
  const { rows } = await tx.query<Following>({
    name: 'claim-following',
    // A query that began before the two were level, and comes to the view after the swap, would find rows older than
    // the position it was told: such are given time to end. Who may not see the queries of others gives it always.
    text: `
select g.projection, g.generation, g.dry_run,
       g.compared_at > clock_timestamp() - make_interval(secs => ${QUERY_END_SECONDS})
       and (not pg_has_role('pg_read_all_stats', 'usage')
           or exists (
              select
                from pg_stat_activity a
               where a.datname = current_database()
                 and a.pid <> pg_backend_pid()
                 and a.backend_type = 'client backend'
                 and a.xact_start <= g.compared_at
                 and not starts_with(a.application_name, 'coffer ${REBUILD_SESSIONS}')
              )
           ) as queries_of_before
  from read.generations g
  ${known}
 where g.state = 'following'
   and (g.compared_at is not null) = $3::boolean
 order by known.rank
 limit 1
   for update of g skip locked`,
    values: [...namesAndVersions(projections), compared],
  });
  return rows[0];
}

type Standing = {
  position: bigint;
  error: string | null;
  live: number;
  live_position: bigint;
  live_version: number;
  live_error: string | null;
};

async function standings(tx: Transaction, { projection, generation }: Claimed): Promise<Standing[]> {
  const { rows } = await tx.query<Standing>({
    text: `
select n.position, n.error, c.generation as live, c.position as live_position, c.version as live_version,
       c.error as live_error
  from read.checkpoints n
  join read.checkpoints c
    on c.ledger_id = n.ledger_id
   and c.projection = n.projection
   and c.live
 where n.projection = $1::text
   and n.generation = $2::integer
 order by n.ledger_id`,
    values: [projection, generation],
  });
  return rows;
}

/** One that was compared: a dry run is dropped, any other becomes the live one. */
export async function takeOver(
  pool: Pool,
  projections: readonly Projection[],
  claim: Claim,
): Promise<boolean> {
  for (let left = SWAP_TRIES - 1; ; left -= 1) {
    try {
      return await tryToTakeOver(pool, projections, claim);
    } catch (error) {
      if (left === 0 || !['55P03', '40P01'].includes(sqlState(error) ?? '')) throw error;
      await delay(Math.random() * MAX_PAUSE_MS);
    }
  }
}

function tryToTakeOver(pool: Pool, projections: readonly Projection[], claim: Claim): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    const row = await claimFollowing(tx, projections, { compared: true });
    if (row === undefined) return false;
    claim(row);
    const projection = projectionOf(projections, row);
    if (row.dry_run) await drop(tx, projection, row);
    else if (row.queries_of_before || !(await isLevelUnderLock(tx, row))) return false;
    else await swap(tx, projection, row);
    return true;
  });
}

/** Under the locks of all its checkpoints, so that nobody moves one of the two from here on. */
async function isLevelUnderLock(tx: Transaction, row: Claimed): Promise<boolean> {
  await tx.query({
    text: `
select
  from read.checkpoints
 where projection = $1::text
   and (live or generation = $2::integer)
 order by ledger_id, generation
   for update`,
    values: [row.projection, row.generation],
  });
  return (await standings(tx, row)).every((each) => each.position >= each.live_position);
}

async function swap(
  tx: Transaction,
  projection: Projection,
  { generation }: { generation: number },
): Promise<void> {
  await tx.query({ text: `set local lock_timeout = ${VIEW_LOCK_TIMEOUT_MS}` });
  for (const base of projection.tables) await pointView(tx, base, generation);
  const values = [projection.name, generation];
  // The live one first: there is never more than one.
  await tx.query({
    text: `
update read.checkpoints
   set live = false
 where projection = $1::text
   and live
   and generation <> $2::integer`,
    values,
  });
  await tx.query({
    text: `
update read.checkpoints
   set live = true,
       following = false
 where projection = $1::text
   and generation = $2::integer`,
    values,
  });
  await tx.query({
    text: `
update read.generations
   set state = 'retired',
       ended_at = clock_timestamp()
 where projection = $1::text
   and state = 'live'`,
    values: [projection.name],
  });
  await endAs(tx, { projection: projection.name, generation }, 'live');
}

async function endAs(tx: Transaction, { projection, generation }: Claimed, state: string): Promise<void> {
  await tx.query({
    text: `
update read.generations
   set state = $3::text,
       error = null,
       ended_at = clock_timestamp()
 where projection = $1::text
   and generation = $2::integer`,
    values: [projection, generation, state],
  });
}

async function drop(tx: Transaction, projection: Projection, row: Claimed): Promise<void> {
  await dropTables(tx, projection.tables, row);
  await endAs(tx, row, 'dropped');
}

/** Replaced where that is allowed, which keeps its grants; a view whose columns change has to be made anew. */
async function pointView(tx: Transaction, base: string, generation: number): Promise<void> {
  const view = `view read.${base} as select * from ${tableOf(base, generation)}`;
  await tx.query({ text: 'savepoint before_view' });
  try {
    await tx.query({ text: `create or replace ${view}` });
  } catch (error) {
    if (sqlState(error) !== INVALID_TABLE_DEFINITION) throw error;
    await tx.query({ text: 'rollback to savepoint before_view' });
    await tx.query({ text: `drop view read.${base}` });
    await tx.query({ text: `create ${view}` });
  }
}

const INVALID_TABLE_DEFINITION = '42P16';
