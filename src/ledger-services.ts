/** What serves one ledger: made when the ledger is first asked for, let go of when many others were asked for since. */
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { addAuditGauges } from './audit/audit-gauges.ts';
import { exportTar } from './audit/export/export-tar.ts';
import type { Verifications } from './audit/verify/verifications.ts';
import { createAuditQueries } from './audit/sealed/prove.ts';
import { createDryRun } from './commands/dry-run.ts';
import type { CommandQueue } from './commands/queue.ts';
import type { Request } from './commands/submission.ts';
import { createWriteSide } from './commands/write-side.ts';
import type { Config } from './config.ts';
import { OperationalError } from './errors.ts';
import { createTail, type Tail } from './events/tail.ts';
import type { LedgerServices } from './http/deps.ts';
import type { LedgerMetrics, Metrics } from './metrics.ts';
import { CATCH_UP_QUEUE, type Jobs } from './projections/jobs.ts';
import { createNudger, type Nudger } from './projections/nudge.ts';
import { addProjectionGauges } from './projections/projection-gauges.ts';
import { createBalanceReader } from './projections/queries/coalesced-balances.ts';
import { createPositionWaiter } from './projections/queries/positions.ts';

/** Between two nudges of the projections at least this long: they take what gathered in the meantime. */
const NUDGE_INTERVAL_MS = 40;

/** So many ledgers are served at once. Each has caches and a queue of its own; they share the connections. */
const MAX_LEDGERS = 256;

export type Ledgers = {
  /** Throws OperationalError (overloaded) while as many ledgers as are served at once have commands waiting. */
  of(ledgerId: number): LedgerServices;
  queueOf(ledgerId: number): CommandQueue;
  /** Answers everyone who waits, without an outcome. */
  abandon(): void;
  /** Finishes what was taken. */
  close(): Promise<void>;
  /** After that: waits for the nudges and looks in flight. */
  release(): Promise<void>;
};

export type LedgersDeps = {
  readonly config: Config;
  readonly pools: {
    readonly write: Pool;
    readonly read: Pool;
    readonly balances: Pool;
    readonly dryRun: Pool;
  };
  readonly databaseUrl: string;
  readonly jobs: Jobs;
  readonly verifications: Verifications;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Told what becomes of batches. */
  readonly writes: { batchCommitted(): void; batchFailed(cause: unknown): void };
};

type Served = {
  readonly services: LedgerServices;
  readonly queue: CommandQueue;
  readonly nudger: Nudger;
  readonly tail: Tail;
};

/** The ledger `pinned` stays, whatever else is asked for. */
export function createLedgers(deps: LedgersDeps, pinned: number): Ledgers {
  /** Who was asked for last comes last. */
  const served = new Map<number, Served>();
  /** Metrics outlive the services, so that counts go on. */
  const measured = new Set<number>();

  function get(ledgerId: number): Served {
    const known = served.get(ledgerId);
    if (known !== undefined) {
      // Of one ledger alone nothing has to be put in order.
      if (served.size > 1) {
        served.delete(ledgerId);
        served.set(ledgerId, known);
      }
      return known;
    }
    if (served.size >= MAX_LEDGERS) makeRoom();
    const made = serve(deps, ledgerId, (of) => get(of).queue);
    served.set(ledgerId, made);
    if (!measured.has(ledgerId)) measure(ledgerId);
    return made;
  }

  function measure(ledgerId: number): void {
    measured.add(ledgerId);
    const metrics = deps.metrics.ofLedger(ledgerId);
    const depth = (): number => served.get(ledgerId)?.queue.depth() ?? 0;
    metrics.gauge('coffer_queue_depth', 'Commands waiting for a batch.', depth);
    addAuditGauges(metrics, deps.pools.read, ledgerId);
    addProjectionGauges(metrics, deps.pools.read, ledgerId);
  }

  /** Only who has nothing under way goes. Who still holds its services submits to the queue that is made next. */
  function makeRoom(): void {
    for (const [ledgerId, { queue, tail }] of served) {
      if (ledgerId === pinned || !queue.isIdle() || !tail.isIdle()) continue;
      served.delete(ledgerId);
      void queue.close();
      return;
    }
    const message = 'Too many ledgers have commands waiting at once.';
    throw new OperationalError('overloaded', message, { retryAfterSeconds: 1 });
  }

  get(pinned);
  const all = (): Served[] => [...served.values()];
  return {
    of: (ledgerId) => get(ledgerId).services,
    queueOf: (ledgerId) => get(ledgerId).queue,
    abandon: () => all().forEach(({ queue }) => queue.abandon()),
    close: async () => void (await Promise.all(all().map(({ queue }) => queue.close()))),
    release: async () =>
      void (await Promise.all(all().flatMap(({ nudger, tail }) => [nudger.close(), tail.close()]))),
  };
}

function serve(deps: LedgersDeps, ledgerId: number, queueOf: (ledgerId: number) => CommandQueue): Served {
  const { config, pools, jobs, verifications, log } = deps;
  const metrics = deps.metrics.ofLedger(ledgerId);
  const nudger = createNudger({
    wake: () => jobs.wake(CATCH_UP_QUEUE, ledgerId),
    minIntervalMs: NUDGE_INTERVAL_MS,
    log,
  });
  const tail = createTail(pools.read, ledgerId, log);
  const queue = writeSideOf(deps, { ledgerId, metrics, nudger, tail });
  const services = {
    ledgerId,
    submit: (request: Request) => queueOf(ledgerId).submit(request),
    submitEach: (requests: readonly Request[]) => queueOf(ledgerId).submitEach(requests),
    submitAtomic: (requests: readonly Request[]) => queueOf(ledgerId).submitAtomic(requests),
    dryRun: createDryRun(pools.dryRun, ledgerId),
    readPool: pools.read,
    positions: createPositionWaiter(pools.read, ledgerId),
    balances: {
      projected: createBalanceReader(pools.balances, ledgerId, 'projected'),
      strong: createBalanceReader(pools.balances, ledgerId, 'strong'),
    },
    audit: createAuditQueries(pools.read, ledgerId),
    tail,
    verifications: {
      start: () => verifications.start(ledgerId),
      list: () => verifications.list(ledgerId),
      find: (id: string) => verifications.find(ledgerId, id),
    },
    exportTar: ({ slug, from, to, onEnd }: Parameters<LedgerServices['exportTar']>[0]) =>
      exportTar({ url: deps.databaseUrl, ledger: { id: ledgerId, slug }, from, to, log }, onEnd),
    queue: () => {
      const queue = queueOf(ledgerId);
      return { depth: queue.depth(), capacity: config.maxQueue, shuttingDown: queue.isClosed() };
    },
    metrics,
    waitMs: config.waitMs,
  };
  return { services, queue, nudger, tail };
}

function writeSideOf(
  { config, pools, log, writes }: LedgersDeps,
  {
    ledgerId,
    metrics,
    nudger,
    tail,
  }: { ledgerId: number; metrics: LedgerMetrics; nudger: Nudger; tail: Tail },
): CommandQueue {
  return createWriteSide({
    pool: pools.write,
    ledgerId,
    log,
    maxBatch: config.maxBatch,
    maxQueue: config.maxQueue,
    onCommitted: ({ commands, durationMs }) => {
      metrics.batchCommands.observe(commands);
      metrics.batchSeconds.observe(durationMs / 1_000);
      metrics.recentBatches.add({ commands, durationMs });
      writes.batchCommitted();
      nudger.nudge();
      tail.wake();
    },
    onRetry: (reason) => metrics.batchRetries.inc({ reason }),
    onUnavailable: writes.batchFailed,
  });
}
