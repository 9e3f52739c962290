/** What a ledger that is being made needs of the read models: a checkpoint of each, in every generation that still moves. */
import type { Transaction } from '../db/transaction.ts';
import { ensureCheckpoints } from './catch-up.ts';
import type { Projection } from './projection.ts';

/**
 * In the transaction that makes the ledger. Generations stay as they are until it ends, so that a rebuild sees the ledger
 * whole or not at all; one that is still being filled opens the checkpoints of all ledgers at its end.
 */
export async function openCheckpoints(
  tx: Transaction,
  ledgerId: number,
  projections: readonly Projection[],
): Promise<void> {
  // Where no worker has run yet there are no generations either.
  await ensureCheckpoints(tx, projections);
  await tx.query({
    text: `
select
  from read.generations
 where state in ('building', 'catching_up', 'following', 'live', 'retired')
 order by projection, generation
   for update`,
  });
  await tx.query({
    text: `
insert into read.checkpoints (ledger_id, projection, generation, version, live, following)
select $1::integer, projection, generation, version, state = 'live', state = 'following'
  from read.generations
 where state in ('catching_up', 'following', 'live', 'retired')
    on conflict do nothing`,
    values: [ledgerId],
  });
}
