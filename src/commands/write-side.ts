/** The write side of one ledger, put together: queue, batch runner, caches. */
import type { Logger } from 'pino';
import type { Pool } from 'pg';
import { createBatchRunner, type BatchRunnerDeps } from './batch.ts';
import { contextFor } from './decision-context.ts';
import { createDirectoryCache } from './directory-cache.ts';
import { createKnownHeads } from './known-heads.ts';
import { createCommandQueue, type CommandQueue } from './queue.ts';

const MAX_ATTEMPTS = 10;
const BATCH_DEADLINE_MS = 10_000;
const MAX_WAIT_MS = 10_000;

export function createWriteSide(options: {
  pool: Pool;
  ledgerId: number;
  log: Logger;
  maxBatch: number;
  maxQueue: number;
  onCommitted: BatchRunnerDeps['onCommitted'];
  onRetry: BatchRunnerDeps['onRetry'];
  onUnavailable?: BatchRunnerDeps['onUnavailable'];
  /** No further attempt at a batch starts after this long. */
  batchDeadlineMs?: number;
  /** A command that has waited this long without being started is refused. */
  maxWaitMs?: number;
}): CommandQueue {
  const { pool, ledgerId, log, onCommitted, onRetry } = options;
  const runBatch = createBatchRunner({
    pool,
    ledgerId,
    cache: createDirectoryCache(ledgerId),
    known: createKnownHeads(),
    contextFor,
    log,
    maxAttempts: MAX_ATTEMPTS,
    deadlineMs: options.batchDeadlineMs ?? BATCH_DEADLINE_MS,
    onCommitted,
    onRetry,
    onUnavailable: options.onUnavailable ?? (() => undefined),
  });
  return createCommandQueue({
    runBatch,
    maxQueued: options.maxQueue,
    maxBatch: options.maxBatch,
    maxWaitMs: options.maxWaitMs ?? MAX_WAIT_MS,
  });
}
