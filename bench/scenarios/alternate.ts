// Measures systems in turns, since a machine has good and bad minutes and what runs in one stretch may
// get all of one kind. Each measurement follows a warm-up of the same load.

import type { Load, LoadResult } from '../load/generator.ts';
import type { OpenLoadResult } from '../load/open-loop.ts';
import type { LoadPlan } from '../load/plan.ts';
import type { PgbenchResult } from '../postgres/pgbench.ts';
import { readCpuSeconds } from '../process-figures.ts';
import { waitUntilQuiet } from '../postgres/quiet.ts';
import { readWal, walSince } from '../postgres/wal.ts';
import { median } from '../statistics.ts';
import type { Batches, System } from '../systems/system.ts';
import { NO_FIGURES, type Bench, type BestPgbench, type Figures, type Row } from './scenario.ts';

/** One that takes part in the turns. */
export type Contender = { name: string; measure(round: number): Promise<Figures> };

export async function alternate(bench: Bench, contenders: readonly Contender[]): Promise<Row[]> {
  const rounds = new Map<Contender, Figures[]>(contenders.map((contender) => [contender, []]));
  for (let round = 1; round <= bench.options.rounds; round += 1) {
    for (const contender of contenders) {
      const figures = await contender.measure(round);
      rounds.get(contender)?.push(figures);
      bench.log(`  round ${round} ${contender.name}: ${Math.round(figures.throughput)}/s`);
    }
  }
  return contenders.map((contender) => toRow(contender.name, rounds.get(contender) ?? []));
}

export type SystemLoad = { plan: LoadPlan; connections: number };

/** A system under a closed loop. `commands` says whether the load writes. */
export function systemContender(bench: Bench, system: System, load: SystemLoad): Contender {
  return {
    name: system.name,
    async measure(round) {
      const { seconds, warmUpSeconds } = bench.options;
      // The first time there is code to compile and a cache to fill, later only the load to build up.
      const warmUp = round === 1 ? warmUpSeconds * 2 : warmUpSeconds;
      await runCounted(bench, system, { ...load, baseUrl: system.baseUrl, seconds: warmUp });
      await waitUntilQuiet(system.databaseUrl);
      const before = await takeReadings(bench, system);
      const result = await runCounted(bench, system, { ...load, baseUrl: system.baseUrl, seconds });
      const after = await takeReadings(bench, system);
      const backlog = await system.settle();
      await waitUntilQuiet(system.databaseUrl);
      const wal = walSince(before.wal, after.wal);
      return {
        throughput: result.throughput,
        p50Ms: result.p50Ms,
        p99Ms: result.p99Ms,
        maxMs: result.maxMs,
        processCpu: (after.cpuSeconds - before.cpuSeconds) / result.seconds,
        cpuMicros: numberOrNull((1e6 * (cpuOf(after) - cpuOf(before))) / result.acknowledged),
        batchCommands: load.plan.keyed ? averageBatch(before.batches, after.batches) : null,
        walBytesPerCommand: load.plan.keyed ? wal.bytes / result.acknowledged : null,
        flushesPerSecond: load.plan.keyed ? wal.flushes / result.seconds : null,
        backlogEvents: backlog?.events ?? null,
      };
    },
  };
}

/** Everything that is read before and after a load, to tell what the load was. */
async function takeReadings(bench: Bench, system: System) {
  return {
    cpuSeconds: await readCpuSeconds(system.process.pid),
    postgresCpuSeconds: await (await bench.server()).readCpuSeconds(),
    batches: await system.readBatches(),
    wal: await readWal(system.databaseUrl),
  };
}

function cpuOf(readings: { cpuSeconds: number; postgresCpuSeconds: number }): number {
  return readings.cpuSeconds + readings.postgresCpuSeconds;
}

function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export function pgbenchContender(bench: Bench, { pgbench, best }: BestPgbench): Contender {
  return {
    name: `pgbench (${best.clients} clients)`,
    async measure() {
      const result = await pgbench.run(best.clients, bench.options.seconds);
      if (result.failed > 0) bench.fail(`pgbench: ${result.failed} transactions failed`);
      return pgbenchFigures(result);
    },
  };
}

export function pgbenchFigures(result: PgbenchResult): Figures {
  // pgbench prints an average latency, which is neither the median nor a percentile.
  return { ...NO_FIGURES, throughput: result.throughput };
}

/** Runs a load, keeps count of what the database has to hold afterwards, and reports every failure. */
async function runCounted(bench: Bench, system: System, load: Load): Promise<LoadResult> {
  const result = await bench.generator.run(load);
  if (load.plan.keyed) {
    system.tally.acknowledged += result.acknowledged;
    system.tally.cutOff += load.connections;
  }
  if (result.failed > 0) {
    const example = load.plan.requests[0];
    bench.fail(`${system.name}: ${result.failed} requests like ${example?.method} ${example?.path} failed`);
  }
  return result;
}

/** An open loop ends with every answer in hand: only of commands that were not answered as they should be nobody knows. */
export function countOpenLoad(
  bench: Bench,
  system: System,
  { result, scenario }: { result: OpenLoadResult; scenario: string },
): void {
  system.tally.acknowledged += result.acknowledged;
  system.tally.cutOff += result.failed;
  for (const [what, count] of Object.entries(result.failures)) bench.fail(`${scenario}: ${count} x ${what}`);
}

function averageBatch(before: Batches | undefined, after: Batches | undefined): number | null {
  if (!before || !after) return null;
  return (after.commands - before.commands) / (after.batches - before.batches);
}

export function toRow(system: string, rounds: Figures[]): Row {
  const over = (pick: (figures: Figures) => number | null): number | null => {
    const values = rounds.map(pick).filter((value) => value !== null);
    return values.length === 0 ? null : median(values);
  };
  return {
    system,
    throughput: median(rounds.map((figures) => figures.throughput)),
    p50Ms: over((figures) => figures.p50Ms),
    p99Ms: over((figures) => figures.p99Ms),
    maxMs: over((figures) => figures.maxMs),
    processCpu: over((figures) => figures.processCpu),
    cpuMicros: over((figures) => figures.cpuMicros),
    batchCommands: over((figures) => figures.batchCommands),
    walBytesPerCommand: over((figures) => figures.walBytesPerCommand),
    flushesPerSecond: over((figures) => figures.flushesPerSecond),
    backlogEvents: over((figures) => figures.backlogEvents),
    rounds,
  };
}
