/** Where the read models and the head stand, and how a query waits until a read model has reached a position. */
import { setTimeout as delay } from 'node:timers/promises';
import { headPosition } from '../../events/head.ts';
import type { Transaction } from '../../db/transaction.ts';
import { InvalidRequestError, OperationalError } from '../../errors.ts';

/** The position that all the named projections have reached. */
export async function projectedPosition(
  tx: Transaction,
  ledgerId: number,
  projections: readonly string[],
): Promise<bigint> {
  const { rows } = await tx.query<{ position: bigint | null }>({
    name: 'projected-position',
    text: `
select min(position) as position
  from read.checkpoints
 where ledger_id = $1::integer
   and projection = any ($2::text[])
   and live`,
    values: [ledgerId, projections],
  });
  return rows[0]?.position ?? 0n;
}

export type PositionWaiter = {
  /** Rejects with `read_model_behind` after `timeoutMs`. Without projections it waits for the head. */
  waitFor(options: { projections: readonly string[]; position: bigint; timeoutMs: number }): Promise<void>;
};

const POLL_MS = 5;

/** All waiters of one set of projections share one poll, which runs only while someone waits. */
export function createPositionWaiter(tx: Transaction, ledgerId: number): PositionWaiter {
  const polls = new Map<string, Promise<bigint>>();

  function reachedBy(projections: readonly string[]): Promise<bigint> {
    return projections.length === 0
      ? headPosition(tx, ledgerId)
      : projectedPosition(tx, ledgerId, projections);
  }

  function poll(projections: readonly string[]): Promise<bigint> {
    const key = projections.join();
    let running = polls.get(key);
    if (running === undefined) {
      running = delay(POLL_MS)
        .then(() => {
          // A waiter who comes from here on needs a look that starts after it came.
          polls.delete(key);
          return reachedBy(projections);
        })
        .finally(() => polls.get(key) === running && polls.delete(key));
      polls.set(key, running);
    }
    return running;
  }

  return {
    async waitFor({ projections, position, timeoutMs }) {
      const until = performance.now() + timeoutMs;
      let reached = await reachedBy(projections);
      while (reached < position) {
        if (performance.now() >= until) {
          throw new OperationalError(
            'read_model_behind',
            `The read model has reached position ${reached}, ${position} was asked for.`,
            { retryAfterSeconds: 1, position: reached },
          );
        }
        reached = await poll(projections);
      }
    },
  };
}

/** The last position recorded at or before a time; 0 before the first event. Rejects a time in the future. */
export async function positionAt(tx: Transaction, ledgerId: number, at: string): Promise<bigint> {
  const { rows } = await tx.query<{
    future: boolean;
    current: boolean;
    beyond_head: boolean;
    head_position: bigint;
  }>({
    name: 'time-against-head',
    text: `
select $2::timestamptz > clock_timestamp() as future,
       $2::timestamptz >= date_trunc('milliseconds', clock_timestamp()) as current,
       $2::timestamptz >= head_recorded_at as beyond_head,
       head_position
  from ledgers
 where id = $1::integer`,
    values: [ledgerId, at],
  });
  const against = rows[0];
  if (against === undefined) throw new Error(`ledger ${ledgerId} does not exist`);
  if (against.future) {
    throw new InvalidRequestError(
      [{ path: 'at', message: 'must not be in the future' }],
      against.head_position,
    );
  }
  // In the millisecond that is running events may still be recorded.
  if (against.current) await delay(2);
  if (against.beyond_head) await waitForWriterInFlight(tx, ledgerId);
  return lastPositionAt(tx, ledgerId, at);
}

/** The positions of a span of time, both ends included: after `from`, up to and including `to`. */
export async function positionsBetween(
  tx: Transaction,
  ledgerId: number,
  span: { from?: string | undefined; to?: string | undefined },
): Promise<{ from: bigint; to: bigint }> {
  const { from, to } = span;
  return {
    from: from === undefined ? 0n : await lastPositionBefore(tx, ledgerId, from),
    to: to === undefined ? LAST_POSITION : await lastPositionAt(tx, ledgerId, to),
  };
}

const LAST_POSITION = 2n ** 63n - 2n;

/** Nothing was recorded before 1970; the year before year 1 has no name. */
async function lastPositionBefore(tx: Transaction, ledgerId: number, time: string): Promise<bigint> {
  const justBefore = Date.parse(time) - 1;
  return justBefore < 0 ? 0n : lastPositionAt(tx, ledgerId, new Date(justBefore).toISOString());
}

async function lastPositionAt(tx: Transaction, ledgerId: number, at: string): Promise<bigint> {
  const { rows } = await tx.query<{ position: bigint }>({
    name: 'position-at',
    text: 'select last_position_at($1::integer, $2::timestamptz) as position',
    values: [ledgerId, at],
  });
  return rows[0]?.position ?? 0n;
}

/**
 * A batch that is just committing may have taken its recorded_at before the time asked for. It holds the head
 * row until it ends; waiting for that makes the answer the same for ever.
 */
async function waitForWriterInFlight(tx: Transaction, ledgerId: number): Promise<void> {
  await tx.query({
    name: 'wait-for-head',
    text: 'select head_position from ledgers where id = $1::integer for share',
    values: [ledgerId],
  });
}
