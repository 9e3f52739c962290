import { against } from './against.ts';
import { balanceReads } from './balance-reads.ts';
import { growth } from './growth.ts';
import { halfLoad } from './half-load.ts';
import { hotAccount } from './hot-account.ts';
import { limits } from './limits.ts';
import { longLogs } from './long-logs.ts';
import { longReads } from './long-reads.ts';
import { oneClient } from './one-client.ts';
import { pgbench } from './pgbench.ts';
import { projectionLag } from './projection-lag.ts';
import type { Scenario } from './scenario.ts';
import { startUp } from './start-up.ts';
import { transfers } from './transfers.ts';
import { twoProcesses } from './two-processes.ts';

/** In the order in which they run: what wants an idle machine first, and what leaves a lot to be cleared up after last. */
export const scenarios: readonly Scenario[] = [
  startUp,
  pgbench,
  hotAccount,
  oneClient,
  halfLoad,
  balanceReads,
  limits,
  projectionLag,
  transfers,
  twoProcesses,
  longReads,
  growth,
  longLogs,
  against,
];

/** The scenarios to run for --only. Throws on a name that isn't one. */
export function selectScenarios(only: readonly string[]): readonly Scenario[] {
  const known = scenarios.map((scenario) => scenario.name);
  for (const name of only) {
    if (!known.includes(name)) throw new Error(`no scenario "${name}"; there are ${known.join(', ')}`);
  }
  return scenarios.filter(({ name, onRequest }) =>
    only.length === 0 ? onRequest !== true : only.includes(name),
  );
}
