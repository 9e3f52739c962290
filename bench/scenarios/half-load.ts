// Latency where a service should be run: at half of what it can do. What it can do is measured first, by the closed loop; then commands
// leave at half that rate whether or not those before were answered, and each is timed from the moment it was due.

import { runOpenLoad } from '../load/open-loop.ts';
import { topups } from '../load/plan.ts';
import { alternate, countOpenLoad, systemContender } from './alternate.ts';
import { NO_FIGURES, type Scenario } from './scenario.ts';

const CONNECTIONS = 256;
const RECEIVING_USERS = 1_000;

export const halfLoad: Scenario = {
  name: 'half-load',
  title: 'top-ups at half of capacity',
  async run(bench) {
    const coffer = (await bench.systems()).find((system) => system.name === 'coffer');
    if (coffer === undefined) return { rows: [], facts: [] };
    const plan = topups(coffer.users.slice(0, RECEIVING_USERS), coffer.assetSlug);
    const [capacity] = await alternate(bench, [
      systemContender(bench, coffer, { plan, connections: CONNECTIONS }),
    ]);
    if (capacity === undefined) throw new Error('the capacity was not measured');
    // Half of capacity is a state of its own, and not the end of an overload: what that has left to be folded is folded first.
    await coffer.settle();
    const perSecond = Math.round(capacity.throughput / 2);
    const load = { baseUrl: coffer.baseUrl, plan, perSecond, probeEvery: 0, probePaths: [] };
    const run = async (seconds: number) => {
      const done = await runOpenLoad({ ...load, seconds });
      countOpenLoad(bench, coffer, { result: done, scenario: 'half-load' });
      return done;
    };
    // The first second builds up what the others find.
    await run(bench.options.warmUpSeconds);
    const result = await run(bench.options.lagSeconds);
    await coffer.settle();
    const { latency, sendDelay, generatorCpu } = result;
    const throughput = result.acknowledged / result.seconds;
    const { p50Ms, p99Ms, maxMs } = latency;
    const figures = { ...NO_FIGURES, throughput, p50Ms, p99Ms, maxMs };
    return {
      rows: [
        { ...capacity, system: 'coffer, all it can' },
        { ...figures, system: 'coffer, half of it', rounds: [figures] },
      ],
      facts: [
        { name: 'p99', label: 'latency p99 at half of capacity', value: p99Ms, unit: 'ms' },
        {
          name: 'delivered',
          label: 'answered of what was offered',
          value: (100 * throughput) / perSecond,
          unit: '%',
        },
        { name: 'send-delay-p99', label: 'generator sent late by, p99', value: sendDelay.p99Ms, unit: 'ms' },
        { name: 'generator-cpu', label: 'generator used of one core', value: generatorCpu * 100, unit: '%' },
      ],
    };
  },
};
