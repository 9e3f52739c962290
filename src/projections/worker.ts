/** The process that keeps the read models: woken by jobs, and by itself once a second should a job be lost. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { catchUp, ensureCheckpoints, isBehind, recordFailure } from './catch-up.ts';
import { queueOf, type Jobs } from './jobs.ts';
import type { Projection } from './projection.ts';

/** Under load a pass takes what gathered since the last one: fewer, larger ranges cost far less. */
const PASS_INTERVAL_MS = 25;
/** Passes without news before a job ends: the next nudge starts another. */
const IDLE_PASSES = 2;
/** A job ends after this long even under load, so that the queue's bookkeeping stays fresh. */
const MAX_JOB_MS = 5_000;
const FALLBACK_POLL_MS = 1_000;

export type Worker = { close(): Promise<void> };

export type WorkerDeps = {
  readonly pool: Pool;
  readonly jobs: Jobs;
  readonly projections: readonly Projection[];
  readonly log: Logger;
  readonly onApplied: (projection: string, events: bigint) => void;
};

export async function startWorker(deps: WorkerDeps): Promise<Worker> {
  const { pool, jobs, projections, log } = deps;
  const stopping = new AbortController();
  await ensureCheckpoints(pool, projections);

  for (const projection of projections) {
    await jobs.boss.work<{ ledgerId: number }>(
      queueOf(projection.name),
      { batchSize: 1, pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 1 },
      async ([job]) => {
        if (job !== undefined) await follow(deps, job.data.ledgerId, projection, stopping.signal);
      },
    );
  }

  let polling: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    polling = polling.then(() => wakeLaggards(deps)).catch((error: unknown) => {
      log.warn({ err: error }, 'the fallback poll of the projections failed');
    });
  }, FALLBACK_POLL_MS);
  await wakeLaggards(deps);

  return {
    async close() {
      stopping.abort();
      clearInterval(timer);
      await polling;
      await Promise.all(projections.map(({ name }) => jobs.boss.offWork(queueOf(name), { wait: true })));
    },
  };
}

/** Follows the log until nothing new comes. Rejects when the projection cannot go on; the job is then retried. */
async function follow(deps: WorkerDeps, ledgerId: number, projection: Projection, signal: AbortSignal): Promise<void> {
  const until = performance.now() + MAX_JOB_MS;
  let idle = 0;
  while (idle < IDLE_PASSES && performance.now() < until && !signal.aborted) {
    const passStart = performance.now();
    const applied = await pass(deps, ledgerId, projection, signal);
    idle = applied ? 0 : idle + 1;
    const restMs = Math.max(0, PASS_INTERVAL_MS - (performance.now() - passStart));
    await delay(restMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Applies all there is, range after range; false when there was nothing. */
async function pass(deps: WorkerDeps, ledgerId: number, projection: Projection, signal: AbortSignal): Promise<boolean> {
  try {
    if (!(await isBehind(deps.pool, ledgerId, projection))) return false;
    for (;;) {
      const { applied, position, head } = await catchUp(deps.pool, ledgerId, projection);
      if (applied > 0n) deps.onApplied(projection.name, applied);
      if (position >= head || signal.aborted) return true;
    }
  } catch (error) {
    await reportFailure(deps, ledgerId, projection.name, error);
    throw error;
  }
}

async function reportFailure(deps: WorkerDeps, ledgerId: number, name: string, error: unknown): Promise<void> {
  deps.log.error({ err: error, projection: name }, 'a projection stands still');
  await recordFailure(deps.pool, ledgerId, name, error).catch((failure: unknown) => {
    deps.log.warn({ err: failure, projection: name }, 'the failure of a projection could not be recorded');
  });
}

async function wakeLaggards(deps: WorkerDeps): Promise<void> {
  const { rows } = await deps.pool.query<{ ledger_id: number; projection: string }>(`
select c.ledger_id, c.projection
  from read.checkpoints c
  join ledgers l
    on l.id = c.ledger_id
 where c.live
   and c.position < l.head_position`);
  for (const row of rows) await deps.jobs.wake(row.ledger_id, [row.projection]);
}
