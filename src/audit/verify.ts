/**
 * Verifies a ledger in its database, while it is written to: how far everything is and the rows that go on changing are read in one short
 * snapshot, then the log up to there, which does not change any more, in short transactions.
 */
import type { Pool } from 'pg';
import { createAuditPool } from './audit-pool.ts';
import { BLOCK_LEAVES } from './block-hashes.ts';
import { createChain, FROM_THE_BEGINNING, type Chain, type ChainStart } from './chain.ts';
import { createCheckpointCheck, type CheckpointCheck, type Sealed } from './checkpoint-check.ts';
import { compareRows } from './compare.ts';
import { createFindingList, type CheckName, type FindingList } from './finding.ts';
import type { RangeSummary } from './range-summary.ts';
import { checkReversals } from './reversed-originals.ts';
import { startSince } from './since-checkpoint.ts';
import { takeSnapshot, type Snapshot } from './snapshot.ts';
import { createSpool, type Spool } from './spool.ts';
import { SPOOLED_TABLES } from './spooled-rows.ts';
import { createTaskThreads } from './task-threads.ts';
import type { Counted, Verdict } from './verdict.ts';
import type { RangeTask } from './verify-range.ts';

/** Positions of a task at least: fewer are not worth a thread. */
const MIN_RANGE = 16_384n;
/** Of each check. */
const MAX_FINDINGS = 200;

export type VerifyOptions = {
  readonly url: string;
  readonly ledgerId: number;
  readonly threads: number;
  /** Checkpoints that somebody kept, as signed notes: the log has to agree with them, whatever the database says. */
  readonly kept: readonly string[];
  /** Keys to trust, as vkeys; none: those that the database names. */
  readonly trusted: readonly string[];
  /** Only what came since this checkpoint, a signed note, or since the latest one. */
  readonly since: { readonly note: string } | 'latest' | null;
  readonly onProgress: (progress: { done: bigint; total: bigint }) => void;
};

/** Rejects with the database's error, or a CheckpointError for a kept checkpoint that cannot be used. */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  const pool = createAuditPool(options.url, 2);
  const spool = await createSpool();
  try {
    return await verifyWith(pool, spool, options);
  } finally {
    await spool.close();
    await pool.end();
  }
}

async function verifyWith(pool: Pool, spool: Spool, options: VerifyOptions): Promise<Verdict> {
  const { ledgerId } = options;
  const startedAt = performance.now();
  const findings = createFindingList(MAX_FINDINGS);
  // Read before the snapshot: what changes in between is in the log between the two.
  const { start, sealed } = await startOf(pool, options, findings);
  const snapshot = await takeSnapshot(pool, ledgerId, spool);
  const checkpoints = createCheckpointCheck({ ...options, pool, snapshot, findings, since: sealed });
  const chain = createChain(start, findings, checkpoints.onMark);
  if (start.partial) {
    await checkpoints.expectWithin({ from: start.position - 1n, to: start.position });
    checkpoints.onMark(start.position, chain.tree.root());
  }
  const counted: Counted = { events: 0, entries: 0, keys: 0, rows: 0, holds: 0, reversals: 0 };
  await foldLog({ pool, spool, options, findings, snapshot, checkpoints, start, chain, counted });
  checkSnapshot(snapshot, chain, findings);
  counted.reversals = await checkReversals(pool, ledgerId, chain.heads.reversed, findings);
  await checkKeyCount(pool, ledgerId, counted.keys, { from: start.position, to: snapshot.head }, findings);
  return {
    from: start.position + 1n,
    to: snapshot.head,
    seconds: (performance.now() - startedAt) / 1_000,
    counted,
    wallets: chain.heads.wallets.size,
    checkpoint: checkpoints.latest(),
    checkpoints: checkpoints.count(),
    findings: findings.items,
    findingCount: findings.count(),
  };
}

async function startOf(
  pool: Pool,
  { since, ...options }: VerifyOptions,
  findings: FindingList,
): Promise<{ start: ChainStart; sealed: Sealed | null }> {
  if (since === null) return { start: FROM_THE_BEGINNING(), sealed: null };
  return startSince(pool, { ...options, since }, findings);
}

type Work = {
  readonly pool: Pool;
  readonly spool: Spool;
  readonly options: VerifyOptions;
  readonly findings: FindingList;
  readonly snapshot: Snapshot;
  readonly checkpoints: CheckpointCheck;
  readonly start: ChainStart;
  readonly chain: Chain;
  readonly counted: Counted;
};

/** Tables are compared when the chain stands where they stood. */
async function foldLog(work: Work): Promise<void> {
  const { options, snapshot, chain, counted } = work;
  const total = snapshot.head - work.start.position;
  let done = 0n;
  const threads = createTaskThreads<RangeTask, RangeSummary>(new URL('./verify-thread.ts', import.meta.url), {
    threads: options.threads,
    workerData: { url: options.url },
    onProgress(positions) {
      done += positions;
      options.onProgress({ done, total });
    },
  });
  try {
    await compareAt(work, work.start.position);
    await threads.run(tasksOf(work), async (summary) => {
      chain.add(summary);
      counted.events += summary.events;
      counted.entries += summary.entries;
      counted.keys += summary.keys;
      counted.holds += summary.holds.length;
      await compareAt(work, summary.to);
    });
  } finally {
    await threads.close();
  }
}

async function* tasksOf({ options, snapshot, checkpoints, start }: Work): AsyncGenerator<RangeTask> {
  const { head, projected } = snapshot;
  const stops = [...new Set([...projected.values(), head])]
    .filter((position) => position <= head)
    .sort(ascending);
  // As few tasks as there are threads: what a task comes to is told of each wallet that it touches.
  const share = (head - start.position) / BigInt(options.threads) + 1n;
  const range = share < MIN_RANGE ? MIN_RANGE : share;
  for (let from = start.position; from < head;) {
    const stop = stops.find((position) => position > from) ?? head;
    // Ranges begin where blocks of the tree begin, but for those after a stop.
    const end = ((from + range) / BLOCK_LEAVES) * BLOCK_LEAVES;
    const to = stop < end ? stop : end;
    const marked = await checkpoints.expectWithin({ from, to });
    const readUpTo = (projection: string): bigint => projected.get(projection) ?? 0n;
    const upTo = { transactionsUpTo: readUpTo('transactions'), holdsUpTo: readUpTo('holds') };
    yield { ledgerId: options.ledgerId, from, to, marked, ...upTo };
    from = to;
  }
}

function ascending(left: bigint, right: bigint): number {
  return left < right ? -1 : Number(left > right);
}

async function compareAt(
  { spool, snapshot, start, chain, findings, counted }: Work,
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
  const closed = heads.closedHolds;
  const { written, read } = snapshot.closedHolds;
  const report = (check: CheckName, name: string, found: bigint): void => {
    if (found === BigInt(closed)) return;
    const place = { position: position.toString(), walletId: null };
    findings.add({ check, ...place, expected: `${closed} closed ${name}`, found: found.toString() });
  };
  if (position === snapshot.head) report('hold_heads', 'holds', written);
  if (position === (snapshot.projected.get('holds') ?? 0n)) report('read_models', 'read.holds', read);
}

function checkSnapshot(
  { outside, projected, head, sealed }: Snapshot,
  chain: Chain,
  findings: FindingList,
): void {
  const nowhere = { position: null, walletId: null };
  const report = (check: CheckName, position: bigint | null, what: string): void => {
    if (position === null) return;
    const place = { position: position.toString(), walletId: null };
    findings.add({ check, ...place, expected: `${what} within 1 to ${head}`, found: `one at ${position}` });
  };
  report('positions', outside.event, 'events');
  report('entries', outside.entry, 'entries');
  report('read_models', outside.transaction, 'transactions, as far as they were projected,');
  if (sealed > head)
    findings.add({
      check: 'sealed',
      ...nowhere,
      expected: `${sealed} events, which were sealed`,
      found: `${head} events`,
    });
  for (const [projection, position] of projected) {
    if (position <= head) continue;
    findings.add({
      check: 'read_models',
      ...nowhere,
      expected: `${projection} at ${head} or before`,
      found: position.toString(),
    });
  }
  if (chain.position() < head) throw new Error(`verified ${chain.position()} events of ${head}`);
}

/** Each key of the log was found where it belongs: as many as there are, so there are no others. */
async function checkKeyCount(
  pool: Pool,
  ledgerId: number,
  expected: number,
  { from, to }: { from: bigint; to: bigint },
  findings: FindingList,
): Promise<void> {
  const { rows } = await pool.query<{ within: bigint; outside: bigint }>({
    text: `
select count(*) filter (where k.position > $2::bigint and k.position <= $3::bigint) as within,
       count(*) filter (where k.position < 1 or k.position > l.head_position) as outside
  from idempotency_keys k
  join ledgers l
    on l.id = k.ledger_id
 where k.ledger_id = $1::integer`,
    values: [ledgerId, from, to],
  });
  const { within, outside } = rows[0] ?? { within: 0n, outside: 0n };
  const place = { position: null, walletId: null };
  if (within !== BigInt(expected))
    findings.add({ check: 'keys', ...place, expected: `${expected} keys`, found: `${within} keys` });
  if (outside > 0n)
    findings.add({ check: 'keys', ...place, expected: 'keys of events', found: `${outside} keys of none` });
}
