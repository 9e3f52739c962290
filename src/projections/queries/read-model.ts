/** How a query is answered from read models: rows and Coffer-Position of one snapshot, waiting where asked to. */
import type { Pool } from 'pg';
import { inSnapshot } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import { headPosition } from '../../events/head.ts';
import { projectedPosition, type PositionWaiter } from './positions.ts';

export type ReadSide = {
  readonly ledgerId: number;
  readonly readPool: Pool;
  readonly positions: PositionWaiter;
  /** How long a query waits for a position. */
  readonly waitMs: number;
};

export type Source = {
  /** The read models the rows come from; none: the log itself. */
  readonly projections: readonly string[];
  readonly atLeast: bigint | undefined;
};

export type Answered<Result> = { readonly result: Result; readonly position: bigint };

/** Rejects with `read_model_behind` when `atLeast` is not reached in time. */
export async function answerFrom<Result>(
  side: ReadSide,
  source: Source,
  read: (tx: Transaction) => Promise<Result>,
): Promise<Answered<Result>> {
  const { ledgerId } = side;
  if (source.atLeast !== undefined) await reach(side, source.projections, source.atLeast);
  return inSnapshot(side.readPool, async (tx) => {
    const position =
      source.projections.length === 0
        ? await headPosition(tx, ledgerId)
        : await projectedPosition(tx, ledgerId, source.projections);
    return { result: await read(tx), position };
  });
}

/**
 * As answerFrom, for one thing by its id. That it does not exist is only said once the read model has seen
 * everything written before the question: a 404 is never due to lag.
 */
export async function findIn<Result>(
  side: ReadSide,
  source: Source,
  read: (tx: Transaction) => Promise<Result | null>,
): Promise<Answered<Result | null>> {
  const first = await answerFrom(side, source, read);
  if (first.result !== null) return first;
  const head = await headPosition(side.readPool, side.ledgerId);
  return first.position >= head ? first : answerFrom(side, { ...source, atLeast: head }, read);
}

async function reach(side: ReadSide, projections: readonly string[], position: bigint): Promise<void> {
  await side.positions.waitFor({ projections, position, timeoutMs: side.waitMs });
}
