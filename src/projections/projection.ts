/**
 * A read model folded from the log. `apply` is set-based SQL over a range of positions and must be safe to run
 * again from the same checkpoint: it runs in the transaction that moves the checkpoint, so each event
 * counts exactly once, however often a job runs.
 */
import type { Transaction } from '../db/transaction.ts';

/** Events with from < position <= to. */
export type Range = {
  readonly ledgerId: number;
  readonly generation: number;
  readonly from: bigint;
  readonly to: bigint;
};

export type Projection = {
  readonly name: string;
  /** Raised when the meaning of its tables changes: the read model is then built anew. */
  readonly version: number;
  /** Base names of its tables in schema `read`; a generation's table is `<base>_<generation>`. */
  readonly tables: readonly string[];
  readonly apply: (tx: Transaction, range: Range) => Promise<void>;
};

/** Table names come from this program and a number, never from a request. */
export function tableOf(base: string, generation: number): string {
  return `read.${base}_${generation}`;
}
