/** How a rebuild begins: the next generation, empty, and its parts. Who works on it, finds it in these tables. */
import type { Pool } from 'pg';
import { inTransaction } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import { namesAndVersions, type Projection } from '../projection.ts';
import { createTables } from './generation-tables.ts';

/** Events of a part: some seconds of work at most, so that a crash repeats little and the hands end together. */
const PART_EVENTS = 100_000n;

export type Requested = {
  readonly projection: string;
  readonly generation: number;
  /** It was under way already, and asked for in the same way. */
  readonly joined: boolean;
};

/** What is under way excludes what was asked for. */
export class RebuildUnderWayError extends Error {
  constructor(projection: string, generation: number) {
    super(
      `Generation ${generation} of ${projection} is under way for another purpose or version. ` +
        'Wait for it (`coffer projections list` shows how far it is), or end it by `prune --under-way`.',
    );
    this.name = 'RebuildUnderWayError';
  }
}

/** All or none of them. Rejects with RebuildUnderWayError. */
export async function requestRebuild(
  pool: Pool,
  projections: readonly Projection[],
  options: { dryRun: boolean; partEvents?: bigint },
): Promise<Requested[]> {
  return inTransaction(pool, async (tx) => {
    await lockLiveGenerations(tx, projections);
    const requested: Requested[] = [];
    for (const projection of projections) {
      const current = await underWay(tx, projection);
      if (current === null) {
        const generation = await begin(tx, projection, options);
        requested.push({ projection: projection.name, generation, joined: false });
      } else if (current.dry_run === options.dryRun && current.version === projection.version) {
        requested.push({ projection: projection.name, generation: current.generation, joined: true });
      } else {
        throw new RebuildUnderWayError(projection.name, current.generation);
      }
    }
    return requested;
  });
}

/** Two that ask at once come one after the other. */
export async function lockLiveGenerations(
  tx: Transaction,
  projections: readonly Projection[],
): Promise<void> {
  await tx.query({
    text: `
select
  from read.generations
 where projection = any ($1::text[])
   and state = 'live'
 order by projection
   for update`,
    values: [projections.map(({ name }) => name)],
  });
}

type UnderWay = { generation: number; version: number; dry_run: boolean };

export async function underWay(tx: Transaction, { name }: Projection): Promise<UnderWay | null> {
  const { rows } = await tx.query<UnderWay>({
    text: `
select generation, version, dry_run
  from read.generations
 where projection = $1::text
   and state in ('building', 'catching_up', 'following')`,
    values: [name],
  });
  return rows[0] ?? null;
}

async function begin(
  tx: Transaction,
  projection: Projection,
  { dryRun, partEvents = PART_EVENTS }: { dryRun: boolean; partEvents?: bigint },
): Promise<number> {
  const { rows } = await tx.query<{ generation: number }>({
    text: `
insert into read.generations (projection, generation, version, state, dry_run)
select $1::text, max(generation) + 1, $2::integer, 'building', $3::boolean
  from read.generations
 where projection = $1::text
returning generation`,
    values: [projection.name, projection.version, dryRun],
  });
  const generation = rows[0]?.generation;
  if (generation === undefined) throw new Error(`${projection.name} has no generation`);
  await createTables(tx, projection, generation);
  if (projection.build === undefined) return generation;
  await tx.query({
    text: `
insert into read.rebuild_parts (projection, generation, ledger_id, from_position, to_position, target)
select $1::text, $2::integer, l.id, start, least(start + $3::bigint, l.head_position), l.head_position
  from ledgers l
 cross join generate_series(0, l.head_position - 1, $3::bigint) as start`,
    values: [projection.name, generation, partEvents],
  });
  return generation;
}

/** Read models that an earlier program left behind. One of a later version is none of this program's business. */
export async function outdatedProjections(
  pool: Pool,
  projections: readonly Projection[],
): Promise<Projection[]> {
  const { rows } = await pool.query<{ projection: string }>({
    text: `
select g.projection
  from read.generations g
  join unnest($1::text[], $2::integer[]) as known (projection, version)
    on known.projection = g.projection
 where g.state = 'live'
   and g.version < known.version`,
    values: namesAndVersions(projections),
  });
  return projections.filter(({ name }) => rows.some((row) => row.projection === name));
}
