import type { Sealed } from './expected-checkpoints.ts';
import type { Finding } from './finding.ts';

export type Counted = {
  events: number;
  entries: number;
  keys: number;
  /** Of tables and read models. */
  rows: number;
  holds: number;
  reversals: number;
};

/** What a verification comes to. */
export type Verdict = {
  /** The first and the last position that were verified. */
  readonly from: bigint;
  readonly to: bigint;
  readonly seconds: number;
  readonly counted: Counted;
  readonly wallets: number;
  /** The latest sealed checkpoint that the log agrees with; null: nothing was sealed. */
  readonly checkpoint: Sealed | null;
  readonly checkpoints: number;
  /** The first ones, and how many there were. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
};
