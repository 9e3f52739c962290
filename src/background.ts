/** What a worker process does besides answering requests: projections, rebuilds, what is due, sealing, and the drift sentinel. */
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { ledgerKeyFile } from './audit/sealed/ledger-key-file.ts';
import { prepareSealing } from './audit/sealed/seal.ts';
import { startSealer } from './audit/sealed/sealer.ts';
import { startSentinel } from './audit/drift/sentinel.ts';
import type { CommandQueue } from './commands/queue.ts';
import type { Command } from './commands/schemas.ts';
import type { Request } from './commands/submission.ts';
import type { Config } from './config.ts';
import { listLedgers, MAIN_LEDGER, type Ledger } from './db/ledgers.ts';
import { canonicalJson } from './events/canonical.ts';
import type { Metrics } from './metrics.ts';
import { ensureCheckpoints } from './projections/catch-up.ts';
import { projections } from './projections/catalog.ts';
import { dueItems, type Due } from './projections/due.ts';
import { DRIFT_QUEUE, SEAL_QUEUE, SWEEP_QUEUE, type Jobs } from './projections/jobs.ts';
import { handsOfMachine, startHands, type Hands } from './projections/rebuild/hands.ts';
import { outdatedProjections, requestRebuild } from './projections/rebuild/request.ts';
import { startSweep } from './projections/sweep.ts';
import { startWorker, type Worker } from './projections/worker.ts';
import type { Recurring } from './recurring.ts';

/** A ledger that is made is worked for after this long at most. */
const LOOK_FOR_LEDGERS_MS = 1_000;

export type BackgroundDeps = {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly pools: { readonly worker: Pool; readonly seal: Pool };
  readonly jobs: Jobs;
  readonly queueOf: (ledgerId: number) => Pick<CommandQueue, 'submit'>;
  readonly metrics: Metrics;
  readonly log: Logger;
};

export type Background = {
  /** Begins nothing new that recurs, and waits for what is under way: it may still need the write side. */
  quieten(): Promise<void>;
  /** Ends the rest. */
  close(): Promise<void>;
};

export async function startBackground(deps: BackgroundDeps): Promise<Background> {
  const { pools, jobs, metrics, log } = deps;
  const worker = await startWorker({
    pool: pools.worker,
    jobs,
    projections,
    log,
    onApplied: ({ ledgerId, projection, events }) =>
      metrics.ofLedger(ledgerId).projectedEvents.inc({ projection }, Number(events)),
  });
  const opened = new AsyncDisposableStack();
  opened.defer(worker.close);
  try {
    const rebuilds = await startRebuilds(deps);
    opened.defer(rebuilds.close);
    return backgroundOf({ worker, rebuilds, duties: await startDuties(deps) });
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

function backgroundOf(parts: {
  readonly worker: Worker;
  readonly rebuilds: Hands;
  readonly duties: { close(): Promise<void> };
}): Background {
  const { worker, rebuilds, duties } = parts;
  return {
    quieten: duties.close,
    async close() {
      await rebuilds.close();
      await worker.close();
    },
  };
}

const RECURRING_QUEUES = [SWEEP_QUEUE, SEAL_QUEUE, DRIFT_QUEUE] as const;

type Duties = Readonly<Record<(typeof RECURRING_QUEUES)[number], Recurring>>;

/** What recurs, for each ledger by itself: those there are, and those that are made while this process works. */
async function startDuties(deps: BackgroundDeps): Promise<{ close(): Promise<void> }> {
  const { pools, jobs, log } = deps;
  const ledgers = new Map<number, Duties>();
  let closed = false;

  async function look(): Promise<void> {
    const found = (await listLedgers(pools.worker)).filter(({ id }) => !ledgers.has(id));
    if (found.length === 0 || closed) return;
    // Whoever made it by hand may have forgotten them.
    await ensureCheckpoints(pools.worker, projections);
    for (const ledger of found) if (!closed) ledgers.set(ledger.id, await dutiesOf(deps, ledger));
  }

  async function closeAll(): Promise<void> {
    closed = true;
    await Promise.all([...ledgers.values()].flatMap(Object.values).map((each: Recurring) => each.close()));
  }

  try {
    await look();
    for (const queue of RECURRING_QUEUES) {
      // One that is not known yet is done at a look of its own, when it is.
      await jobs.serve(queue, async (ledgerId) => ledgers.get(ledgerId)?.[queue].run());
    }
  } catch (error) {
    await closeAll();
    throw error;
  }

  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => log.warn({ err: error }, 'the ledgers could not be listed'))
      .finally(() => {
        looking = null;
      });
  }, LOOK_FOR_LEDGERS_MS);

  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await looking;
      await closeAll();
    },
  };
}

async function dutiesOf(deps: BackgroundDeps, { id: ledgerId, slug }: Ledger): Promise<Duties> {
  const { config, pools, jobs, metrics, log } = deps;
  const keyFile = ledgerKeyFile(config.auditKeyFile, slug);
  if (slug !== MAIN_LEDGER) {
    // One ledger whose key is not usable is not sealed, and says so; the others are.
    await prepareSealing(pools.seal, { ledgerId, keyFile }, log).catch((error: unknown) =>
      log.error({ err: error, ledger: slug }, 'the log of a ledger cannot be sealed'),
    );
  }
  return {
    [SWEEP_QUEUE]: sweep(deps, ledgerId),
    [SEAL_QUEUE]: startSealer({
      ...{ pool: pools.seal, ledgerId, keyFile, log },
      wake: () => jobs.wake(SEAL_QUEUE, ledgerId),
      onRefused: () => metrics.ofLedger(ledgerId).sealingRefusals.inc(),
    }),
    [DRIFT_QUEUE]: startSentinel({
      ...{ pool: pools.seal, ledgerId, log },
      wake: () => jobs.wake(DRIFT_QUEUE, ledgerId),
    }),
  };
}

function sweep({ pools, jobs, queueOf, log }: BackgroundDeps, ledgerId: number): Recurring {
  return startSweep({
    due: (except) => dueItems(pools.worker, ledgerId, except),
    wake: () => jobs.wake(SWEEP_QUEUE, ledgerId),
    end: async (item) => void (await queueOf(ledgerId).submit(requestThatEnds(item))),
    log,
  });
}

/** What the worker asks for when the time of something has come. */
export function requestThatEnds(item: Due): Request {
  return {
    command: commandThatEnds(item),
    idempotencyKey: null,
    canonicalRequest: canonicalJson(item.id),
    actor: 'worker',
    // What a schedule comes to is told apart by it in the feed.
    correlationId: item.kind === 'schedule' ? item.id : null,
  };
}

function commandThatEnds(item: Due): Command {
  switch (item.kind) {
    case 'hold':
      return { kind: 'hold.expire', holdId: item.id };
    case 'lot':
      return { kind: 'lot.expire', lotId: item.id };
    case 'schedule':
      return { kind: 'schedule.run', scheduleId: item.id, postings: item.postings };
  }
}

/** What an earlier program left behind is rebuilt beside what it left, which serves the queries until then. */
async function startRebuilds({ databaseUrl: url, pools, jobs, log }: BackgroundDeps): Promise<Hands> {
  const hands = await startHands({
    ...{ url, pool: pools.worker, jobs, projections, log, hands: handsOfMachine() },
  });
  try {
    const outdated = await outdatedProjections(pools.worker, projections);
    if (outdated.length > 0) {
      await requestRebuild(pools.worker, outdated, { dryRun: false });
      const names = outdated.map(({ name }) => name);
      log.info({ projections: names }, 'read models of an earlier version are rebuilt');
      await hands.wake();
    }
  } catch (error) {
    log.error({ err: error }, 'read models of an earlier version could not be rebuilt');
  }
  return hands;
}
