// Every top-up of one asset moves the same treasury: the case that a lock per request serves worst, and
// the one Coffer is made for.

import { topups } from '../load/plan.ts';
import { alternate, pgbenchContender, systemContender } from './alternate.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 256;
const RECEIVING_USERS = 1_000;

export const hotAccount: Scenario = {
  name: 'hot-account',
  title: `top-ups of one asset, ${CONNECTIONS} connections`,
  async run(bench) {
    const pgbench = await bench.pgbench();
    const systems = await bench.systems();
    const contenders = systems.map((system) =>
      systemContender(bench, system, {
        plan: topups(system.users.slice(0, RECEIVING_USERS), system.assetSlug),
        connections: CONNECTIONS,
      }),
    );
    if (pgbench) contenders.push(pgbenchContender(bench, pgbench));
    return { rows: await alternate(bench, contenders), facts: [] };
  },
};
