/**
 * Lets old checkpoints go, a page at a time: all of the last day stay, before that the last one of each hour, and the first and the last
 * one of each key and incarnation. The rules, and that nobody lets go of more, are in migrations/0013.
 */
import type { Transaction } from '../../db/transaction.ts';

/** A page takes some milliseconds. */
const PAGE = 2_000;
/** Once all is looked at: an hour's worth is let go at once. */
const REST_MS = 3_600_000;

export type Thinning = {
  /** A page; nothing for an hour after the last one. */
  readonly thin: (tx: Transaction) => Promise<void>;
};

/** `now` in milliseconds. */
export function createThinning(
  ledgerId: number,
  { now = () => performance.now(), page = PAGE }: { now?: () => number; page?: number } = {},
): Thinning {
  let after = { incarnation: 0, size: 0n };
  let restsUntil = Number.NEGATIVE_INFINITY;
  return {
    async thin(tx) {
      if (now() < restsUntil) return;
      const { rows } = await tx.query<{ incarnation: number; size: bigint }>({
        name: 'thin-checkpoints',
        text: `
select incarnation, tree_size as size
  from thin_checkpoints($1::integer, $2::integer, $3::bigint, $4::integer)`,
        values: [ledgerId, after.incarnation, after.size, page],
      });
      if (rows[0] === undefined) restsUntil = now() + REST_MS;
      else after = rows[0];
    },
  };
}
