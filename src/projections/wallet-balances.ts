/** Balance and held amount of every wallet: a wallet's latest entry in the range says both. */
import { openedWallet } from './canonical-text.ts';
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
      // The range is read first, by itself: asked for its order as well, the planner would read the index by wallet,
      // all of it. The upsert always finds the wallet, by its key, where a joined update might scan.
      text: `
with moved as materialized (
  select e.wallet_id, e.balance_after, e.held_after, e.position, e.leg
    from ledger_entries e
   where e.ledger_id = $1::integer
     and e.position > $2::bigint
     and e.position <= $3::bigint
)
insert into ${table} as b (ledger_id, wallet_id, owner, is_system, asset_id, balance, held, position)
select $1::integer, latest.wallet_id, known.owner, known.is_system, known.asset_id, latest.balance_after,
       latest.held_after, latest.position
  from (
        select distinct on (m.wallet_id) m.wallet_id, m.balance_after, m.held_after, m.position
          from moved m
         order by m.wallet_id, m.position desc, m.leg desc
       ) latest
 cross join lateral (
        select w.owner, w.is_system, w.asset_id
          from ${table} w
         where w.ledger_id = $1::integer
           and w.wallet_id = latest.wallet_id
         limit 1
       ) known
    on conflict (ledger_id, wallet_id) do update
   set balance = excluded.balance,
       held = excluded.held,
       position = excluded.position`,
      values: [ledgerId, from, to],
    });
  },
  build: {
    // One probe of the index by wallet instead of a fold of all entries.
    async part(tx, { ledgerId, generation, from, to, target }) {
      await tx.query({
        name: `${BASE}-part-${generation}`,
        text: `
insert into ${tableOf(BASE, generation)} (ledger_id, wallet_id, owner, is_system, asset_id, balance, held, position)
select e.ledger_id,
       opened.wallet_id,
       opened.owner,
       opened.is_system,
       opened.asset_id,
       coalesce(latest.balance_after, 0),
       coalesce(latest.held_after, 0),
       coalesce(latest.position, e.position)
  from events e
 cross join lateral ${openedWallet}
  left join lateral (
       select l.balance_after, l.held_after, l.position
         from ledger_entries l
        where l.ledger_id = $1::integer
          and l.wallet_id = opened.wallet_id
          and l.position <= $4::bigint
        order by l.position desc, l.leg desc
        limit 1
       ) latest
    on true
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type = 'wallet.opened'`,
        values: [ledgerId, from, to, target],
      });
    },
  },
};
