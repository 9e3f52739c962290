/** Folds the log up to the snapshot, and compares the tables where the fold stands where they stood. */
import type { Pool } from 'pg';
import { ascending } from '../fold/ascending.ts';
import type { Chain, ChainStart } from '../fold/chain.ts';
import { readFact } from '../fold/event-validators.ts';
import type { CheckName, FindingList } from '../fold/finding.ts';
import type { RangeSummary } from '../fold/range-summary.ts';
import type { Counted } from '../fold/verdict.ts';
import { createTaskRunner, threadsFor, type Threads } from '../threads/task-runner.ts';
import { BLOCK_LEAVES } from '../tree/block-hashes.ts';
import type { CheckpointCheck } from './checkpoint-check.ts';
import { compareRows } from './compare.ts';
import type { Snapshot } from './snapshot.ts';
import type { Spool } from './spool.ts';
import { SPOOLED_TABLES } from './spooled-rows.ts';
import { verifyRangeOn, type RangeTask } from './verify-range.ts';

/** Positions of a task at least: fewer are not worth a thread. */
const MIN_RANGE = 16_384n;
/** At most: what a task holds grows with what it folds. */
const MAX_RANGE = 262_144n;
/** Of the last tasks of a longer log, which are smaller, so that no thread waits for the last one for long. */
const LAST_RANGE = 65_536n;

/** What a verification is made of. */
export type Verification = {
  readonly pool: Pool;
  readonly spool: Spool;
  readonly ledgerId: number;
  readonly url: string;
  readonly threads: Threads;
  readonly onProgress: (progress: { done: bigint; total: bigint }) => void;
  readonly findings: FindingList;
  readonly snapshot: Snapshot;
  readonly checkpoints: CheckpointCheck;
  readonly start: ChainStart;
  readonly chain: Chain;
  readonly counted: Counted;
};

/** Tables are compared when the chain stands where they stood; where it stands in the end is for the caller to compare. */
export async function foldLog(work: Verification): Promise<void> {
  const { pool, url, snapshot, chain, counted } = work;
  const total = snapshot.head - work.start.position;
  const threads = threadsFor(work.threads, total);
  let done = 0n;
  const runner = createTaskRunner<RangeTask, RangeSummary>({
    threads,
    module: new URL('./verify-thread.ts', import.meta.url),
    workerData: { url },
    serve: (task, onProgress) => verifyRangeOn(pool, task, onProgress, readFact),
    onProgress(positions) {
      done += positions;
      work.onProgress({ done, total });
    },
  });
  try {
    if (total > 0n) await compareAt(work, work.start.position);
    await runner.run(tasksOf(work, threads), async (summary) => {
      chain.add(summary);
      counted.events += summary.events;
      counted.entries += summary.entries;
      counted.keys += summary.keys;
      counted.holds += summary.holds.length;
      if (summary.to < snapshot.head) await compareAt(work, summary.to);
    });
  } finally {
    await runner.close();
  }
}

async function* tasksOf(
  { ledgerId, snapshot, checkpoints, start }: Verification,
  threads: number,
): AsyncGenerator<RangeTask> {
  const { head, projected } = snapshot;
  const stops = [...new Set([...projected.values(), head])]
    .filter((position) => position <= head)
    .sort(ascending);
  const hands = BigInt(threads);
  // As few tasks as there are threads: what a task comes to is told of each wallet that it touches.
  const share = (head - start.position) / hands + 1n;
  const rangeFrom = (from: bigint): bigint =>
    share > MAX_RANGE
      ? within(LAST_RANGE, (head - from) / hands, MAX_RANGE)
      : within(MIN_RANGE, share, MAX_RANGE);
  for (let from = start.position; from < head;) {
    const stop = stops.find((position) => position > from) ?? head;
    // Ranges begin where blocks of the tree begin, but for those after a stop.
    const end = ((from + rangeFrom(from)) / BLOCK_LEAVES) * BLOCK_LEAVES;
    const to = stop < end ? stop : end;
    const marked = await checkpoints.expectWithin({ from, to });
    const readUpTo = (projection: string): bigint => projected.get(projection) ?? 0n;
    const upTo = {
      transactionsUpTo: readUpTo('transactions'),
      holdsUpTo: readUpTo('holds'),
      schedulesUpTo: readUpTo('scheduled'),
    };
    // Without what was spent before the start, nothing can be said of limits.
    const limited = start.partial ? {} : { limited: snapshot.limited };
    yield { ledgerId, from, to, marked, ...upTo, ...limited };
    from = to;
  }
}

function within(least: bigint, wanted: bigint, most: bigint): bigint {
  return wanted < least ? least : wanted > most ? most : wanted;
}

/** The tables that stood at this position, at which the chain stands now. */
export async function compareAt(
  { spool, snapshot, start, chain, findings, counted }: Verification,
  position: bigint,
): Promise<void> {
  const { heads } = chain;
  for (const table of SPOOLED_TABLES) {
    // A read model without a checkpoint has not begun.
    const standsAt =
      table.projection === null ? snapshot.head : (snapshot.projected.get(table.projection) ?? 0n);
    if (standsAt !== position || (start.partial && !table.sinceAnyStart)) continue;
    counted.rows += await compareRows(spool, { table, heads, position, complete: !start.partial }, findings);
  }
  if (start.partial) return;
  const { closedHolds, closedSchedules, head, projected } = snapshot;
  const report = (check: CheckName, name: string, counts: { closed: number; found: bigint }): void => {
    const { closed, found } = counts;
    if (found === BigInt(closed)) return;
    const place = { position: position.toString(), walletId: null };
    findings.add({ check, ...place, expected: `${closed} closed ${name}`, found: found.toString() });
  };
  if (position === head) {
    report('hold_heads', 'holds', { closed: heads.closedHolds, found: closedHolds.written });
    report('schedule_heads', 'schedules', { closed: heads.closedSchedules, found: closedSchedules.written });
  }
  if (position === (projected.get('holds') ?? 0n))
    report('read_models', 'read.holds', { closed: heads.closedHolds, found: closedHolds.read });
  if (position === (projected.get('scheduled') ?? 0n))
    report('read_models', 'read.scheduled', { closed: heads.closedSchedules, found: closedSchedules.read });
}
