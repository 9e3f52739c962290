/** Balance and held amount of every wallet: a wallet's latest entry in the range says both. */
import { tableOf, type Projection } from './projection.ts';

const BASE = 'wallet_balances';

export const walletBalances: Projection = {
  name: BASE,
  version: 1,
  tables: [BASE],
  async apply(tx, { ledgerId, generation, from, to }) {
    const table = tableOf(BASE, generation);
    await tx.query({
      name: `${BASE}-opened-${generation}`,
      text: `
insert into ${table} (ledger_id, wallet_id, owner, is_system, asset_id, balance, held, position)
select e.ledger_id,
       (e.data ->> 'walletId')::uuid,
       coalesce(e.data #>> '{owner,userId}', e.data #>> '{owner,system}'),
       e.data #>> '{owner,system}' is not null,
       (e.data ->> 'assetId')::uuid,
       0,
       0,
       e.position
  from events e
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type = 'wallet.opened'`,
      values: [ledgerId, from, to],
    });
    await tx.query({
      name: `${BASE}-moved-${generation}`,
      text: `
update ${table} b
   set balance = latest.balance_after,
       held = latest.held_after,
       position = latest.position
  from (
        select distinct on (e.wallet_id) e.wallet_id, e.balance_after, e.held_after, e.position
          from ledger_entries e
         where e.ledger_id = $1::integer
           and e.position > $2::bigint
           and e.position <= $3::bigint
         order by e.wallet_id, e.position desc, e.leg desc
       ) latest
 where b.ledger_id = $1::integer
   and b.wallet_id = latest.wallet_id`,
      values: [ledgerId, from, to],
    });
  },
};
