/** How far each projection has come, for GET /projections, metrics and readiness. */
import type { Transaction } from '../../db/transaction.ts';
import { projectionNamed } from '../catalog.ts';
import { eventsPerSecond, readProgress, type Progress } from '../rebuild/progress.ts';

/** The next generation, while it is made and until it takes over. */
export type RebuildStatus = {
  generation: number;
  version: number;
  state: string;
  dryRun: boolean;
  parts: number;
  partsDone: number;
  eventsPerSecond: string;
  position: string;
  startedAt: string;
  error: string | null;
};

export type ProjectionStatus = {
  name: string;
  version: number;
  position: string;
  headPosition: string;
  lagEvents: string;
  /** Age of the oldest event not yet projected. */
  lagMs: number;
  state: 'live' | 'catching_up' | 'failed' | 'outdated';
  error: string | null;
  /** Of the event that could not be applied, where it stands still. */
  failedPosition: string | null;
  rebuild: RebuildStatus | null;
};

type StatusRow = {
  projection: string;
  version: number;
  position: bigint;
  head_position: bigint;
  lag_ms: bigint | null;
  error: string | null;
  failed_position: bigint | null;
};

export async function readProjectionStatus(tx: Transaction, ledgerId: number): Promise<ProjectionStatus[]> {
  const { rows } = await tx.query<StatusRow>({
    // Without a name, so that it is planned anew: as a plan of when the log was short it would read all of a long one.
    // The ledger of the log is a subquery's: until it is analyzed the planner knows none with this id, and any index would do.
    text: `
select c.projection, c.version, c.position, l.head_position, c.error, c.failed_position,
       greatest(0, floor(extract(epoch from clock_timestamp() - e.recorded_at) * 1000))::bigint as lag_ms
  from read.checkpoints c
  join ledgers l
    on l.id = c.ledger_id
  left join lateral (
       select n.recorded_at
         from events n
        where n.ledger_id = (select $1::integer)
          and n.position = c.position + 1
        limit 1
       ) e
    on true
 where c.ledger_id = $1::integer
   and c.live
 order by c.projection`,
    values: [ledgerId],
  });
  // How long the log of another ledger is shows in no figure.
  const rebuilds = await readProgress(tx, ledgerId, [], ledgerId);
  return rows.map((row) => ({
    name: row.projection,
    version: row.version,
    position: row.position.toString(),
    headPosition: row.head_position.toString(),
    lagEvents: (row.head_position - row.position).toString(),
    lagMs: Number(row.lag_ms ?? 0n),
    state: stateOf(row),
    error: row.error,
    failedPosition: row.failed_position?.toString() ?? null,
    rebuild: rebuildOf(rebuilds.find(({ projection }) => projection === row.projection)),
  }));
}

function rebuildOf(progress: Progress | undefined): RebuildStatus | null {
  if (progress === undefined) return null;
  const { generation, version, state, dryRun, parts, partsDone, startedAt, error } = progress;
  return {
    ...{ generation, version, state, dryRun, parts, partsDone },
    eventsPerSecond: eventsPerSecond(progress.eventsDone, progress.elapsedMs).toString(),
    position: progress.position.toString(),
    ...{ startedAt, error },
  };
}

function stateOf(row: StatusRow): ProjectionStatus['state'] {
  if (row.error !== null) return 'failed';
  if (projectionNamed(row.projection)?.version !== row.version) return 'outdated';
  return row.position < row.head_position ? 'catching_up' : 'live';
}

/** How many live read models stand still at an event that they cannot apply. */
export async function countFailed(tx: Transaction, ledgerId: number): Promise<bigint> {
  const { rows } = await tx.query<{ failed: bigint }>({
    name: 'failed-projections',
    text: `
select count(*) as failed
  from read.checkpoints
 where ledger_id = $1::integer
   and live
   and error is not null`,
    values: [ledgerId],
  });
  return rows[0]?.failed ?? 0n;
}
