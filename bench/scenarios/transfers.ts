// Transfers between random pairs of very many users share no row, so a lock per request hurts the baseline least here, and no cache of
// few wallets helps.

import { seededRandom, transfers as transfersOf } from '../load/plan.ts';
import { alternate, systemContender } from './alternate.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 256;

export const transfers: Scenario = {
  name: 'transfers',
  title: `transfers between very many users, ${CONNECTIONS} connections`,
  async run(bench) {
    const { crowd, pairs } = bench.options;
    const contenders = [];
    for (const system of await bench.systems()) {
      bench.log(`  ${system.name}: ${crowd} users with money`);
      const users = await system.crowd(crowd);
      await system.settle();
      const plan = transfersOf(users, system.assetSlug, pairs, seededRandom(1));
      contenders.push(systemContender(bench, system, { plan, connections: CONNECTIONS }));
    }
    const facts = [{ name: 'users', label: 'users that transfer', value: crowd, unit: 'users' }];
    return { rows: await alternate(bench, contenders), facts };
  },
};
