/** Users, assets and wallets with their status, as lists and look-ups show them. E-mails stay beside the log. */
import type { Transaction } from '../db/transaction.ts';
import { tableOf, type Projection, type Range } from './projection.ts';

export const directory: Projection = {
  name: 'directory',
  version: 1,
  tables: ['users', 'assets', 'wallets'],
  async apply(tx, range) {
    // One look tells whether the range holds anything for this read model: most ranges are money only.
    const { rows } = await tx.query<{ found: boolean }>({
      name: 'directory-any',
      text: `
select exists (
  select
    from events e
   where e.ledger_id = $1::integer
     and e.position > $2::bigint
     and e.position <= $3::bigint
     and e.type not in ('transaction.posted', 'transaction.rejected')
) as found`,
      values: [range.ledgerId, range.from, range.to],
    });
    if (rows[0]?.found !== true) return;
    await applyUsers(tx, range);
    await applyAssets(tx, range);
    await applyWallets(tx, range);
  },
};

async function applyUsers(tx: Transaction, { ledgerId, generation, from, to }: Range): Promise<void> {
  const table = tableOf('users', generation);
  await tx.query({
    name: `directory-users-registered-${generation}`,
    text: `
insert into ${table} (ledger_id, id, status, created_at, position)
select e.ledger_id, (e.data ->> 'userId')::uuid, 'ACTIVE', e.occurred_at, e.position
  from events e
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type = 'user.registered'`,
    values: [ledgerId, from, to],
  });
  await tx.query({
    name: `directory-users-changed-${generation}`,
    text: `
update ${table} u
   set status = latest.status
  from (
        select distinct on (e.data ->> 'userId') (e.data ->> 'userId')::uuid as id, e.data ->> 'status' as status
          from events e
         where e.ledger_id = $1::integer
           and e.position > $2::bigint
           and e.position <= $3::bigint
           and e.type = 'user.status_changed'
         order by e.data ->> 'userId', e.position desc
       ) latest
 where u.ledger_id = $1::integer
   and u.id = latest.id`,
    values: [ledgerId, from, to],
  });
}

async function applyAssets(tx: Transaction, { ledgerId, generation, from, to }: Range): Promise<void> {
  const table = tableOf('assets', generation);
  await tx.query({
    name: `directory-assets-created-${generation}`,
    text: `
insert into ${table} (ledger_id, id, slug, name, scale, supply_cap, status, position)
select e.ledger_id,
       (e.data ->> 'assetId')::uuid,
       e.data ->> 'slug',
       e.data ->> 'name',
       (e.data ->> 'scale')::smallint,
       (e.data ->> 'supplyCap')::numeric,
       'ACTIVE',
       e.position
  from events e
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type = 'asset.created'`,
    values: [ledgerId, from, to],
  });
  await tx.query({
    name: `directory-assets-changed-${generation}`,
    text: `
update ${table} a
   set status = latest.status
  from (
        select distinct on (e.data ->> 'assetId') (e.data ->> 'assetId')::uuid as id, e.data ->> 'status' as status
          from events e
         where e.ledger_id = $1::integer
           and e.position > $2::bigint
           and e.position <= $3::bigint
           and e.type = 'asset.status_changed'
         order by e.data ->> 'assetId', e.position desc
       ) latest
 where a.ledger_id = $1::integer
   and a.id = latest.id`,
    values: [ledgerId, from, to],
  });
}

async function applyWallets(tx: Transaction, { ledgerId, generation, from, to }: Range): Promise<void> {
  const table = tableOf('wallets', generation);
  await tx.query({
    name: `directory-wallets-opened-${generation}`,
    text: `
insert into ${table} (ledger_id, id, owner, is_system, asset_id, status, position)
select e.ledger_id,
       (e.data ->> 'walletId')::uuid,
       coalesce(e.data #>> '{owner,userId}', e.data #>> '{owner,system}'),
       e.data #>> '{owner,system}' is not null,
       (e.data ->> 'assetId')::uuid,
       'ACTIVE',
       e.position
  from events e
 where e.ledger_id = $1::integer
   and e.position > $2::bigint
   and e.position <= $3::bigint
   and e.type = 'wallet.opened'`,
    values: [ledgerId, from, to],
  });
  await tx.query({
    name: `directory-wallets-changed-${generation}`,
    text: `
update ${table} w
   set status = latest.status
  from (
        select distinct on (e.data ->> 'walletId') (e.data ->> 'walletId')::uuid as id, e.data ->> 'status' as status
          from events e
         where e.ledger_id = $1::integer
           and e.position > $2::bigint
           and e.position <= $3::bigint
           and e.type = 'wallet.status_changed'
         order by e.data ->> 'walletId', e.position desc
       ) latest
 where w.ledger_id = $1::integer
   and w.id = latest.id`,
    values: [ledgerId, from, to],
  });
}
