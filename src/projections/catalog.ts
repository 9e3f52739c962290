/** Every projection there is. A new one is a file of its own, a line here, and a migration for its tables. */
import { assetActivity } from './asset-activity.ts';
import { directory } from './directory.ts';
import { holds } from './holds.ts';
import type { Projection } from './projection.ts';
import { lots } from './lots.ts';
import { scheduled } from './scheduled.ts';
import { transactions } from './transactions.ts';
import { walletBalances } from './wallet-balances.ts';

export const projections: readonly Projection[] = [
  transactions,
  walletBalances,
  directory,
  assetActivity,
  holds,
  lots,
  scheduled,
];

/** Undefined for a name that is not in the catalog. */
export function projectionNamed(name: string): Projection | undefined {
  return projections.find((projection) => projection.name === name);
}
