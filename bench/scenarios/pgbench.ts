import { pgbenchFigures } from './alternate.ts';
import type { Scenario } from './scenario.ts';

export const pgbench: Scenario = {
  name: 'pgbench',
  title: 'pgbench TPC-B-like, prepared, by clients',
  async run(bench) {
    const found = await bench.pgbench();
    if (!found) return { rows: [], facts: [] };
    const rows = found.scan.map((result) => ({
      ...pgbenchFigures(result),
      system: `pgbench (${result.clients} clients)`,
      rounds: [pgbenchFigures(result)],
    }));
    return { rows, facts: [] };
  },
};
