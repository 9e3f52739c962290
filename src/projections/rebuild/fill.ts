/** Filling a generation: parts in any order by many hands, then its indexes, then the ranges up to the head. */
import type { Pool } from 'pg';
import { inTransaction } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import { namesAndVersions, type Projection } from '../projection.ts';
import { indexTables } from './generation-tables.ts';
import { known, projectionOf, type Claim } from './claim.ts';

/** A range is one transaction. */
const RANGE = 20_000n;
/** So near the head the worker's own passes take over. */
const NEAR = 5_000n;

type PartRow = {
  projection: string;
  generation: number;
  ledger_id: number;
  from_position: bigint;
  to_position: bigint;
  target: bigint;
};

/**
 * One part that is neither done nor under way: the lock of its row says so, and ends with its connection. What ends slowly is
 * filled first, so that one hand ends it while another fills the others. Each of the two takes the same range for all its
 * read models one after the other, while its events are still in the buffers of the server.
 */
export function fillPart(pool: Pool, projections: readonly Projection[], claim: Claim): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<PartRow>({
      name: 'claim-part',
      text: `
select p.projection, p.generation, p.ledger_id, p.from_position, p.to_position, p.target
  from read.rebuild_parts p
  join read.generations g
    on g.projection = p.projection
   and g.generation = p.generation
  ${known}
 where g.state = 'building'
   and p.done_at is null
 order by p.projection <> all ($3::text[]), p.ledger_id, p.from_position, known.rank
 limit 1
   for update of p skip locked`,
      values: [
        ...namesAndVersions(projections),
        projections.filter(({ build }) => build?.endsSlowly).map(({ name }) => name),
      ],
    });
    const row = rows[0];
    if (row === undefined) return false;
    claim(row);
    const { ledger_id: ledgerId, generation, from_position: from, to_position: to, target } = row;
    const projection = projectionOf(projections, row);
    await projection.build?.part(tx, { ledgerId, generation, from, to, target });
    await tx.query({
      text: `
update read.rebuild_parts
   set done_at = clock_timestamp()
 where projection = $1::text
   and generation = $2::integer
   and ledger_id = $3::integer
   and from_position = $4::bigint`,
      values: [row.projection, generation, ledgerId, from],
    });
    return true;
  });
}

/** A generation whose parts are all done: what only shows over the whole log, the indexes, and its checkpoints. */
export function finishFilling(
  pool: Pool,
  projections: readonly Projection[],
  claim: Claim,
): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ projection: string; generation: number }>({
      name: 'claim-filled',
      text: `
select g.projection, g.generation
  from read.generations g
  ${known}
 where g.state = 'building'
   and not exists (
       select
         from read.rebuild_parts p
        where p.projection = g.projection
          and p.generation = g.generation
          and p.done_at is null
       )
 order by known.rank
 limit 1
   for update of g skip locked`,
      values: namesAndVersions(projections),
    });
    const row = rows[0];
    if (row === undefined) return false;
    claim(row);
    const projection = projectionOf(projections, row);
    for (const { ledger_id: ledgerId, target: to } of await targets(tx, row)) {
      await projection.build?.finish?.(tx, { ledgerId, generation: row.generation, from: 0n, to });
    }
    await indexTables(tx, projection, row.generation);
    await openCheckpoints(tx, row);
    return true;
  });
}

async function targets(
  tx: Transaction,
  { projection, generation }: { projection: string; generation: number },
): Promise<{ ledger_id: number; target: bigint }[]> {
  const { rows } = await tx.query<{ ledger_id: number; target: bigint }>({
    text: `
select distinct ledger_id, target
  from read.rebuild_parts
 where projection = $1::text
   and generation = $2::integer
 order by ledger_id`,
    values: [projection, generation],
  });
  return rows;
}

/** A ledger without parts, or one that came later, is read from its first event. */
async function openCheckpoints(
  tx: Transaction,
  { projection, generation }: { projection: string; generation: number },
): Promise<void> {
  await tx.query({
    text: `
insert into read.checkpoints (ledger_id, projection, generation, version, position, live)
select l.id, g.projection, g.generation, g.version, coalesce(filled.target, 0), false
  from read.generations g
 cross join ledgers l
  left join (
       select distinct p.ledger_id, p.target
         from read.rebuild_parts p
        where p.projection = $1::text
          and p.generation = $2::integer
       ) filled
    on filled.ledger_id = l.id
 where g.projection = $1::text
   and g.generation = $2::integer`,
    values: [projection, generation],
  });
  await tx.query({
    text: `
update read.generations
   set state = 'catching_up',
       filled_at = clock_timestamp()
 where projection = $1::text
   and generation = $2::integer`,
    values: [projection, generation],
  });
}

type BehindRow = {
  projection: string;
  generation: number;
  ledger_id: number;
  position: bigint;
  head_position: bigint;
};

/** One range of a generation that is far behind the head, or of a projection that offers no other way to build. */
export function moveOn(pool: Pool, projections: readonly Projection[], claim: Claim): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<BehindRow>({
      name: 'claim-behind',
      text: `
select c.projection, c.generation, c.ledger_id, c.position, l.head_position
  from read.generations g
  ${known}
  join read.checkpoints c
    on c.projection = g.projection
   and c.generation = g.generation
  join ledgers l
    on l.id = c.ledger_id
 where g.state = 'catching_up'
   and c.position < l.head_position - $3::bigint
 order by known.rank, c.ledger_id
 limit 1
   for update of c skip locked`,
      values: [...namesAndVersions(projections), NEAR],
    });
    const row = rows[0];
    if (row === undefined) return false;
    claim(row);
    const { ledger_id: ledgerId, generation, position: from, head_position: head } = row;
    const to = head - from > RANGE ? from + RANGE : head;
    await projectionOf(projections, row).apply(tx, { ledgerId, generation, from, to });
    await tx.query({
      text: `
update read.checkpoints
   set position = $4::bigint,
       updated_at = clock_timestamp()
 where ledger_id = $1::integer
   and projection = $2::text
   and generation = $3::integer`,
      values: [ledgerId, row.projection, generation, to],
    });
    return true;
  });
}

/** From here on the worker moves it together with the live one. */
export function startFollowing(
  pool: Pool,
  projections: readonly Projection[],
  claim: Claim,
): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ projection: string; generation: number }>({
      name: 'start-following',
      text: `
with near as (
  select g.projection, g.generation
    from read.generations g
    ${known}
   where g.state = 'catching_up'
     and not exists (
         select
           from read.checkpoints c
           join ledgers l
             on l.id = c.ledger_id
          where c.projection = g.projection
            and c.generation = g.generation
            and c.position < l.head_position - $3::bigint
         )
   limit 1
     for update of g skip locked
), moved as (
  update read.checkpoints c
     set following = true,
         error = null,
         failed_position = null
    from near
   where c.projection = near.projection
     and c.generation = near.generation
)
update read.generations g
   set state = 'following'
  from near
 where g.projection = near.projection
   and g.generation = near.generation
returning g.projection, g.generation`,
      values: [...namesAndVersions(projections), NEAR],
    });
    const row = rows[0];
    if (row !== undefined) claim(row);
    return row !== undefined;
  });
}
