// Two API processes on one database against one: the cores are the same, so nothing is to be won but for what one process cannot use;
// what is looked for is that they don't stand in each other's way. The second is an API alone, the first has the worker as always.

import type { Load, LoadResult } from '../load/generator.ts';
import { seededRandom, topups, transfers, type LoadPlan } from '../load/plan.ts';
import { waitUntilQuiet } from '../postgres/quiet.ts';
import { readCpuSeconds } from '../process-figures.ts';
import { startSecondApi } from '../systems/coffer.ts';
import type { System } from '../systems/system.ts';
import { alternate, systemContender, type Contender } from './alternate.ts';
import { NO_FIGURES, type Bench, type Scenario } from './scenario.ts';

const CONNECTIONS = 256;
const RECEIVING_USERS = 1_000;

export const PROCESS_ROWS = {
  hot: { one: 'top-ups, one process', two: 'top-ups, two processes' },
  spread: { one: 'transfers, one process', two: 'transfers, two processes' },
} as const;

export const twoProcesses: Scenario = {
  name: 'two-processes',
  title: `two API processes, ${CONNECTIONS} connections in all`,
  async run(bench) {
    const coffer = (await bench.systems()).find((system) => system.name === 'coffer');
    if (coffer === undefined) return { rows: [], facts: [] };
    const { crowd, pairs } = bench.options;
    const users = await coffer.crowd(crowd);
    await coffer.settle();
    const second = await startSecondApi({ databaseUrl: coffer.databaseUrl, defer: bench.defer });
    const plans = {
      hot: topups(coffer.users.slice(0, RECEIVING_USERS), coffer.assetSlug),
      spread: transfers(users, coffer.assetSlug, pairs, seededRandom(2)),
    };
    const contenders = (['hot', 'spread'] as const).flatMap((work) => [
      {
        ...systemContender(bench, coffer, { plan: plans[work], connections: CONNECTIONS }),
        name: PROCESS_ROWS[work].one,
      },
      pairContender(bench, { name: PROCESS_ROWS[work].two, coffer, second, plan: plans[work] }),
    ]);
    const rows = await alternate(bench, contenders);
    const { peakMB } = (await second.memory.read()) ?? { peakMB: Number.NaN };
    await second.stop();
    return {
      rows,
      facts: [{ name: 'second-memory', label: 'peak of the second process', value: peakMB, unit: 'MB' }],
    };
  },
};

type Pair = {
  name: string;
  coffer: System;
  second: Awaited<ReturnType<typeof startSecondApi>>;
  plan: LoadPlan;
};

function pairContender(bench: Bench, { name, coffer, second, plan }: Pair): Contender {
  const share = { plan, connections: CONNECTIONS / 2 };

  async function run(seconds: number): Promise<LoadResult[]> {
    const loads: Load[] = [coffer.baseUrl, second.baseUrl].map((baseUrl) => ({ ...share, baseUrl, seconds }));
    const results = await Promise.all(loads.map((load) => bench.generator.run(load)));
    for (const { acknowledged, failed } of results) {
      coffer.tally.acknowledged += acknowledged;
      coffer.tally.cutOff += share.connections;
      if (failed > 0) bench.fail(`${name}: ${failed} requests failed`);
    }
    return results;
  }

  const cpu = async () =>
    (await readCpuSeconds(coffer.process.pid)) + (await readCpuSeconds(second.process.pid));

  return {
    name,
    async measure(round) {
      const { seconds, warmUpSeconds } = bench.options;
      await run(round === 1 ? warmUpSeconds * 2 : warmUpSeconds);
      await waitUntilQuiet(coffer.databaseUrl);
      const cpuBefore = await cpu();
      const results = await run(seconds);
      const cpuSeconds = (await cpu()) - cpuBefore;
      const backlog = await coffer.settle();
      await waitUntilQuiet(coffer.databaseUrl);
      const worst = (pick: (result: LoadResult) => number) => Math.max(...results.map(pick));
      return {
        ...NO_FIGURES,
        throughput: results.reduce((sum, { throughput }) => sum + throughput, 0),
        // Of the slower of the two.
        p50Ms: worst(({ p50Ms }) => p50Ms),
        p99Ms: worst(({ p99Ms }) => p99Ms),
        maxMs: worst(({ maxMs }) => maxMs),
        processCpu: cpuSeconds / worst(({ seconds }) => seconds),
        backlogEvents: backlog?.events ?? null,
      };
    },
  };
}
