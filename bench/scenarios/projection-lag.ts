// How soon a client can read its own write from the read model, at a steady rate of commands.

import { runOpenLoad, type OpenLoadResult } from '../load/open-loop.ts';
import { balanceReads, topups } from '../load/plan.ts';
import type { System } from '../systems/system.ts';
import { countOpenLoad } from './alternate.ts';
import { NO_FIGURES, type Bench, type Fact, type Scenario } from './scenario.ts';

const COMMANDS_PER_SECOND = 2_000;
const PROBES_PER_SECOND = 20;

export const projectionLag: Scenario = {
  name: 'projection-lag',
  title: `top-ups at a steady ${COMMANDS_PER_SECOND}/s`,
  async run(bench) {
    const coffer = (await bench.systems()).find((system) => system.name === 'coffer');
    if (!coffer) return { rows: [], facts: [] };
    await runCounted(bench, coffer, bench.options.warmUpSeconds);
    const before = await coffer.readBatches();
    const result = await runCounted(bench, coffer, bench.options.lagSeconds);
    const after = await coffer.readBatches();
    const figures = {
      ...NO_FIGURES,
      throughput: result.acknowledged / result.seconds,
      p50Ms: result.latency.p50Ms,
      p99Ms: result.latency.p99Ms,
      maxMs: result.latency.maxMs,
      batchCommands:
        before && after ? (after.commands - before.commands) / (after.batches - before.batches) : null,
    };
    return { rows: [{ ...figures, system: coffer.name, rounds: [figures] }], facts: facts(result) };
  },
};

async function runCounted(bench: Bench, coffer: System, seconds: number): Promise<OpenLoadResult> {
  const result = await runOpenLoad({
    baseUrl: coffer.baseUrl,
    plan: topups(coffer.users, coffer.assetSlug),
    perSecond: COMMANDS_PER_SECOND,
    seconds,
    probeEvery: COMMANDS_PER_SECOND / PROBES_PER_SECOND,
    probePaths: balanceReads(coffer.users, coffer.assetSlug).requests.map((request) => request.path),
  });
  countOpenLoad(bench, coffer, { result, scenario: 'projection-lag' });
  return result;
}

function facts(result: OpenLoadResult): Fact[] {
  const ms = (name: string, label: string, value: number): Fact => ({ name, label, value, unit: 'ms' });
  return [
    ms('lag-p50', 'projection lag p50', result.lag.p50Ms),
    ms('lag-p99', 'projection lag p99', result.lag.p99Ms),
    ms('lag-max', `projection lag max, of ${result.lag.count} probes`, result.lag.maxMs),
    ms('send-delay-p99', 'generator sent late by, p99', result.sendDelay.p99Ms),
    {
      name: 'generator-cpu',
      label: 'generator used of one core',
      value: result.generatorCpu * 100,
      unit: '%',
    },
    {
      name: 'delivered',
      label: 'answered of what was offered, in time',
      value: (result.acknowledged / result.seconds / COMMANDS_PER_SECOND) * 100,
      unit: '%',
    },
  ];
}
