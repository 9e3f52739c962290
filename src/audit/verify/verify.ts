/**
 * Verifies a ledger in its database, while it is written to: how far everything is and the rows that go on changing are read in one short
 * snapshot, then the log up to there, which does not change any more, in short transactions.
 */
import type { Pool } from 'pg';
import { createChain, FROM_THE_BEGINNING, type ChainStart } from '../fold/chain.ts';
import { checkErasedWallets } from '../fold/erased-wallets.ts';
import { createFindingList, requireSigned, type FindingList } from '../fold/finding.ts';
import type { Counted, Verdict } from '../fold/verdict.ts';
import { createAuditPool } from '../rows/audit-pool.ts';
import type { Threads } from '../threads/task-runner.ts';
import { checkKeyCount, checkSnapshot } from './check-snapshot.ts';
import { checkNodes } from './check-nodes.ts';
import { createCheckpointCheck } from './checkpoint-check.ts';
import type { Sealed } from '../fold/expected-checkpoints.ts';
import { checkErasedValues } from './erased-values.ts';
import { compareAt, foldLog, type Verification } from './fold-log.ts';
import { checkReversals } from './reversed-originals.ts';
import { startSince } from './since-checkpoint.ts';
import { takeSnapshot } from './snapshot.ts';
import { createSpool, type Spool } from './spool.ts';

/** Of each check. */
const MAX_FINDINGS = 200;

export type VerifyOptions = {
  readonly url: string;
  readonly ledgerId: number;
  readonly threads: Threads;
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
  const work = { ...options, pool, spool, findings, snapshot, checkpoints, start, chain, counted };
  await foldLog(work);
  checkSnapshot(snapshot, chain, findings);
  checkErasedWallets(chain.heads, findings);
  requireSigned(findings, { ...options, latest: checkpoints.latest() });
  // Beside each other: the tables are compared here, the rest is looked up by the database.
  await Promise.all([compareAt(work, snapshot.head), lookUpInTheEnd(work)]);
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

/** One after the other: there are two connections, and who waits for one does so for seconds only. */
async function lookUpInTheEnd(work: Verification): Promise<void> {
  const { pool, ledgerId, start, snapshot, chain, counted, findings } = work;
  await checkErasedValues(pool, ledgerId, chain.heads, findings);
  counted.reversals = await checkReversals(pool, ledgerId, chain.heads.reversed, findings);
  await checkNodes(pool, ledgerId, snapshot, findings);
  await checkKeyCount(pool, ledgerId, counted.keys, { from: start.position, to: snapshot.head }, findings);
}

async function startOf(
  pool: Pool,
  { since, ...options }: VerifyOptions,
  findings: FindingList,
): Promise<{ start: ChainStart; sealed: Sealed | null }> {
  if (since === null) return { start: FROM_THE_BEGINNING(), sealed: null };
  return startSince(pool, { ...options, since }, findings);
}
