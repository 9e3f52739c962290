// Transfers between random pairs of users share no row, so a lock per request hurts the baseline least here.

import { seededRandom, transfers as transfersOf } from '../load/plan.ts';
import { alternate, systemContender } from './alternate.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 256;
const PAIRS = 4_000;

export const transfers: Scenario = {
  name: 'transfers',
  title: `transfers between random users, ${CONNECTIONS} connections`,
  async run(bench) {
    const systems = await bench.systems();
    const contenders = systems.map((system) =>
      systemContender(bench, system, {
        plan: transfersOf(system.users, system.assetSlug, PAIRS, seededRandom(1)),
        connections: CONNECTIONS,
      }),
    );
    return { rows: await alternate(bench, contenders), facts: [] };
  },
};
