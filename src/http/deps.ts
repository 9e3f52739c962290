/** What the routes are built with. */
import type { DryRun } from '../commands/dry-run.ts';
import type { Answer, Request, Settlement } from '../commands/submission.ts';
import type { BalanceReader } from '../projections/queries/coalesced-balances.ts';
import type { ReadSide } from '../projections/queries/read-model.ts';
import type { Metrics } from '../metrics.ts';

export type Readiness = { readonly ready: boolean; readonly reason: string | null };

/** The sealed log, in the words of its answers. */
export type AuditQueries = {
  readonly checkpoint: () => Promise<{ readonly note: string; readonly treeSize: string } | null>;
  readonly inclusion: (wanted: {
    position: bigint;
    treeSize: bigint | undefined;
  }) => Promise<{ readonly treeSize: string }>;
  readonly consistency: (wanted: {
    from: bigint;
    to: bigint | undefined;
  }) => Promise<{ readonly to: string }>;
  readonly drift: () => Promise<{
    readonly verified: bigint;
    readonly checkedAt: string | null;
    readonly count: bigint;
    readonly findings: readonly object[];
  }>;
};

export type HttpDeps = ReadSide & {
  readonly submit: (request: Request) => Promise<Answer>;
  readonly submitAtomic: (requests: readonly Request[]) => Promise<Settlement>;
  readonly dryRun: DryRun;
  readonly balances: { readonly projected: BalanceReader; readonly strong: BalanceReader };
  readonly audit: AuditQueries;
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
};
