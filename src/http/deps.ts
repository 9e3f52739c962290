/** What the routes are built with. */
import type { Readable } from 'node:stream';
import type { KeyRing } from '../access/key-ring.ts';
import type { DryRun } from '../commands/dry-run.ts';
import type { Answer, Failed, Request, Settlement } from '../commands/submission.ts';
import type { Tail } from '../events/tail.ts';
import type { BalanceReader } from '../projections/queries/coalesced-balances.ts';
import type { ReadSide } from '../projections/queries/read-model.ts';
import type { LedgerMetrics, Metrics } from '../metrics.ts';

export type Readiness = { readonly ready: boolean; readonly reason: string | null };

/** The sealed log, in the words of its answers. */
export type AuditQueries = {
  readonly checkpoint: () => Promise<{ readonly note: string; readonly treeSize: string } | null>;
  /** Resolves once so many events are sealed; rejects with `not_sealed_yet` after that time. */
  readonly sealed: (wanted: { position: bigint; timeoutMs: number }) => Promise<void>;
  readonly inclusion: (wanted: {
    position: bigint;
    treeSize: bigint | undefined;
  }) => Promise<{ readonly treeSize: string }>;
  readonly consistency: (wanted: {
    from: bigint;
    to: bigint | undefined;
  }) => Promise<{ readonly to: string }>;
  readonly publicKeys: () => Promise<readonly object[]>;
  readonly drift: () => Promise<{
    readonly verified: bigint;
    readonly checkedAt: string | null;
    readonly count: bigint;
    readonly findings: readonly object[];
  }>;
};

/** Verifications of one ledger, in the words of their answers. */
export type VerificationRuns = {
  readonly start: () => { readonly id: string } | { readonly running: string | null };
  readonly list: () => readonly object[];
  readonly find: (id: string) => object | null;
};

/** Of commands that wait for a batch. */
export type QueueState = {
  readonly depth: number;
  readonly capacity: number;
  readonly shuttingDown: boolean;
};

/** What serves one ledger. */
export type LedgerServices = ReadSide & {
  readonly submit: (request: Request) => Promise<Answer>;
  readonly submitEach: (requests: readonly Request[]) => Promise<readonly (Answer | Failed)[]>;
  readonly submitAtomic: (requests: readonly Request[]) => Promise<Settlement>;
  readonly dryRun: DryRun;
  readonly balances: { readonly projected: BalanceReader; readonly strong: BalanceReader };
  readonly audit: AuditQueries;
  readonly tail: Tail;
  readonly verifications: VerificationRuns;
  /** `onEnd` is called when nothing of it is left. */
  readonly exportTar: (wanted: { slug: string; from: bigint; to: bigint; onEnd: () => void }) => Readable;
  readonly queue: () => QueueState;
  readonly metrics: LedgerMetrics;
};

export type HttpDeps = {
  readonly keys: KeyRing;
  /** Of requests that say of no ledger. */
  readonly mainLedgerId: number;
  /** Throws OperationalError (overloaded) where too many ledgers are busy at once. */
  readonly servicesOf: (ledgerId: number) => LedgerServices;
  readonly readiness: () => Promise<Readiness>;
  /** Tells the workers that a rebuild was asked for. */
  readonly wakeRebuilds: () => Promise<void>;
  readonly metrics: Metrics;
};
