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

/** A range of a rebuild. What begins in it is written as it stands at `target`, the end of the log when it began. */
export type Part = Range & { readonly target: bigint };

/**
 * How a generation is filled faster than by `apply`, into tables that have no index yet: parts of the log in any
 * order, several at once, then once over the whole (from 0 to target) what only shows there. The rows must be those
 * that `apply` would have left at `target`. Both are plain inserts, each in a transaction of its own.
 */
export type Build = {
  readonly part: (tx: Transaction, part: Part) => Promise<void>;
  readonly finish?: (tx: Transaction, whole: Range) => Promise<void>;
  /** Much is left to do once its parts are filled, by one hand: it is filled before others, and ends beside them. */
  readonly endsSlowly?: true;
};

export type Projection = {
  readonly name: string;
  /** Raised when the meaning of its tables changes: the read model is then built anew. */
  readonly version: number;
  /** Base names of its tables in schema `read`; a generation's table is `<base>_<generation>`. */
  readonly tables: readonly string[];
  readonly apply: (tx: Transaction, range: Range) => Promise<void>;
  /** Without it a rebuild applies the whole log, range after range. */
  readonly build?: Build;
};

/** Which rows of read.generations and read.checkpoints this program may touch: names and versions, in one order. */
export function namesAndVersions(projections: readonly Projection[]): [string[], number[]] {
  return [projections.map(({ name }) => name), projections.map(({ version }) => version)];
}

/** The generation that gives the others their columns and indexes, and never holds a row. */
export const SHAPE = 0;

/** Table names come from this program and a number, never from a request. */
export function tableOf(base: string, generation: number): string {
  return `read.${base}_${generation}`;
}
