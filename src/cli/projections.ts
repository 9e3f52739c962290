/** coffer projections list: what the read models are up to. */
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import { readProjectionStatus, type RebuildStatus } from '../projections/queries/projection-status.ts';
import type { OfLedger } from './of-ledger.ts';
import { withCommandPool } from './command-pool.ts';

export function listProjections(config: Config, { ledger }: OfLedger): Promise<number> {
  return withCommandPool(config, async ({ pool }) => {
    const statuses = await readProjectionStatus(pool, await ledgerIdOf(pool, ledger));
    for (const { name, position, headPosition, lagEvents, state, error, rebuild } of statuses) {
      const trouble = error === null ? '' : `  ${error}`;
      console.log(
        `${name.padEnd(16)} ${state.padEnd(11)} ${position}/${headPosition}  lag ${lagEvents}${trouble}`,
      );
      if (rebuild !== null) console.log(`  ${nextGeneration(rebuild)}`);
    }
    return 0;
  });
}

function nextGeneration({
  generation,
  state,
  partsDone,
  parts,
  eventsPerSecond,
  error,
}: RebuildStatus): string {
  const trouble = error === null ? '' : `  ${error}`;
  return `generation ${generation} ${state}  parts ${partsDone}/${parts}  ${eventsPerSecond} events/s${trouble}`;
}
