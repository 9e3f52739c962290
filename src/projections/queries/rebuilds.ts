/** Rebuilds as they are asked for and watched: those under way, and those of before as long as their generation is known. */
import type { Transaction } from '../../db/transaction.ts';
import { eventsPerSecond, type State } from '../rebuild/progress.ts';

const MAX_REBUILDS = 50;

/** `waiting`: nobody has begun. `comparing`: it follows the log beside the live one. `done`: it took over, or was a dry run. */
export type RebuildState = 'waiting' | 'filling' | 'catching_up' | 'comparing' | 'done' | 'failed';

export type Rebuild = {
  readonly id: string;
  readonly name: string;
  readonly generation: number;
  readonly state: RebuildState;
  /** Of the log of all ledgers. */
  readonly eventsDone: string;
  readonly eventsTotal: string;
  readonly eventsPerSecond: string;
  /** Until it is filled; null where that is not known. */
  readonly secondsLeft: number | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly error: string | null;
  /** From the live one, so far as they were compared. */
  readonly differences: string;
};

type Row = {
  projection: string;
  generation: number;
  state: State;
  done: bigint;
  total: bigint;
  filling_ms: bigint;
  started_at: string;
  ended_at: string | null;
  error: string | null;
  differences: bigint | null;
};

/** Newest first. `only`: that one alone. */
export async function listRebuilds(
  tx: Transaction,
  only?: { readonly projection: string; readonly generation: number },
): Promise<Rebuild[]> {
  const { rows } = await tx.query<Row>({
    name: 'rebuilds',
    // A generation without parts is filled in the order of the log. The first one of all was never rebuilt.
    text: `
select g.projection, g.generation, g.state, g.started_at, g.ended_at, g.error, g.differences,
       case when p.parts > 0 then p.done else c.done end as done,
       case when p.parts > 0 then p.total else greatest(c.done, l.total) end as total,
       floor(extract(epoch from coalesce(g.filled_at, g.ended_at, clock_timestamp()) - g.started_at) * 1000)::bigint
         as filling_ms
  from read.generations g
 cross join lateral (
       select count(*) as parts,
              coalesce(sum(to_position - from_position), 0) as total,
              coalesce(sum(to_position - from_position) filter (where done_at is not null), 0) as done
         from read.rebuild_parts
        where projection = g.projection
          and generation = g.generation
       ) p
 cross join lateral (
       select coalesce(sum(position), 0) as done
         from read.checkpoints
        where projection = g.projection
          and generation = g.generation
       ) c
 cross join (select coalesce(sum(head_position), 0) as total from ledgers) l
 where (g.compared_at is not null or g.state in ('building', 'catching_up', 'following', 'abandoned'))
   and ($1::text is null or (g.projection, g.generation) = ($1::text, $2::integer))
 order by g.started_at desc, g.projection
 limit ${MAX_REBUILDS}`,
    values: [only?.projection ?? null, only?.generation ?? null],
  });
  return rows.map(rebuildOf);
}

function rebuildOf(row: Row): Rebuild {
  const rate = eventsPerSecond(row.done, Number(row.filling_ms));
  const state = stateOf(row);
  return {
    ...{ id: `${row.projection}-${row.generation}`, name: row.projection, generation: row.generation, state },
    ...{
      eventsDone: row.done.toString(),
      eventsTotal: row.total.toString(),
      eventsPerSecond: rate.toString(),
    },
    secondsLeft: state === 'filling' && rate > 0n ? Number((row.total - row.done) / rate) : null,
    ...{ startedAt: row.started_at, finishedAt: row.ended_at, error: row.error },
    differences: (row.differences ?? 0n).toString(),
  };
}

function stateOf({ state, done, total }: Row): RebuildState {
  switch (state) {
    case 'building':
      return done === 0n && total > 0n ? 'waiting' : 'filling';
    case 'catching_up':
      return state;
    case 'following':
      return 'comparing';
    case 'live':
    case 'retired':
    case 'dropped':
      return 'done';
    case 'abandoned':
      return 'failed';
  }
}
