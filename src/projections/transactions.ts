/**
 * What the filters of GET /transactions need and no index on the log can serve: type, reference, and the user of
 * a refused transaction. A posted one is found by user through the entries of the user's wallets.
 */
import type { Transaction } from '../db/transaction.ts';
import { requestTail, tailReference, tailType, tailUserId } from './canonical-text.ts';
import { tableOf, type Projection, type Range } from './projection.ts';

const BASE = 'transactions';

/** Of a range: the same while the log grows and in a rebuild. */
async function insertRows(tx: Transaction, { ledgerId, generation, from, to }: Range): Promise<void> {
  await tx.query({
    name: `${BASE}-${generation}`,
    text: `
insert into ${tableOf(BASE, generation)} (ledger_id, position, type, status, reference, user_id)
select e.ledger_id,
       e.position,
       ${tailType},
       case e.type when 'transaction.rejected' then 'rejected' else 'posted' end,
       ${tailReference},
       ${tailUserId}
  from events e
 cross join lateral ${requestTail}
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type in ('transaction.posted', 'hold.captured', 'transaction.rejected')`,
    values: [ledgerId, from, to],
  });
}

export const transactions: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  apply: insertRows,
  // It has the most rows to index and to compare.
  build: { endsSlowly: true, part: insertRows },
};
