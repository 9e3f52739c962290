/** What a worker process does besides answering requests: projections, rebuilds, what is due, sealing, and the drift sentinel. */
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { startSealer } from './audit/sealed/sealer.ts';
import { startSentinel } from './audit/drift/sentinel.ts';
import type { CommandQueue } from './commands/queue.ts';
import type { Command } from './commands/schemas.ts';
import type { Config } from './config.ts';
import { canonicalJson } from './events/canonical.ts';
import type { Metrics } from './metrics.ts';
import { projections } from './projections/catalog.ts';
import { dueItems, type Due } from './projections/due.ts';
import { DRIFT_QUEUE, SEAL_QUEUE, SWEEP_QUEUE, type Jobs } from './projections/jobs.ts';
import { handsOfMachine, startHands, type Hands } from './projections/rebuild/hands.ts';
import { outdatedProjections, requestRebuild } from './projections/rebuild/request.ts';
import { startSweep } from './projections/sweep.ts';
import { startWorker } from './projections/worker.ts';
import type { Recurring } from './recurring.ts';

export type BackgroundDeps = {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly pools: { readonly worker: Pool; readonly seal: Pool };
  readonly jobs: Jobs;
  readonly queue: CommandQueue;
  readonly ledgerId: number;
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
  const { config, pools, jobs, ledgerId, metrics, log } = deps;
  const worker = await startWorker({
    pool: pools.worker,
    jobs,
    projections,
    log,
    onApplied: (projection, events) => metrics.projectedEvents.inc({ projection }, Number(events)),
  });
  const rebuilds = await startRebuilds(deps);
  const recurring: readonly (readonly [
    typeof SWEEP_QUEUE | typeof SEAL_QUEUE | typeof DRIFT_QUEUE,
    Recurring,
  ])[] = [
    [SWEEP_QUEUE, sweep(deps)],
    [
      SEAL_QUEUE,
      startSealer({
        ...{ pool: pools.seal, ledgerId, keyFile: config.auditKeyFile, log },
        wake: () => jobs.wake(SEAL_QUEUE, ledgerId),
        onRefused: () => metrics.sealingRefusals.inc(),
      }),
    ],
    [
      DRIFT_QUEUE,
      startSentinel({ pool: pools.seal, ledgerId, wake: () => jobs.wake(DRIFT_QUEUE, ledgerId), log }),
    ],
  ];
  for (const [queue, { run }] of recurring) await jobs.serve(queue, run);

  return {
    async quieten() {
      await Promise.all(recurring.map(([, each]) => each.close()));
    },
    async close() {
      await rebuilds.close();
      await worker.close();
    },
  };
}

function sweep({ pools, jobs, queue, ledgerId, log }: BackgroundDeps): Recurring {
  return startSweep({
    due: (except) => dueItems(pools.worker, ledgerId, except),
    wake: () => jobs.wake(SWEEP_QUEUE, ledgerId),
    end: async (item) => {
      await queue.submit({
        command: commandThatEnds(item),
        idempotencyKey: null,
        canonicalRequest: canonicalJson(item.id),
        actor: 'worker',
        // What a schedule comes to is told apart by it in the feed.
        correlationId: item.kind === 'schedule' ? item.id : null,
      });
    },
    log,
  });
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
