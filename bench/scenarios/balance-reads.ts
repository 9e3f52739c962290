import { balanceReads as readsOf } from '../load/plan.ts';
import { alternate, systemContender } from './alternate.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 64;

export const balanceReads: Scenario = {
  name: 'balance-reads',
  title: `GET balance, ${CONNECTIONS} connections`,
  async run(bench) {
    const systems = await bench.systems();
    const contenders = systems.map((system) =>
      systemContender(bench, system, {
        plan: readsOf(system.users, system.assetSlug),
        connections: CONNECTIONS,
      }),
    );
    return { rows: await alternate(bench, contenders), facts: [] };
  },
};
