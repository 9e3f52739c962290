/** The process that keeps the read models: woken by jobs, and by itself once a second should a job be lost. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { classifyFailure } from '../db/failures.ts';
import {
  catchUp,
  ensureCheckpoints,
  isBehind,
  leftToApply,
  MAX_RANGE,
  recordFailure,
  type Which,
} from './catch-up.ts';
import { CATCH_UP_QUEUE, type Jobs } from './jobs.ts';
import type { Projection } from './projection.ts';

/** Under load a pass takes what gathered since the last one: fewer, larger ranges cost far less. */
const PASS_INTERVAL_MS = 50;
/** Passes without news before a job ends: the next nudge starts another. */
const IDLE_PASSES = 2;
/** A job ends after this long even under load, so that the queue's bookkeeping stays fresh. */
const MAX_JOB_MS = 5_000;
const FALLBACK_POLL_MS = 1_000;
/** Jobs of many ledgers are served side by side; several of one ledger at once. */
const MAX_JOBS_AT_ONCE = 16;

export type Worker = { close(): Promise<void> };

export type WorkerDeps = {
  readonly pool: Pool;
  readonly jobs: Jobs;
  readonly projections: readonly Projection[];
  readonly log: Logger;
  readonly onApplied: (applied: { ledgerId: number; projection: string; events: bigint }) => void;
};

export async function startWorker(deps: WorkerDeps): Promise<Worker> {
  const { pool, jobs, projections, log } = deps;
  const stopping = new AbortController();
  await ensureCheckpoints(pool, projections);

  await jobs.boss.work<{ ledgerId: number }>(
    CATCH_UP_QUEUE,
    { batchSize: MAX_JOBS_AT_ONCE, pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 1 },
    async (waiting) => {
      const ledgers = new Set(waiting.map(({ data }) => data.ledgerId));
      await Promise.all([...ledgers].map((ledgerId) => follow(deps, ledgerId, stopping.signal)));
    },
  );

  let polling: Promise<void> | null = null;
  const poll = (): void => {
    // One at a time: a look that hangs on a silent server is not joined by another each second.
    polling ??= followLaggards(deps, stopping.signal)
      .catch((error: unknown) => log.warn({ err: error }, 'the fallback poll of the projections failed'))
      .finally(() => {
        polling = null;
      });
  };
  const timer = setInterval(poll, FALLBACK_POLL_MS);
  poll();

  return {
    async close() {
      stopping.abort();
      clearInterval(timer);
      await polling;
      await jobs.boss.offWork(CATCH_UP_QUEUE, { wait: true });
    },
  };
}

/** Follows the log until nothing new comes. Rejects when a projection cannot go on; the job is then retried. */
async function follow(deps: WorkerDeps, ledgerId: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + MAX_JOB_MS;
  let idle = 0;
  while (idle < IDLE_PASSES && performance.now() < until && !signal.aborted) {
    const passStart = performance.now();
    const applied = await pass(deps, ledgerId, signal);
    idle = applied ? 0 : idle + 1;
    const restMs = Math.max(0, PASS_INTERVAL_MS - (performance.now() - passStart));
    await delay(restMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Applies all there is, range after range; false when there was nothing. */
async function pass(deps: WorkerDeps, ledgerId: number, signal: AbortSignal): Promise<boolean> {
  const { pool, projections } = deps;
  if (!(await isBehind(pool, ledgerId, projections))) return false;
  try {
    return await applyAll(deps, ledgerId, projections, signal);
  } catch (error) {
    deps.log.debug({ err: error }, 'a pass of all projections failed: each goes on by itself');
    return applyEachAlone(deps, ledgerId, signal);
  }
}

async function applyAll(
  deps: WorkerDeps,
  ledgerId: number,
  projections: readonly Projection[],
  signal: AbortSignal,
): Promise<boolean> {
  let any = false;
  for (;;) {
    const { applied, more } = await catchUp(deps.pool, ledgerId, projections);
    for (const { projection, events } of applied) deps.onApplied({ ledgerId, projection, events });
    any ||= applied.length > 0;
    if (!more || signal.aborted) return any;
  }
}

/**
 * So that one projection that cannot go on does not hold up the others, nor its next generation the live one. Rejects
 * with its error in the end.
 */
async function applyEachAlone(deps: WorkerDeps, ledgerId: number, signal: AbortSignal): Promise<boolean> {
  let any = false;
  let failure: { readonly cause: unknown } | null = null;
  for (const projection of deps.projections) {
    for (const which of ['live', 'following'] as const) {
      try {
        any = (await applyUpToTheFault(deps, ledgerId, { projection, which }, signal)) || any;
      } catch (error) {
        failure = { cause: error };
        await reportFailure(deps, ledgerId, { name: projection.name, which }, error);
      }
    }
  }
  if (failure !== null) throw new Error('a projection cannot go on', failure);
  return any;
}

/**
 * Applies everything before the event that cannot be applied, so that the projection stands exactly in front of it: a
 * range that fails is halved until it is that one event. Rejects with its error.
 */
async function applyUpToTheFault(
  { pool, onApplied }: WorkerDeps,
  ledgerId: number,
  { projection, which }: { projection: Projection; which: Which },
  signal: AbortSignal,
): Promise<boolean> {
  const { events, stoodStill } = await leftToApply(pool, ledgerId, projection.name, which);
  // One that stood still is in front of its event already: no need to look for it again.
  let size = stoodStill || events < 1n ? 1n : min(events, MAX_RANGE);
  let any = false;
  while (!signal.aborted) {
    try {
      const { applied, more } = await catchUp(pool, ledgerId, [projection], which, size);
      for (const { events: count } of applied)
        onApplied({ ledgerId, projection: projection.name, events: count });
      any ||= applied.length > 0;
      if (!more) return any;
      size = min(size * 2n, MAX_RANGE);
    } catch (error) {
      // Where the database is away no event is at fault.
      if (size === 1n || classifyFailure(error) === 'unavailable') throw error;
      size /= 2n;
    }
  }
  return any;
}

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

async function reportFailure(
  deps: WorkerDeps,
  ledgerId: number,
  { name, which }: { name: string; which: Which },
  error: unknown,
): Promise<void> {
  const recorded = await recordFailure(deps.pool, ledgerId, name, error, which).catch((failure: unknown) => {
    deps.log.warn({ err: failure, projection: name }, 'the failure of a projection could not be recorded');
    return null;
  });
  const position = recorded?.toString() ?? null;
  deps.log.error({ err: error, projection: name, which, position }, 'a projection stands still');
}

/** Without pg-boss: this is what helps when jobs do not arrive, so it must not need one. */
async function followLaggards(deps: WorkerDeps, signal: AbortSignal): Promise<void> {
  const { rows } = await deps.pool.query<{ ledger_id: number }>({
    name: 'laggards',
    text: `
select distinct c.ledger_id
  from read.checkpoints c
  join ledgers l
    on l.id = c.ledger_id
 where (c.live or c.following)
   and c.position < l.head_position`,
  });
  for (const row of rows) {
    if (!signal.aborted) await pass(deps, row.ledger_id, signal);
  }
}
