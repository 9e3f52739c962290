// What group commit must not cost: the latency of a client that is alone.

import { topups } from '../load/plan.ts';
import { alternate, systemContender } from './alternate.ts';
import type { Scenario } from './scenario.ts';

export const oneClient: Scenario = {
  name: 'one-client',
  title: 'top-ups, one client alone',
  async run(bench) {
    const systems = await bench.systems();
    const contenders = systems.map((system) =>
      systemContender(bench, system, { plan: topups(system.users, system.assetSlug), connections: 1 }),
    );
    return { rows: await alternate(bench, contenders), facts: [] };
  },
};
