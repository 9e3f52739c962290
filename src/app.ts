/** The composition root: config and a database in, a running service out. Everything is wired by hand, here. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createAuditQueries } from './audit/sealed/prove.ts';
import { prepareSealing } from './audit/sealed/seal.ts';
import { addAuditGauges } from './audit/audit-gauges.ts';
import { startBackground } from './background.ts';
import { createDryRun } from './commands/dry-run.ts';
import type { CommandQueue } from './commands/queue.ts';
import { createWriteSide } from './commands/write-side.ts';
import type { Config } from './config.ts';
import { ledgerIdOf } from './db/ledgers.ts';
import { keyProbeSettings, rangeSettings } from './db/key-probes.ts';
import { NotMigratedError, pendingMigrations } from './db/migrate.ts';
import { createPool, type PoolOptions } from './db/pool.ts';
import { demoDataIsProjected, seedDemoData } from './demo-data.ts';
import type { Readiness } from './http/deps.ts';
import { buildServer } from './http/server.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { CATCH_UP_QUEUE, startJobs } from './projections/jobs.ts';
import { createNudger } from './projections/nudge.ts';
import { createBalanceReader } from './projections/queries/coalesced-balances.ts';
import { createPositionWaiter } from './projections/queries/positions.ts';
import { endsWithin } from './time-limit.ts';

/** Between two nudges of the projections at least this long: they take what gathered in the meantime. */
const NUDGE_INTERVAL_MS = 40;

/** So long after the stop began, commands that still wait are answered without an outcome. */
const ABANDON_MS = 3_500;
/** And what is then still connected is cut off. */
const CUT_OFF_MS = 4_000;
/** What the worker, the jobs and the connections get to end. */
const RELEASE_MS = 3_500;

export type AppOptions = {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly roles: { readonly api: boolean; readonly worker: boolean };
};

export type App = {
  /** Null where this process is no API. Not listening yet. */
  readonly http: FastifyInstance | null;
  readonly queue: CommandQueue;
  /** Writes the demo data when the ledger is empty; /ready waits for it to be projected. */
  seed(): Promise<boolean>;
  /**
   * Finishes what is in flight, then lets go of everything. Resolves within some 8 seconds, to false where that meant
   * leaving behind connections on which nobody answers any more.
   */
  close(): Promise<boolean>;
};

/** Rejects with NotMigratedError when the database is not up to date, with KeyFileError when the audit key is not usable. */
export async function createApp(options: AppOptions): Promise<App> {
  const { config, log, roles } = options;
  const metrics = createMetrics();
  const pools = createPools(options);
  const ledgerId = await prepare(options, pools).catch(async (error: unknown) => {
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
    throw error;
  });
  const jobs = await startJobs({ url: options.databaseUrl, log, works: roles.worker });
  const nudger = createNudger({
    wake: () => jobs.wake(CATCH_UP_QUEUE, ledgerId),
    minIntervalMs: NUDGE_INTERVAL_MS,
    log,
  });

  const queue = createWriteSide({
    pool: pools.write,
    ledgerId,
    log,
    maxBatch: config.maxBatch,
    maxQueue: config.maxQueue,
    onCommitted: ({ commands, durationMs }) => {
      metrics.batchCommands.observe(commands);
      metrics.batchSeconds.observe(durationMs / 1_000);
      nudger.nudge();
    },
    onRetry: (reason) => metrics.batchRetries.inc({ reason }),
  });
  metrics.gauge('coffer_queue_depth', 'Commands waiting for a batch.', () => queue.depth());

  const readiness = createReadiness(pools.read, ledgerId);
  const http = roles.api
    ? await buildHttp({ options, metrics, pools, ledgerId, queue, readiness: readiness.check })
    : null;
  const background = roles.worker
    ? await startBackground({
        config,
        databaseUrl: options.databaseUrl,
        pools,
        jobs,
        queue,
        ledgerId,
        metrics,
        log,
      })
    : null;
  addAuditGauges(metrics, pools.read, ledgerId);

  async function release(quiet: Promise<void> | undefined): Promise<void> {
    await quiet;
    await nudger.close();
    await background?.close();
    await jobs.close();
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
  }

  return {
    http,
    queue,
    async seed() {
      readiness.awaitDemoData(true);
      const isDemo = await seedDemoData({ queue, pool: pools.read, ledgerId, log });
      // A ledger with data of its own gets none, and is ready without.
      readiness.awaitDemoData(isDemo);
      return isDemo;
    },
    async close() {
      // Requests wait for their commands, and those for the database: who waits too long is told so, then cut off.
      const abandon = setTimeout(() => queue.abandon(), ABANDON_MS);
      const cutOff = setTimeout(() => http?.server.closeAllConnections(), CUT_OFF_MS);
      const quiet = background?.quieten();
      await http?.close();
      await queue.close();
      clearTimeout(abandon);
      clearTimeout(cutOff);
      return endsWithin(release(quiet), RELEASE_MS);
    },
  };
}

/** Whatever keeps the process from starting is found here, before anything runs. Resolves to the id of the ledger. */
async function prepare({ config, roles, log }: AppOptions, pools: Pools): Promise<number> {
  const pending = await pendingMigrations(pools.read);
  if (pending.length > 0) throw new NotMigratedError(pending);
  const ledgerId = await ledgerIdOf(pools.read, 'main');
  if (roles.worker) await prepareSealing(pools.seal, { ledgerId, keyFile: config.auditKeyFile }, log);
  return ledgerId;
}

type Pools = Readonly<
  Record<'write' | 'read' | 'balances' | 'dryRun' | 'worker' | 'seal', ReturnType<typeof createPool>>
>;

function createPools({ databaseUrl, config, log }: AppOptions): Pools {
  const shared: Omit<PoolOptions, 'name' | 'max'> = {
    url: databaseUrl,
    connectTimeoutMs: 3_000,
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 5_000,
    idleInTransactionTimeoutMs: 10_000,
    onIdleError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  };
  return {
    write: createPool({ ...shared, name: 'write', max: 2, pipeline: true, settings: keyProbeSettings }),
    read: createPool({ ...shared, name: 'read', max: config.readConnections }),
    // Many balances in one statement are key probes, whatever the planner thinks of a table that just grew.
    balances: createPool({ ...shared, name: 'balances', max: 4, settings: keyProbeSettings }),
    // Unlike the worker's: what was signed must not be forgotten in a crash. One seals, one looks.
    seal: createPool({ ...shared, name: 'seal', max: 2, settings: rangeSettings }),
    dryRun: createPool({ ...shared, name: 'dry run', max: 2, pipeline: true, settings: keyProbeSettings }),
    worker: createPool({
      ...shared,
      name: 'worker',
      // One for each who looks by itself (read models, what is due, rebuilds), and one for a pass that a job asked for.
      max: 4,
      pipeline: true,
      // Read models can always be folded again, so their commits need not wait for the disk.
      settings: { ...rangeSettings, synchronous_commit: 'off' },
    }),
  };
}

function buildHttp(parts: {
  options: AppOptions;
  metrics: Metrics;
  pools: Pools;
  ledgerId: number;
  queue: CommandQueue;
  readiness: () => Promise<Readiness>;
}): Promise<FastifyInstance> {
  const { options, metrics, pools, ledgerId, queue, readiness } = parts;
  const { config, log } = options;
  const deps = {
    ledgerId,
    submit: queue.submit,
    submitAtomic: queue.submitAtomic,
    dryRun: createDryRun(pools.dryRun, ledgerId),
    readPool: pools.read,
    positions: createPositionWaiter(pools.read, ledgerId),
    balances: {
      projected: createBalanceReader(pools.balances, ledgerId, 'projected'),
      strong: createBalanceReader(pools.balances, ledgerId, 'strong'),
    },
    audit: createAuditQueries(pools.read, ledgerId),
    readiness,
    metrics,
    waitMs: config.waitMs,
  };
  return buildServer(deps, { logger: log, bodyLimitBytes: config.bodyLimitBytes });
}

/** Ready: the database answers, nothing is left to migrate, and demo data, if any, can be queried. */
function createReadiness(pool: Pools['read'], ledgerId: number) {
  let demoDataAwaited = false;
  return {
    awaitDemoData(awaited: boolean): void {
      demoDataAwaited = awaited;
    },
    async check(): Promise<Readiness> {
      try {
        const pending = await pendingMigrations(pool);
        if (pending.length > 0)
          return { ready: false, reason: `migrations are pending: ${pending.join(', ')}` };
        if (demoDataAwaited && !(await demoDataIsProjected(pool, ledgerId))) {
          return { ready: false, reason: 'the demo data is being written' };
        }
        return { ready: true, reason: null };
      } catch {
        return { ready: false, reason: 'the database does not answer' };
      }
    },
  };
}
