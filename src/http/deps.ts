/** What the routes are built with. */
import type { Pool } from 'pg';
import type { Answer, Request } from '../commands/submission.ts';
import type { BalanceReader } from '../projections/queries/coalesced-balances.ts';
import type { PositionWaiter } from '../projections/queries/positions.ts';
import type { Metrics } from '../metrics.ts';

export type Readiness = { readonly ready: boolean; readonly reason: string | null };

export type HttpDeps = {
  readonly ledgerId: number;
  readonly submit: (request: Request) => Promise<Answer>;
  readonly readPool: Pool;
  readonly positions: PositionWaiter;
  readonly balances: { readonly projected: BalanceReader; readonly strong: BalanceReader };
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
  readonly waitMs: number;
};
