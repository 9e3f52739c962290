/**
 * The hands of a process for rebuilds: woken by jobs, and by a look of their own once a second should a job be lost.
 * They have connections of their own, so that a long step holds up neither the worker nor its stop.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { rangeSettings } from '../../db/key-probes.ts';
import { createPool, inTransaction } from '../../db/pool.ts';
import type { Jobs } from '../jobs.ts';
import type { Projection } from '../projection.ts';
import { isUnderWay, takeStep } from './step.ts';
import { REBUILD_SESSIONS } from './take-over.ts';

const LOOK_MS = 1_000;
/** A hand that found nothing to take looks again after this long at most. */
const PAUSE_MS = 100;
/** A job ends after about this long, and asks for the next one. */
const MAX_JOB_MS = 20_000;
/** An index of a long log is made by one statement. */
const STATEMENT_TIMEOUT_MS = 1_800_000;

const MAX_HANDS = 8;

/** One for each processor, and two at least: one waits for the disk while the other one works. */
export function handsOfMachine(): number {
  return Math.min(MAX_HANDS, Math.max(2, availableParallelism()));
}

export type Hands = {
  /** Asks for jobs, which may come here or to another process. */
  wake(): Promise<void>;
  /** Ends the steps under way: they are taken again by others. */
  close(): Promise<void>;
};

export type HandsDeps = {
  /** For the steps, on connections of their own. */
  readonly url: string;
  /** For short questions: its statements end soon, even where the server does not answer. */
  readonly pool: Pool;
  readonly jobs: Jobs;
  readonly projections: readonly Projection[];
  readonly log: Logger;
  /** As many steps at once. */
  readonly hands: number;
};

export async function startHands(deps: HandsDeps): Promise<Hands> {
  const { pool, jobs, projections, log, hands } = deps;
  // The name tells its sessions from those of other processes, when they are to end.
  const name = `${REBUILD_SESSIONS} ${randomBytes(6).toString('hex')}`;
  const steps = createRebuildPool(deps, name);
  const stopping = new AbortController();
  const { signal } = stopping;

  /** Step after step; false when there was more to do than there was time. */
  async function work(): Promise<boolean> {
    const until = performance.now() + MAX_JOB_MS;
    while (performance.now() < until && !signal.aborted) {
      const step = await takeStep({ pool: steps, projections, log });
      if (step === 'idle') return true;
      if (step === 'waiting') await delay(Math.random() * PAUSE_MS, undefined, { signal });
    }
    return signal.aborted;
  }

  async function runJob(): Promise<void> {
    try {
      if (!(await work())) await jobs.wakeRebuild(hands);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  let looking: Promise<unknown> | null = null;
  const timer = setInterval(() => {
    looking ??= isUnderWay(pool, projections)
      .then((found) => (found && !signal.aborted ? work() : true))
      .catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, 'a rebuild could not go on');
      })
      .finally(() => {
        looking = null;
      });
  }, LOOK_MS);

  async function close(): Promise<void> {
    stopping.abort();
    clearInterval(timer);
    await cancelSteps(pool, name).catch((error: unknown) =>
      log.warn({ err: error }, 'the steps of a rebuild could not be ended'),
    );
    await looking;
    await jobs.offRebuild();
    await steps.end();
  }

  await jobs.onRebuild(hands, runJob).catch(async (error: unknown) => {
    await close();
    throw error;
  });

  return { wake: () => jobs.wakeRebuild(hands), close };
}

function createRebuildPool({ url, hands, log }: HandsDeps, name: string): Pool {
  return createPool({
    url,
    name,
    // One for the look of its own.
    max: hands + 1,
    connectTimeoutMs: 5_000,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    lockTimeoutMs: 5_000,
    idleInTransactionTimeoutMs: 10_000,
    settings: {
      ...rangeSettings,
      synchronous_commit: 'off',
      work_mem: '64MB',
      maintenance_work_mem: '256MB',
    },
    onIdleError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  });
}

/** Twice: a hand between two statements of its step would miss the first. */
async function cancelSteps(pool: Pool, name: string): Promise<void> {
  for (const pauseMs of [0, 50]) {
    await delay(pauseMs);
    await inTransaction(pool, async (tx) => {
      // Whom a role may cancel goes by who logged in, and so do we all.
      await tx.query('set local role none');
      await tx.query({
        text: `
select pg_cancel_backend(pid)
  from pg_stat_activity
 where datname = current_database()
   and application_name = $1::text
   and state = 'active'`,
        values: [`coffer ${name}`],
      });
    });
  }
}
