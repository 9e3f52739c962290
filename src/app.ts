/** The composition root: config and a database in, a running service out. Everything is wired by hand, here. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createKeyRing, RING_LIMITS, type KeyRing } from './access/key-ring.ts';
import { registerEnvironmentKey } from './access/keys.ts';
import { prepareSealing } from './audit/sealed/seal.ts';
import { createVerifications } from './audit/verify/verifications.ts';
import { startBackground } from './background.ts';
import type { CommandQueue } from './commands/queue.ts';
import type { Config } from './config.ts';
import { ledgerIdOf, MAIN_LEDGER } from './db/ledgers.ts';
import { keyProbeSettings, rangeSettings } from './db/key-probes.ts';
import { NotMigratedError, pendingMigrations } from './db/migrate.ts';
import { createPool, type PoolOptions } from './db/pool.ts';
import { seedDemoData } from './demo-data.ts';
import { buildServer } from './http/server.ts';
import type { Readiness } from './http/deps.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createLedgers, type Ledgers } from './ledger-services.ts';
import { startJobs } from './projections/jobs.ts';
import { handsOfMachine } from './projections/rebuild/hands.ts';
import { createReadiness } from './readiness.ts';
import { endsWithin } from './time-limit.ts';

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
  /** Of the ledger `main`. */
  readonly queue: CommandQueue;
  /** Whether requests need a key. */
  authenticates(): boolean;
  /** Writes the demo data when the ledger, by default `main`, is empty; /ready waits for it to be projected. */
  seed(slug?: string): Promise<boolean>;
  /**
   * Finishes what is in flight, then lets go of everything. Resolves within some 8 seconds, to false where that meant
   * leaving behind connections on which nobody answers any more.
   */
  close(): Promise<boolean>;
};

/** Rejects with NotMigratedError when the database is not up to date, with KeyFileError when the audit key is not usable. */
export async function createApp(options: AppOptions): Promise<App> {
  const opened = new AsyncDisposableStack();
  try {
    return await openApp(options, opened);
  } catch (error) {
    // Whatever was opened would go on working for nobody, and keep the process.
    const released = opened
      .disposeAsync()
      .catch((fault: unknown) =>
        options.log.warn({ err: fault }, 'a start that failed left something behind'),
      );
    await endsWithin(released, RELEASE_MS);
    throw error;
  }
}

/** `opened` is told of all that has to be let go of should a later step fail. */
async function openApp(options: AppOptions, opened: AsyncDisposableStack): Promise<App> {
  const { config, log, roles } = options;
  const metrics = createMetrics();
  const pools = createPools(options);
  const endPools = async (): Promise<void> =>
    void (await Promise.all(Object.values(pools).map((pool) => pool.end())));
  opened.defer(endPools);
  const ledgerId = await prepare(options, pools);
  const jobs = await startJobs({ url: options.databaseUrl, log, works: roles.worker });
  opened.defer(jobs.close);
  const readiness = createReadiness(pools.ready, ledgerId);
  const verifications = createVerifications({ url: options.databaseUrl, log });
  opened.defer(verifications.close);
  const ledgers = createLedgers(
    { config, pools, databaseUrl: options.databaseUrl, jobs, verifications, metrics, log, writes: readiness },
    ledgerId,
  );
  opened.defer(ledgers.release);
  opened.defer(ledgers.close);
  const queue = ledgers.queueOf(ledgerId);
  const keys = roles.api ? await openKeyRing(options, pools, ledgerId) : null;
  if (keys !== null) opened.defer(keys.close);
  const http =
    keys === null
      ? null
      : await buildHttp({
          ...{ options, metrics, ledgerId, ledgers, keys, readiness: readiness.check },
          wakeRebuilds: () => jobs.wakeRebuild(handsOfMachine()),
        });
  if (http !== null) opened.defer(() => http.close());
  const background = roles.worker
    ? await startBackground({
        config,
        databaseUrl: options.databaseUrl,
        pools,
        jobs,
        queueOf: ledgers.queueOf,
        metrics,
        log,
      })
    : null;

  async function release(quiet: Promise<void> | undefined): Promise<void> {
    await quiet;
    await keys?.close();
    await ledgers.release();
    await verifications.close();
    await background?.close();
    await jobs.close();
    await endPools();
  }

  return {
    http,
    queue,
    authenticates: () => keys?.isClosed() ?? false,
    async seed(slug = MAIN_LEDGER) {
      const seeded = await ledgerIdOf(pools.read, slug);
      const source = { queue: ledgers.queueOf(seeded), pool: pools.read, ledgerId: seeded, log };
      if (seeded !== ledgerId) return seedDemoData(source);
      readiness.awaitDemoData(true);
      const isDemo = await seedDemoData(source);
      // A ledger with data of its own gets none, and is ready without.
      readiness.awaitDemoData(isDemo);
      return isDemo;
    },
    async close() {
      // Requests wait for their commands, and those for the database: who waits too long is told so, then cut off.
      const abandon = setTimeout(() => ledgers.abandon(), ABANDON_MS);
      const cutOff = setTimeout(() => http?.server.closeAllConnections(), CUT_OFF_MS);
      const quiet = background?.quieten();
      await http?.close();
      await ledgers.close();
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
  const ledgerId = await ledgerIdOf(pools.read, MAIN_LEDGER);
  if (roles.worker) await prepareSealing(pools.seal, { ledgerId, keyFile: config.auditKeyFile }, log);
  return ledgerId;
}

type Pools = Readonly<
  Record<
    'access' | 'write' | 'read' | 'ready' | 'balances' | 'dryRun' | 'worker' | 'seal',
    ReturnType<typeof createPool>
  >
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
    // Its one connection listens; one that answers late is given up for another.
    access: createPool({ ...shared, ...{ name: 'access', max: 1 }, ...RING_LIMITS }),
    write: createPool({ ...shared, name: 'write', max: 2, pipeline: true, settings: keyProbeSettings }),
    read: createPool({ ...shared, name: 'read', max: config.readConnections }),
    ready: createPool({ ...shared, name: 'ready', max: 1 }),
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

/** What the environment gives is a key like others, so that events and lists can name it. */
async function openKeyRing({ config, log }: AppOptions, pools: Pools, ledgerId: number): Promise<KeyRing> {
  const { adminKey } = config;
  if (adminKey !== null) {
    const key = await registerEnvironmentKey(pools.read, ledgerId, adminKey);
    if (key.state !== 'valid')
      log.warn(
        { key: key.id, state: key.state },
        'the key in COFFER_ADMIN_KEY does not count: choose another',
      );
  }
  return createKeyRing({ pool: pools.access, environmentKey: adminKey, log });
}

function buildHttp(parts: {
  options: AppOptions;
  metrics: Metrics;
  ledgerId: number;
  ledgers: Ledgers;
  keys: KeyRing;
  readiness: () => Promise<Readiness>;
  wakeRebuilds: () => Promise<void>;
}): Promise<FastifyInstance> {
  const { options, metrics, ledgerId, ledgers, keys, ...rest } = parts;
  const { config, log } = options;
  const deps = { mainLedgerId: ledgerId, servicesOf: ledgers.of, keys, metrics, ...rest };
  const origins = { allowedHosts: config.allowedHosts, authenticates: keys.isClosed };
  return buildServer(deps, { logger: log, origins, limits: config });
}
