/** How far the rebuilds are, and how they ended. */
import { MAIN_LEDGER } from '../../db/ledgers.ts';
import type { Transaction } from '../../db/transaction.ts';

export type State = 'building' | 'catching_up' | 'following' | 'live' | 'retired' | 'abandoned' | 'dropped';

export type Progress = {
  readonly projection: string;
  readonly generation: number;
  readonly version: number;
  readonly state: State;
  readonly dryRun: boolean;
  readonly parts: number;
  readonly partsDone: number;
  /** Of the log, as far as it is to be filled by parts. */
  readonly events: bigint;
  readonly eventsDone: bigint;
  /** Where its checkpoint in the ledger asked for stands; 0 until it is filled. */
  readonly position: bigint;
  readonly startedAt: string;
  /** Since it began; of one that has ended, until then. */
  readonly elapsedMs: number;
  /** Null where it could not be compared, or not yet. */
  readonly comparedRows: bigint | null;
  readonly differences: bigint | null;
  readonly error: string | null;
};

type Row = {
  projection: string;
  generation: number;
  version: number;
  state: State;
  dry_run: boolean;
  parts: bigint;
  parts_done: bigint;
  events: bigint;
  events_done: bigint;
  position: bigint;
  started_at: string;
  elapsed_ms: bigint;
  compared_rows: bigint | null;
  differences: bigint | null;
  error: string | null;
};

/** To all but who runs the service: an error quotes what it stumbled over, in whatever ledger. */
const FAILED_SOMEWHERE = 'It failed, and is tried again.';

/** Those under way, and of `also` those that ended as well. `partsOf`: of the log of this ledger alone; null: of all. */
export async function readProgress(
  tx: Transaction,
  ledgerId: number,
  also: readonly { readonly projection: string; readonly generation: number }[] = [],
  partsOf: number | null = null,
): Promise<Progress[]> {
  const { rows } = await tx.query<Row>({
    name: 'rebuild-progress',
    text: `
select g.projection, g.generation, g.version, g.state, g.dry_run, g.started_at, g.compared_rows, g.differences,
       case
         when g.error is null
           or $4::integer is null
           or exists (select from ledgers l where l.id = $4::integer and l.slug = $5::text)
         then g.error
         else $6::text
       end as error,
       p.parts, p.parts_done, p.events, p.events_done, coalesce(c.position, 0) as position,
       floor(extract(epoch from coalesce(g.ended_at, clock_timestamp()) - g.started_at) * 1000)::bigint as elapsed_ms
  from read.generations g
 cross join lateral (
       select count(*) as parts,
              count(p.done_at) as parts_done,
              coalesce(sum(p.to_position - p.from_position), 0) as events,
              coalesce(sum(p.to_position - p.from_position) filter (where p.done_at is not null), 0) as events_done
         from read.rebuild_parts p
        where p.projection = g.projection
          and p.generation = g.generation
          and ($4::integer is null or p.ledger_id = $4::integer)
       ) p
  left join read.checkpoints c
    on c.ledger_id = $1::integer
   and c.projection = g.projection
   and c.generation = g.generation
 where g.state in ('building', 'catching_up', 'following')
    or (g.projection, g.generation) in (select * from unnest($2::text[], $3::integer[]))
 order by g.projection`,
    values: [
      ledgerId,
      also.map(({ projection }) => projection),
      also.map(({ generation }) => generation),
      partsOf,
      MAIN_LEDGER,
      FAILED_SOMEWHERE,
    ],
  });
  return rows.map((row) => ({
    ...{ projection: row.projection, generation: row.generation, version: row.version, state: row.state },
    dryRun: row.dry_run,
    parts: Number(row.parts),
    partsDone: Number(row.parts_done),
    events: row.events,
    eventsDone: row.events_done,
    position: row.position,
    startedAt: row.started_at,
    elapsedMs: Number(row.elapsed_ms),
    ...{ comparedRows: row.compared_rows, differences: row.differences, error: row.error },
  }));
}

/** Events of the log a second, of those that its parts have filled. */
export function eventsPerSecond(eventsDone: bigint, elapsedMs: number): bigint {
  return (eventsDone * 1_000n) / BigInt(Math.max(1, elapsedMs));
}

export type Difference = {
  readonly table: string;
  readonly key: string;
  readonly live: string | null;
  readonly rebuilt: string | null;
};

/** The first ones that were saved, as text. */
export async function readDifferences(
  tx: Transaction,
  { projection, generation }: { projection: string; generation: number },
  limit: number,
): Promise<Difference[]> {
  const { rows } = await tx.query<Difference>({
    text: `
select table_name as "table", key::text, live_row::text as live, rebuilt_row::text as rebuilt
  from read.rebuild_differences
 where projection = $1::text
   and generation = $2::integer
 order by id
 limit $3::integer`,
    values: [projection, generation, limit],
  });
  return rows;
}
