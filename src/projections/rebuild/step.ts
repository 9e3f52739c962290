/**
 * One step of a rebuild. All that is known of it is in the database: whoever takes a step (a job, the worker's own
 * look, the command line) finds there what comes next, and a step that ends with its process is taken again.
 */
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { classifyFailure } from '../../db/failures.ts';
import { namesAndVersions, type Projection } from '../projection.ts';
import { known, type Claim, type Claimed } from './claim.ts';
import { fillPart, finishFilling, moveOn, startFollowing } from './fill.ts';
import { compareOne, takeOver } from './take-over.ts';

/** A generation that failed so often is given up. */
const MAX_FAILURES = 5;

export type StepDeps = {
  readonly pool: Pool;
  readonly projections: readonly Projection[];
  readonly log: Logger;
};

/** `waiting`: something is under way, but in other hands, or held up by what it waits for. */
export type Step = 'worked' | 'waiting' | 'idle';

/** `filled`: being built, with no part left to fill. */
type Stage = 'following' | 'catching_up' | 'filled' | 'building';

type Kind = (pool: Pool, projections: readonly Projection[], claim: Claim) => Promise<boolean>;

/** What is nearest its end comes first, so that making indexes goes beside filling the parts of others. */
const kinds: readonly (readonly [Stage, Kind])[] = [
  ['following', takeOver],
  ['following', compareOne],
  ['catching_up', startFollowing],
  ['catching_up', moveOn],
  ['filled', finishFilling],
  ['building', fillPart],
];

/** Rejects when the failure is not of the generation, as without a database. */
export async function takeStep({ pool, projections, log }: StepDeps): Promise<Step> {
  const stages = await stagesUnderWay(pool, projections);
  for (const [stage, kind] of kinds) {
    if (!stages.has(stage)) continue;
    let claimed: Claimed | null = null;
    try {
      if (await kind(pool, projections, (found) => (claimed = found))) return 'worked';
    } catch (error) {
      const failure = classifyFailure(error);
      if (failure === 'transient') return 'waiting';
      // A lost connection, or a statement that was ended from outside, says nothing about the generation.
      if (failure === 'unavailable' || claimed === null) throw error;
      log.warn({ err: error, ...(claimed as Claimed) }, 'a step of a rebuild failed');
      await noteFailure(pool, claimed, error);
      return 'waiting';
    }
  }
  return stages.size > 0 ? 'waiting' : 'idle';
}

export async function isUnderWay(pool: Pool, projections: readonly Projection[]): Promise<boolean> {
  return (await stagesUnderWay(pool, projections)).size > 0;
}

/** One look for all kinds of steps: most of them have nothing to do while parts are filled. */
async function stagesUnderWay(pool: Pool, projections: readonly Projection[]): Promise<Set<Stage>> {
  const { rows } = await pool.query<{ stage: Stage }>({
    name: 'rebuild-stages',
    text: `
select distinct case
         when g.state <> 'building' then g.state
         when exists (
              select
                from read.rebuild_parts p
               where p.projection = g.projection
                 and p.generation = g.generation
                 and p.done_at is null
              ) then 'building'
         else 'filled'
       end as stage
  from read.generations g
  ${known}
 where g.state in ('building', 'catching_up', 'following')`,
    values: namesAndVersions(projections),
  });
  return new Set(rows.map(({ stage }) => stage));
}

async function noteFailure(pool: Pool, { projection, generation }: Claimed, error: unknown): Promise<void> {
  await pool.query({
    text: `
with failed as (
  update read.generations
     set failures = failures + 1,
         error = left($3::text, 500),
         state = case when failures + 1 < ${MAX_FAILURES} then state else 'abandoned' end,
         ended_at = case when failures + 1 < ${MAX_FAILURES} then ended_at else clock_timestamp() end
   where projection = $1::text
     and generation = $2::integer
     and state in ('building', 'catching_up', 'following')
  returning state
)
update read.checkpoints
   set following = false
 where projection = $1::text
   and generation = $2::integer
   and exists (
       select
         from failed
        where failed.state = 'abandoned'
       )`,
    values: [projection, generation, error instanceof Error ? error.message : String(error)],
  });
}
