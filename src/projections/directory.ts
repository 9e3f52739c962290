/** Users, assets and wallets with their status, as lists and look-ups show them. E-mails stay beside the log. */
import type { Transaction } from '../db/transaction.ts';
import type { EventType } from '../events/catalog.ts';
import { openedWallet } from './canonical-text.ts';
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
     and e.type in ('user.registered', 'user.status_changed', 'user.erased', 'asset.created', 'asset.status_changed', 'wallet.opened',
                  'wallet.status_changed')
) as found`,
      values: [range.ledgerId, range.from, range.to],
    });
    if (rows[0]?.found !== true) return;
    await applyUsers(tx, range);
    await applyAssets(tx, range);
    await applyWallets(tx, range);
  },
  build: { part: insertBegun, finish: updateStatuses },
};

const USER_STATUS: readonly EventType[] = ['user.status_changed', 'user.erased'];
/** An erasure is a status too, for ever. */
const STATUS = `case e.type when 'user.erased' then 'ERASED' else e.data ->> 'status' end`;

async function applyUsers(tx: Transaction, range: Range): Promise<void> {
  const { ledgerId, generation, from, to } = range;
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
  await applyStatuses(tx, range, { base: 'users', idField: 'userId', eventTypes: USER_STATUS });
}

async function applyAssets(tx: Transaction, range: Range): Promise<void> {
  const { ledgerId, generation, from, to } = range;
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
  await applyStatuses(tx, range, {
    base: 'assets',
    idField: 'assetId',
    eventTypes: ['asset.status_changed'],
  });
}

async function applyWallets(tx: Transaction, range: Range): Promise<void> {
  const { ledgerId, generation, from, to } = range;
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
  await applyStatuses(tx, range, {
    base: 'wallets',
    idField: 'walletId',
    eventTypes: ['wallet.status_changed'],
  });
}

/** The last status that the range says of each thing. */
async function applyStatuses(
  tx: Transaction,
  { ledgerId, generation, from, to }: Range,
  of: { base: 'users' | 'assets' | 'wallets'; idField: string; eventTypes: readonly EventType[] },
): Promise<void> {
  await tx.query({
    name: `directory-${of.base}-changed-${generation}`,
    text: `
update ${tableOf(of.base, generation)} t
   set status = latest.status
  from (
        select distinct on (e.data ->> '${of.idField}')
               (e.data ->> '${of.idField}')::uuid as id, ${STATUS} as status
          from events e
         where e.ledger_id = $1::integer
           and e.position > $2::bigint
           and e.position <= $3::bigint
           and e.type in (${of.eventTypes.map((type) => `'${type}'`).join(', ')})
         order by e.data ->> '${of.idField}', e.position desc
       ) latest
 where t.ledger_id = $1::integer
   and t.id = latest.id`,
    values: [ledgerId, from, to],
  });
}

/** All three in one reading of the part, each as it began. */
async function insertBegun(tx: Transaction, { ledgerId, generation, from, to }: Range): Promise<void> {
  await tx.query({
    name: `directory-part-${generation}`,
    text: `
with begun as materialized (
  select e.type, e.position, e.occurred_at, e.data
    from events e
   where e.ledger_id = $1::integer
     and e.position > $2::bigint
     and e.position <= $3::bigint
     and e.type in ('user.registered', 'asset.created', 'wallet.opened')
), registered as (
  insert into ${tableOf('users', generation)} (ledger_id, id, status, created_at, position)
  select $1::integer, (b.data ->> 'userId')::uuid, 'ACTIVE', b.occurred_at, b.position
    from begun b
   where b.type = 'user.registered'
), created as (
  insert into ${tableOf('assets', generation)} (ledger_id, id, slug, name, scale, supply_cap, status, position)
  select $1::integer, (b.data ->> 'assetId')::uuid, b.data ->> 'slug', b.data ->> 'name',
         (b.data ->> 'scale')::smallint, (b.data ->> 'supplyCap')::numeric, 'ACTIVE', b.position
    from begun b
   where b.type = 'asset.created'
)
insert into ${tableOf('wallets', generation)} (ledger_id, id, owner, is_system, asset_id, status, position)
select $1::integer, opened.wallet_id, opened.owner, opened.is_system, opened.asset_id, 'ACTIVE', e.position
  from begun e
 cross join lateral ${openedWallet}
 where e.type = 'wallet.opened'`,
    values: [ledgerId, from, to],
  });
}

/** The last status of each. */
async function updateStatuses(tx: Transaction, { ledgerId, generation, from, to }: Range): Promise<void> {
  // Tables that were filled a moment ago have neither indexes nor statistics: each change would be compared with each row.
  await tx.query({ text: "select set_config('enable_nestloop', 'off', true)" });
  await tx.query({
    text: `
with latest as materialized (
  select distinct on (changed.id) changed.id, changed.type, changed.status
    from (
          select e.type, e.position, ${STATUS} as status,
                 coalesce(e.data ->> 'userId', e.data ->> 'assetId', e.data ->> 'walletId')::uuid as id
            from events e
           where e.ledger_id = $1::integer
             and e.position > $2::bigint
             and e.position <= $3::bigint
             and e.type in ('user.status_changed', 'user.erased', 'asset.status_changed', 'wallet.status_changed')
         ) changed
   order by changed.id, changed.position desc
), users_changed as (
  update ${tableOf('users', generation)} t
     set status = latest.status
    from latest
   where t.ledger_id = $1::integer
     and t.id = latest.id
     and latest.type in ('user.status_changed', 'user.erased')
), assets_changed as (
  update ${tableOf('assets', generation)} t
     set status = latest.status
    from latest
   where t.ledger_id = $1::integer
     and t.id = latest.id
     and latest.type = 'asset.status_changed'
)
update ${tableOf('wallets', generation)} t
   set status = latest.status
  from latest
 where t.ledger_id = $1::integer
   and t.id = latest.id
   and latest.type = 'wallet.status_changed'`,
    values: [ledgerId, from, to],
  });
}
