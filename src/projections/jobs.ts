/**
 * pg-boss as the projections use it. A job says only "catch up"; from where, the checkpoint says. So a job that
 * is lost delays and one that comes twice does nothing.
 */
import { PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import { sessionOf } from '../db/session.ts';

const JOB_EXPIRES_SECONDS = 60;
const QUERY_TIMEOUT_MS = 10_000;
const DEAD_LETTERS_KEPT_SECONDS = 86_400;

/** One queue for all projections: a pass of the worker serves them together. */
export const CATCH_UP_QUEUE = 'catch-up';
/** Ends what is due. */
export const SWEEP_QUEUE = 'sweep';
/** Seals what is new in the log. */
export const SEAL_QUEUE = 'seal';
/** Derives part of the log again. */
export const DRIFT_QUEUE = 'drift';
/** Takes parts of rebuilds. */
export const REBUILD_QUEUE = 'rebuild';

/** Where jobs go that failed each time they were tried; nobody takes them. */
export const DEAD_LETTERS = 'dead-letters';

export type LedgerQueue = typeof CATCH_UP_QUEUE | typeof SWEEP_QUEUE | typeof SEAL_QUEUE | typeof DRIFT_QUEUE;

export type JobsOptions = {
  readonly url: string;
  readonly log: Logger;
  /** True in the process that works: it listens for new jobs and does pg-boss's own housekeeping. */
  readonly works: boolean;
};

export type Jobs = {
  readonly boss: PgBoss;
  /** Asks for a job of a queue for a ledger. One waits per ledger; a second one is dropped. */
  wake(queue: LedgerQueue, ledgerId: number): Promise<void>;
  /** Serves that. */
  serve(queue: LedgerQueue, run: (ledgerId: number) => Promise<void>): Promise<void>;
  /** Asks for as many hands for the rebuilds that are under way. */
  wakeRebuild(hands: number): Promise<void>;
  /** Serves that, with as many of them at once. */
  onRebuild(hands: number, run: () => Promise<void>): Promise<void>;
  /** Serves it no longer, once those at work have ended. */
  offRebuild(): Promise<void>;
  close(): Promise<void>;
};

/** Starts pg-boss; its schema must exist (see installJobs). */
export async function startJobs(options: JobsOptions): Promise<Jobs> {
  const { log, works } = options;
  // pg-boss hands its options to the driver's pool. A server that went silent answers no statement_timeout either.
  const silence = { query_timeout: QUERY_TIMEOUT_MS, keepAlive: true };
  // A session keeps for life what it was told at its beginning, such as that the database is read-only.
  const turnover = { maxLifetimeSeconds: 60 };
  const boss = new PgBoss({
    ...silence,
    ...turnover,
    // A job lost in a crash of the server delays nothing that the fallback poll does not find.
    ...sessionOf(options.url, { synchronous_commit: 'off', statement_timeout: '8000', timezone: 'UTC' }),
    application_name: `coffer jobs ${works ? 'worker' : 'api'}`,
    max: works ? 6 : 2,
    connectionTimeoutMillis: 5_000,
    migrate: false,
    createSchema: false,
    supervise: works,
    schedule: false,
    useListenNotify: works,
  });
  boss.on('error', (error) => log.warn({ err: error }, 'pg-boss'));
  boss.on('warning', (warning) => log.warn({ warning }, 'pg-boss'));
  await boss.start().catch(async (error: unknown) => {
    await boss.stop({ graceful: false }).catch(() => undefined);
    throw error;
  });

  async function wake(queue: LedgerQueue, ledgerId: number): Promise<void> {
    await boss.send(queue, { ledgerId }, { singletonKey: ledgerId.toString() });
  }

  async function serve(queue: LedgerQueue, run: (ledgerId: number) => Promise<void>): Promise<void> {
    await boss.work<{ ledgerId: number }>(
      queue,
      { batchSize: 1, pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 1 },
      async ([job]) => {
        if (job !== undefined) await run(job.data.ledgerId);
      },
    );
  }

  async function wakeRebuild(hands: number): Promise<void> {
    await boss.insert(
      REBUILD_QUEUE,
      Array.from({ length: hands }, (_, hand) => ({ singletonKey: hand.toString() })),
    );
  }

  async function onRebuild(hands: number, run: () => Promise<void>): Promise<void> {
    // Rebuilds are rare: their jobs are announced, and what an announcement misses is found by a look without jobs.
    const options = { batchSize: 1, pollingIntervalSeconds: 5, notifyPollingIntervalSeconds: 30 };
    await boss.work(REBUILD_QUEUE, { ...options, localConcurrency: hands }, run);
  }

  return {
    boss,
    wake,
    serve,
    wakeRebuild,
    onRebuild,
    offRebuild: () => boss.offWork(REBUILD_QUEUE, { wait: true }),
    close: () => boss.stop({ graceful: true, timeout: 5_000 }),
  };
}

/** Creates or updates pg-boss's schema and the queues: part of `migrate`. */
export async function installJobs(url: string, log: Logger): Promise<void> {
  const boss = new PgBoss({ connectionString: url, max: 1, supervise: false, schedule: false });
  boss.on('error', (error) => log.warn({ err: error }, 'pg-boss'));
  await boss.start();
  try {
    const settings = {
      notify: true,
      retryLimit: 3,
      retryDelay: 1,
      retryBackoff: true,
      expireInSeconds: JOB_EXPIRES_SECONDS,
      retentionSeconds: 3_600,
      deleteAfterSeconds: 60,
      deadLetter: DEAD_LETTERS,
    };
    if ((await boss.getQueue(DEAD_LETTERS)) === null)
      await boss.createQueue(DEAD_LETTERS, { retentionSeconds: DEAD_LETTERS_KEPT_SECONDS });
    // `short`: one job queued, any number active, so a nudge is never dropped against an active job.
    for (const queue of [CATCH_UP_QUEUE, SWEEP_QUEUE, SEAL_QUEUE, DRIFT_QUEUE, REBUILD_QUEUE]) {
      const known = await boss.getQueue(queue);
      if (known === null) await boss.createQueue(queue, { ...settings, policy: 'short' });
      else await boss.updateQueue(queue, settings);
    }
  } finally {
    await boss.stop({ graceful: false });
  }
}
