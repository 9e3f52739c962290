-- Up Migration

-- Limits of what each wallet of the asset may spend, as canonical JSON; null until there were any. Those of a wallet, its
-- overdraft and its counters are in wallets.limits.
alter table assets add column limits json;

-- Overdrafts and limits concern a wallet without moving anything, too.
drop index events_wallet;
create index events_wallet on events (ledger_id, ((data ->> 'walletId')::uuid), position)
 where type in ('wallet.opened', 'wallet.status_changed', 'wallet.overdraft_changed', 'wallet.limits_changed');

-- An index on an empty table undoes the planner's first impression of it, see the first migration.
do $$
begin
  if not exists (select from events) then
    insert into events (ledger_id, position, id, type, version, actor, data, occurred_at, recorded_at)
    select 0, n, gen_random_uuid(), 'wallet.opened', 1, '',
           json_build_object('walletId', gen_random_uuid()), now(), now()
      from generate_series(1, 2) as n;
    analyze events;
    alter table events disable trigger events_append_only;
    delete from events where ledger_id = 0;
    alter table events enable trigger events_append_only;
  end if;
end
$$;

-- Down Migration

drop index events_wallet;
create index events_wallet on events (ledger_id, ((data ->> 'walletId')::uuid), position)
 where type in ('wallet.opened', 'wallet.status_changed');
alter table assets drop column limits;
