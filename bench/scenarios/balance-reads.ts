import { startNoOpFastify } from '../limits/no-op-fastify.ts';
import { balanceReads as readsOf } from '../load/plan.ts';
import { alternate, systemContender } from './alternate.ts';
import type { System } from '../systems/system.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 64;

export const balanceReads: Scenario = {
  name: 'balance-reads',
  title: `GET balance, ${CONNECTIONS} connections`,
  async run(bench) {
    const systems = await bench.systems();
    const loadOf = (system: System) => ({
      plan: readsOf(system.users, system.assetSlug),
      connections: CONNECTIONS,
    });
    const contenders = systems.map((system) => systemContender(bench, system, loadOf(system)));
    const coffer = systems.find(({ name }) => name === 'coffer');
    if (coffer !== undefined)
      contenders.push((await startNoOpFastify(bench, coffer)).contender(loadOf(coffer)));
    return { rows: await alternate(bench, contenders), facts: [] };
  },
};
