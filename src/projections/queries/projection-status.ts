/** How far each projection has come, for GET /projections, metrics and readiness. */
import type { Transaction } from '../../db/transaction.ts';
import { projectionNamed } from '../catalog.ts';

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
};

type StatusRow = {
  projection: string;
  version: number;
  position: bigint;
  head_position: bigint;
  lag_ms: bigint | null;
  error: string | null;
};

export async function readProjectionStatus(tx: Transaction, ledgerId: number): Promise<ProjectionStatus[]> {
  const { rows } = await tx.query<StatusRow>({
    name: 'projection-status',
    text: `
select c.projection, c.version, c.position, l.head_position, c.error,
       greatest(0, floor(extract(epoch from clock_timestamp() - e.recorded_at) * 1000))::bigint as lag_ms
  from read.checkpoints c
  join ledgers l
    on l.id = c.ledger_id
  left join events e
    on e.ledger_id = c.ledger_id
   and e.position = c.position + 1
 where c.ledger_id = $1::integer
   and c.live
 order by c.projection`,
    values: [ledgerId],
  });
  return rows.map((row) => ({
    name: row.projection,
    version: row.version,
    position: row.position.toString(),
    headPosition: row.head_position.toString(),
    lagEvents: (row.head_position - row.position).toString(),
    lagMs: Number(row.lag_ms ?? 0n),
    state: stateOf(row),
    error: row.error,
  }));
}

function stateOf(row: StatusRow): ProjectionStatus['state'] {
  if (row.error !== null) return 'failed';
  if (projectionNamed(row.projection)?.version !== row.version) return 'outdated';
  return row.position < row.head_position ? 'catching_up' : 'live';
}
