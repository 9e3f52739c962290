/**
 * Moves read models forward. The checkpoint rows are locked in one statement and the head is read in the next: one
 * statement for both could, after a wait, pair a fresh checkpoint with an old head and move backwards.
 *
 * Several projections share a pass: under load a pass of its own for each cost more in transactions and round
 * trips than in work. Each keeps its own checkpoint, and one that fails is left to a pass of its own.
 *
 * A generation that was rebuilt and waits to take over moves in the same transaction as the live one: so every
 * snapshot sees both at the same position, and a query never notices which of them it reads.
 */
import type { Pool } from 'pg';
import { inTransaction } from '../db/pool.ts';
import type { Transaction } from '../db/transaction.ts';
import { headPosition } from '../events/head.ts';
import { namesAndVersions, type Projection } from './projection.ts';

/** Events a transaction applies at most: bounds its memory, its locks and what a crash repeats. */
export const MAX_RANGE = 5_000n;

/** Generations of a projection that a pass moves. */
export type Which = 'all' | 'live' | 'following';

export type Applied = { readonly projection: string; readonly events: bigint };

export type CaughtUp = {
  /** To live generations. */
  readonly applied: readonly Applied[];
  /** Whether there was more than one pass may apply. */
  readonly more: boolean;
};

/**
 * One transaction. A projection that somebody else is moving or rebuilding right now is left to them. Rejects with
 * the database's error, no checkpoint moved.
 */
export async function catchUp(
  pool: Pool,
  ledgerId: number,
  projections: readonly Projection[],
  which: Which = 'all',
  maxRange: bigint = MAX_RANGE,
): Promise<CaughtUp> {
  return inTransaction(pool, async (tx) => {
    const checkpoints = await lockCheckpoints(tx, ledgerId, projections, which);
    const head = await headPosition(tx, ledgerId);
    const passes = checkpoints.flatMap(({ projection, generation, live, position: from }) => {
      const to = head - from > maxRange ? from + maxRange : head;
      return to > from ? [{ projection, live, range: { ledgerId, generation, from, to } }] : [];
    });
    if (passes.length === 0) return { applied: [], more: false };
    // On a pipelining connection these leave together; they touch different tables, each in its own order. All of
    // them must have ended before the transaction does: a statement after the rollback would stand alone.
    const outcomes = await Promise.allSettled([
      ...passes.map(({ projection, range }) => projection.apply(tx, range)),
      moveCheckpoints(
        tx,
        ledgerId,
        passes.map(({ projection, range }) => ({ name: projection.name, ...range })),
      ),
    ]);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return {
      applied: passes
        .filter(({ live }) => live)
        .map(({ projection, range }) => ({ projection: projection.name, events: range.to - range.from })),
      more: passes.some(({ range }) => range.to < head),
    };
  });
}

/** A look without a lock: is there anything to apply? Both numbers only grow, so a "no" can only be late. */
export async function isBehind(
  tx: Transaction,
  ledgerId: number,
  projections: readonly Projection[],
): Promise<boolean> {
  const { rows } = await tx.query<{ behind: boolean }>({
    name: 'is-behind',
    text: `
select exists (
  select
    from read.checkpoints c
    join unnest($2::text[], $3::integer[]) as known (projection, version)
      on known.projection = c.projection
     and known.version = c.version
    join ledgers l
      on l.id = c.ledger_id
   where c.ledger_id = $1::integer
     and (c.live or c.following)
     and c.position < l.head_position
) as behind`,
    values: [ledgerId, ...namesAndVersions(projections)],
  });
  return rows[0]?.behind ?? true;
}

/** What is left to apply to these generations of a projection, and whether it stood still at the last look. */
export async function leftToApply(
  tx: Transaction,
  ledgerId: number,
  name: string,
  which: Which,
): Promise<{ readonly events: bigint; readonly stoodStill: boolean }> {
  const { rows } = await tx.query<{ events: bigint; stood_still: boolean }>({
    name: 'left-to-apply',
    text: `
select coalesce(max(l.head_position - c.position), 0)::bigint as events,
       coalesce(bool_or(c.error is not null), false) as stood_still
  from read.checkpoints c
  join ledgers l
    on l.id = c.ledger_id
 where c.ledger_id = $1::integer
   and c.projection = $2::text
   and (c.live and $3::text <> 'following' or c.following and $3::text <> 'live')`,
    values: [ledgerId, name, which],
  });
  return { events: rows[0]?.events ?? 0n, stoodStill: rows[0]?.stood_still ?? false };
}

/** Rows of checkpoints for every ledger and projection; harmless when they exist. */
export async function ensureCheckpoints(tx: Transaction, projections: readonly Projection[]): Promise<void> {
  const values = namesAndVersions(projections);
  await tx.query({
    text: `
insert into read.generations (projection, generation, version, state, filled_at, ended_at)
select p.name, 1, p.version, 'live', clock_timestamp(), clock_timestamp()
  from unnest($1::text[], $2::integer[]) as p (name, version)
 where not exists (
       select
         from read.generations g
        where g.projection = p.name
       )
    on conflict do nothing`,
    values,
  });
  await tx.query({
    text: `
insert into read.checkpoints (ledger_id, projection, generation, version)
select l.id, g.projection, g.generation, g.version
  from ledgers l
 cross join read.generations g
 where g.projection = any ($1::text[])
   and g.state = 'live'
    on conflict do nothing`,
    values: [values[0]],
  });
}

type Checkpoint = {
  readonly projection: Projection;
  readonly generation: number;
  readonly live: boolean;
  readonly position: bigint;
};

/** Those of another version are left alone: this program does not know what their tables mean. */
async function lockCheckpoints(
  tx: Transaction,
  ledgerId: number,
  projections: readonly Projection[],
  which: Which,
): Promise<Checkpoint[]> {
  const { rows } = await tx.query<Omit<Checkpoint, 'projection'> & { projection: string }>({
    name: 'lock-checkpoints',
    text: `
select c.projection, c.generation, c.live, c.position
  from read.checkpoints c
  join unnest($2::text[], $3::integer[]) as known (projection, version)
    on known.projection = c.projection
   and known.version = c.version
 where c.ledger_id = $1::integer
   and (c.live and $4::text <> 'following' or c.following and $4::text <> 'live')
 order by c.projection, c.generation
   for update of c skip locked`,
    values: [ledgerId, ...namesAndVersions(projections), which],
  });
  return rows.flatMap((row) => {
    const projection = projections.find(({ name }) => name === row.projection);
    return projection === undefined ? [] : [{ ...row, projection }];
  });
}

async function moveCheckpoints(
  tx: Transaction,
  ledgerId: number,
  moved: readonly { name: string; generation: number; to: bigint }[],
): Promise<void> {
  await tx.query({
    name: 'move-checkpoints',
    text: `
update read.checkpoints c
   set position = moved.position,
       error = null,
       failed_position = null,
       updated_at = clock_timestamp()
  from unnest($2::text[], $3::integer[], $4::bigint[]) as moved (projection, generation, position)
 where c.ledger_id = $1::integer
   and c.projection = moved.projection
   and c.generation = moved.generation
   and c.position < moved.position`,
    values: [
      ledgerId,
      moved.map(({ name }) => name),
      moved.map(({ generation }) => generation),
      moved.map(({ to }) => to),
    ],
  });
}

/**
 * Remembers why a projection stands still, for GET /projections and for whoever looks. One that has nothing left to
 * apply stands at the head: another pass or a rebuild went on in the meantime, and nothing would take the error back.
 * Resolves to the position that could not be applied, null where nothing was recorded.
 */
export async function recordFailure(
  tx: Transaction,
  ledgerId: number,
  name: string,
  error: unknown,
  which: Which = 'live',
): Promise<bigint | null> {
  const message = error instanceof Error ? error.message : String(error);
  const { rows } = await tx.query<{ failed_position: bigint }>({
    text: `
update read.checkpoints
   set error = left($3::text, 500),
       failed_position = position + 1
 where ledger_id = $1::integer
   and projection = $2::text
   and (live and $4::text <> 'following' or following and $4::text <> 'live')
   and position < (select head_position from ledgers where id = $1::integer)
returning failed_position`,
    values: [ledgerId, name, message, which],
  });
  return rows[0]?.failed_position ?? null;
}
